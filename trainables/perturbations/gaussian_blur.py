"""Gaussian blur: the image goes out of focus from frame to frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.filters import gaussian
from trainables.levels import in_blocks, truncated
from trainables.perturbations import Perturbation, Steps


class Setting(NamedTuple):
    """How wide the Gaussian is."""

    sigmas: Steps
    """Pixels."""
    truncate: float
    """Standard deviations beyond which it is cut off."""


@dataclass(frozen=True, kw_only=True)
class GaussianBlur(Perturbation):
    """scikit-image's, with the border's pixels repeated beyond it."""

    extra: ClassVar[bool] = True
    summary: ClassVar[str] = "a Gaussian of σ 0.25 to 1.3 pixels, CIFAR's 0.3 to 0.75 (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, Setting]] = {
        32: Setting(Steps(0.3, 0.015), 7),
        64: Setting(Steps(0.35, 0.014), 7),
        224: Setting(Steps(0.25, 0.035), 6),
        299: Setting(Steps(0.35, 0.035), 6),
    }

    def frames(self, pixels: Tensor, side: int, setting: Setting, generator: torch.Generator) -> Tensor:
        frames = [_blurred(pixels, sigma, int(setting.truncate * sigma + 0.5)) for sigma in setting.sigmas.values()]
        return torch.stack(frames, dim=1)


def _blurred(pixels: Tensor, sigma: float, radius: int) -> Tensor:
    height, width = pixels.shape[2:]
    blur = gaussian(height, width, sigma, radius, "replicate", torch.float32, pixels.device)
    return in_blocks(lambda block: truncated(blur(block.to(torch.float32))), pixels)
