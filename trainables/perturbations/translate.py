"""Translate: the image slides to the right, a pixel a frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainables.geometry import shifted
from trainables.perturbations import Perturbation, Steps


@dataclass(frozen=True, kw_only=True)
class Translate(Perturbation):
    """By whole pixels; black where the image ends. The paper has it slide to the left; the released code decides."""

    reaches_out: ClassVar[bool] = True
    summary: ClassVar[str] = "moved from left to right by 40 pixels, 15 at 32 (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, Steps]] = {
        32: Steps(-7, 1, 16),
        64: Steps(-15, 1),
        224: Steps(-20, 1, 41),
        299: Steps(-20, 1, 41),
    }

    def length(self, setting: Steps) -> int:
        return setting.frames

    def untouched(self, setting: Steps) -> int:
        return setting.values().index(0)

    def frames(self, pixels: Tensor, side: int, setting: Steps, generator: torch.Generator) -> Tensor:
        return shifted(pixels, side, [int(pixels_right) for pixels_right in setting.values()])
