"""Thumbnail: the image scaled down to A × A pixels and up again."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.distortions import Distortion, Level
from trainables.recipe import Kind


@dataclass(frozen=True, kw_only=True)
class Thumbnail(Distortion):
    """Bilinear down with antialiasing, bilinear up; harder as `size` falls. A side of at most `size` px stays.

    Laermann et al. print "crops" for the first step; scaling is what gives a thumbnail.
    """

    kind: ClassVar[Kind] = "noise"
    level: ClassVar[Level] = Level(
        name="size",
        type=int,
        ge=1,
        unit="px",
        symbol="A",
        doc="side of the thumbnail",
        source="Laermann et al. 2019, Tables 1 and 2: 20 to 200 of 224 px",
        practical=150,
        harder="down",
        in_pixels=True,
        whole_side_is_identity=True,
    )
    summary: ClassVar[str] = "Scaled down to A × A pixels and up again, bilinear (Laermann et al. 2019, Table 1)"

    def distort(self, images: Tensor, level: float, generator: torch.Generator) -> Tensor:
        height, width = images.shape[2:]
        small = (min(int(level), height), min(int(level), width))
        if small == (height, width):
            return images
        thumbnails = F.interpolate(images, size=small, mode="bilinear", antialias=True)
        return F.interpolate(thumbnails, size=(height, width), mode="bilinear").clamp_(0, 1)
