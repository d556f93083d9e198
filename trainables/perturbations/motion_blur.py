"""Motion blur: the camera moves while the shutter is open, and turns from frame to frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.corruptions.motion_blur import MotionBlur as Corruption
from trainables.geometry import centre
from trainables.levels import LEVELS, in_blocks
from trainables.line_blur import Line
from trainables.perturbations import Perturbation, Steps


class Setting(NamedTuple):
    """The movement."""

    line: Line
    degrees: Steps
    """Its direction."""
    reduced: bool = False
    """Whole images are blurred, then reduced to the side."""


@dataclass(frozen=True, kw_only=True)
class MotionBlur(Perturbation):
    """As ImageMagick's; the image moves with the blur.

    Of table 64 the authors blurred photographs of full size, before they reduced them. Images that are larger than the
    side are treated so; images of 64 pixels are blurred as they are, and so several times as far as the published ones.
    """

    reaches_out: ClassVar[bool] = True
    summary: ClassVar[str] = "blurred along a line that turns by 120°, CIFAR's 180° (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, Setting]] = {
        32: Setting(Line(6, 1.8), Steps(-180, 9, 21)),
        64: Setting(Line(14, 3), Steps(-150, 5), reduced=True),
        224: Setting(Line(10, 3), Steps(-120, 4)),
        299: Setting(Line(13, 3), Steps(-120, 4)),
    }

    def length(self, setting: Setting) -> int:
        return setting.degrees.frames

    def frames(self, pixels: Tensor, side: int, setting: Setting, generator: torch.Generator) -> Tensor:
        seen = pixels if setting.reduced else centre(pixels, side).contiguous()
        frames = []
        for degrees in setting.degrees.values():
            direction = torch.full((len(seen),), degrees, dtype=torch.float64, device=seen.device)
            blurred = Corruption().corrupt(seen, setting.line, direction)
            frames.append(_reduced(blurred, side) if setting.reduced else blurred)
        return torch.stack(frames, dim=1)


def _reduced(pixels: Tensor, side: int) -> Tensor:
    """uint8 [N, C, H, W] → [N, C, side, side], stretched where it is not a square; bilinear over the area, rounded."""

    def shrunk(block: Tensor) -> Tensor:
        small = F.interpolate(block.to(torch.float32), size=(side, side), mode="bilinear", antialias=True)
        return small.round_().clamp_(0, LEVELS - 1).to(torch.uint8)

    return in_blocks(shrunk, pixels)
