"""Tilt: the image turns in space about both of its axes, a degree a frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainables.geometry import tilted
from trainables.perturbations import Perturbation, Steps

_DEGREES = Steps(-15, 1)


@dataclass(frozen=True, kw_only=True)
class Tilt(Perturbation):
    """In perspective, black where the image ends. At 0° it is smaller than the image by 1 / (focal length + 1)."""

    reaches_out: ClassVar[bool] = True
    summary: ClassVar[str] = "tilted in space from −15° to 15°, CIFAR's 11.25° (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, Steps]] = {32: Steps(-11.25, 0.75), 64: _DEGREES, 224: _DEGREES, 299: _DEGREES}

    def frames(self, pixels: Tensor, side: int, setting: Steps, generator: torch.Generator) -> Tensor:
        return tilted(pixels, side, setting.values())
