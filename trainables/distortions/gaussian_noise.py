"""Gaussian noise: x' = clip(x + σ n, 0, 1), n ~ N(0, 1) for every pixel and channel."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainables.distortions import Distortion, Level
from trainables.recipe import Kind


@dataclass(frozen=True, kw_only=True)
class GaussianNoise(Distortion):
    """White noise of standard deviation `sigma`. The papers' formula has no clip; ours keeps images in [0, 1]."""

    kind: ClassVar[Kind] = "noise"
    level: ClassVar[Level] = Level(
        name="sigma",
        ge=0,
        unit="pixels in [0, 1]",
        symbol="σ",
        doc="standard deviation of the noise",
        source="Laermann et al. 2019, Tables 1 and 2: 0.01 to 1",
        identity_level=0,
        practical=0.05,
    )
    summary: ClassVar[str] = "Independent N(0, σ²) on every pixel and channel, clipped (Laermann et al. 2019, Table 1)"
    shows: ClassVar[tuple[str, ...]] = ("gaussian_noise",)

    def distort(self, images: Tensor, level: float, generator: torch.Generator) -> Tensor:
        noise = torch.randn(images.shape, generator=generator, device=images.device, dtype=images.dtype)
        return torch.add(images, noise, alpha=level).clamp_(0, 1)
