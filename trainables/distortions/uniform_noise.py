"""Uniform noise: x' = clip(x + u, 0, 1), u ~ U(−b, b) for every pixel and channel."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainables.distortions import Distortion, Level
from trainables.recipe import Kind


@dataclass(frozen=True, kw_only=True)
class UniformNoise(Distortion):
    """White noise of at most `bound`, drawn before the model normalises."""

    kind: ClassVar[Kind] = "noise"
    level: ClassVar[Level] = Level(
        name="bound",
        ge=0,
        le=1,
        unit="pixels in [0, 1]",
        symbol="b",
        doc="largest change of a pixel",
        source="Hendrycks & Dietterich 2019, App. F: 0.01, 0.05, 0.1; practical level ours, the middle one",
        identity_level=0,
        practical=0.05,
    )
    summary: ClassVar[str] = (
        "Independent U(−b, b) on every pixel and channel, clipped (Hendrycks & Dietterich 2019, App. F)"
    )

    def distort(self, images: Tensor, level: float, generator: torch.Generator) -> Tensor:
        unit = torch.rand(images.shape, generator=generator, device=images.device, dtype=images.dtype)
        return torch.add(images, unit.mul_(2).sub_(1), alpha=level).clamp_(0, 1)
