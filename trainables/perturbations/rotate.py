"""Rotate: the image turns about its centre, a degree a frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainables.geometry import Motion, moved
from trainables.perturbations import Perturbation, Steps

_DEGREES = Steps(-15, 1)


@dataclass(frozen=True, kw_only=True)
class Rotate(Perturbation):
    """From −15° to 15°, bilinear, black where the image ends."""

    reaches_out: ClassVar[bool] = True
    summary: ClassVar[str] = "turned from −15° to 15° (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, Steps]] = {32: _DEGREES, 64: _DEGREES, 224: _DEGREES, 299: _DEGREES}

    def untouched(self, setting: Steps) -> int:
        return setting.values().index(0)

    def frames(self, pixels: Tensor, side: int, setting: Steps, generator: torch.Generator) -> Tensor:
        return moved(pixels, side, [Motion(degrees=degrees) for degrees in setting.values()])
