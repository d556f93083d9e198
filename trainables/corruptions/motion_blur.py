"""Motion blur: the camera moves along a straight line while the shutter is open."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group, alone
from trainables.levels import in_blocks
from trainables.line_blur import Line, line_blur

STEEPEST = 45.0
"""Degrees."""


@dataclass(frozen=True, kw_only=True)
class MotionBlur(Corruption):
    """As ImageMagick's, which the authors used: one-sided, so that the image moves with the blur."""

    group: ClassVar[Group] = "blur"
    summary: ClassVar[str] = "a camera that moves along a line of random direction (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Line, ...]]] = {
        32: (Line(6, 1), Line(6, 1.5), Line(6, 2), Line(8, 2), Line(9, 2.5)),
        64: (Line(10, 1), Line(10, 1.5), Line(10, 2), Line(10, 2.5), Line(12, 3)),
        224: (Line(10, 3), Line(15, 5), Line(15, 8), Line(15, 12), Line(20, 15)),
        299: (Line(12, 4), Line(17, 6), Line(17, 9), Line(17, 13), Line(22, 16)),
    }

    def reason(self, shape: torch.Size, setting: Any) -> str | None:
        return alone(shape)

    def draw(self, pixels: Tensor, setting: Line, generator: torch.Generator) -> Tensor:
        """The angle [N], degrees, uniform between −45 and 45."""
        angles = torch.rand(len(pixels), generator=generator, device=pixels.device, dtype=torch.float64)
        return angles.mul_(2 * STEEPEST).sub_(STEEPEST)

    def corrupt(self, pixels: Tensor, setting: Line, draws: Tensor) -> Tensor:
        def moved(block: Tensor, degrees: Tensor) -> Tensor:
            return line_blur(block, setting, degrees)

        return in_blocks(moved, pixels, draws)
