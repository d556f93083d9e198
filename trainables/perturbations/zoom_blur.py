"""Zoom blur: the camera moves towards its object while the shutter stays open."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from trainables.geometry import Motion, moved
from trainables.levels import LEVELS, in_blocks
from trainables.perturbations import Perturbation, Steps

_FACTORS = Steps(1, 0.004)


@dataclass(frozen=True, kw_only=True)
class ZoomBlur(Perturbation):
    """Frame i is the mean of the image enlarged 1, 1.004, … 1 + 0.004 i times, each of them truncated to bytes.

    Unlike the corruption's, these zooms are Pillow's, about the centre that the other motions have.
    """

    reaches_out: ClassVar[bool] = True
    summary: ClassVar[str] = "the mean of ever more zooms, up to 1.12 times (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, Steps]] = {32: _FACTORS, 64: _FACTORS, 224: _FACTORS, 299: _FACTORS}

    def untouched(self, setting: Steps) -> int:
        return 0

    def frames(self, pixels: Tensor, side: int, setting: Steps, generator: torch.Generator) -> Tensor:
        motions = [Motion(scale=factor) for factor in setting.values()]
        return in_blocks(lambda _, frames: _running_means(frames), pixels, moved(pixels, side, motions))


def _running_means(frames: Tensor) -> Tensor:
    """uint8 [N, T, …] → each frame's mean with all before it, in single precision as torchvision's tensors have it.

    Divisors are tensors: by a number, a GPU would multiply with the reciprocal.
    """
    number = partial(torch.full, (1,), device=frames.device, dtype=torch.float32)
    white, means = number(LEVELS - 1), torch.empty_like(frames)
    total = frames.new_zeros(frames[:, 0].shape, dtype=torch.float32)
    for count in range(1, frames.shape[1] + 1):
        total.add_(frames[:, count - 1].to(torch.float32).div_(white))
        means[:, count - 1] = (total / number(count)).mul_(LEVELS - 1).to(torch.uint8)
    return means
