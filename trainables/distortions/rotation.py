"""Rotation: every image turned about its centre by its own angle, U(−ρ, ρ)."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.distortions import Distortion, Level
from trainables.recipe import Kind


@dataclass(frozen=True, kw_only=True)
class Rotation(Distortion):
    """Bilinear, black outside the image (the paper does not say; ours). `degrees` 0 returns the images untouched."""

    kind: ClassVar[Kind] = "transformative"
    level: ClassVar[Level] = Level(
        name="degrees",
        ge=0,
        le=180,
        unit="°",
        symbol="ρ",
        doc="largest angle, either way",
        source="Laermann et al. 2019, Tables 1 and 2: 0 to 180",
        identity_level=0,
        practical=30,
    )
    summary: ClassVar[str] = (
        "Turned by an angle drawn from U(−ρ, ρ), bilinear, black fill (Laermann et al. 2019, Table 1)"
    )
    shows: ClassVar[tuple[str, ...]] = ("rotate",)

    def distort(self, images: Tensor, level: float, generator: torch.Generator) -> Tensor:
        if level == 0:
            return images
        unit = torch.rand(len(images), generator=generator, device=images.device, dtype=images.dtype)
        return rotate(images, (2 * unit - 1) * math.radians(level))


def rotate(images: Tensor, radians: Tensor) -> Tensor:
    """[N, C, H, W] turned counter-clockwise by the angles [N] → [N, C, H, W]."""
    grid = F.affine_grid(_output_to_input(radians, *images.shape[2:]), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False).clamp_(0, 1)


def _output_to_input(radians: Tensor, height: int, width: int) -> Tensor:
    """[N] → [N, 2, 3]: where in the input, in coordinates of ±1 at the borders, each output pixel comes from."""
    cos, sin, zero = radians.cos(), radians.sin(), torch.zeros_like(radians)
    across = torch.stack((cos, -sin * (height / width), zero), dim=1)
    down = torch.stack((sin * (width / height), cos, zero), dim=1)
    return torch.stack((across, down), dim=1)
