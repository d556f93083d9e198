"""Brightness: the image turns from dark to bright."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainables.corruptions.brightness import Brightness as Corruption
from trainables.corruptions.brightness import Setting
from trainables.perturbations import Perturbation, Steps

_ADDED = Steps(-0.3, 0.02)


@dataclass(frozen=True, kw_only=True)
class Brightness(Perturbation):
    """The corruption's, with negative numbers before the middle: HSV's value + c, within [0, 1]."""

    summary: ClassVar[str] = "HSV's value changed by −0.3 to 0.3, CIFAR's by 0.225 (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, Steps]] = {32: Steps(-0.225, 0.015), 64: _ADDED, 224: _ADDED, 299: _ADDED}

    def untouched(self, setting: Steps) -> int:
        return setting.values().index(0)

    def frames(self, pixels: Tensor, side: int, setting: Steps, generator: torch.Generator) -> Tensor:
        frames = [Corruption().corrupt(pixels, Setting(added), None) for added in setting.values()]
        return torch.stack(frames, dim=1)
