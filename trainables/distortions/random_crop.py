"""Random crop: the window on a larger image, shifted by whole pixels (dx, dy) ~ U{−C … C}²."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainables.distortions import Distortion, Level
from trainables.recipe import Kind


@dataclass(frozen=True, kw_only=True)
class RandomCrop(Distortion):
    """Needs `offset` pixels of margin around the image, and consumes them; `offset` 0 is the centre crop.

    Laermann et al. print offsets of up to 7.5 px; a shift by whole pixels needs whole offsets (7).
    """

    kind: ClassVar[Kind] = "transformative"
    level: ClassVar[Level] = Level(
        name="offset",
        type=int,
        ge=0,
        unit="px",
        symbol="C",
        doc="largest shift, either way, in x and in y",
        source="Laermann et al. 2019, Tables 1 and 2: 0 to 15 of 224 px",
        identity_level=0,
        practical=3,
        in_pixels=True,
    )
    summary: ClassVar[str] = (
        "Shifted by whole pixels drawn from U{−C … C}, in x and in y (Laermann et al. 2019, Table 1)"
    )
    shows: ClassVar[tuple[str, ...]] = ("translate",)

    def margin(self, level: float) -> int:
        return int(level)

    def distort(self, images: Tensor, level: float, generator: torch.Generator) -> Tensor:
        count, shifts = len(images), 2 * int(level) + 1
        rows, columns = torch.randint(shifts, (2, count), generator=generator, device=images.device)
        height, width = images.shape[2] - shifts + 1, images.shape[3] - shifts + 1
        windows = images.unfold(2, height, 1).unfold(3, width, 1)  # a view [N, C, shifts, shifts, H, W]
        return windows[torch.arange(count, device=images.device), :, rows, columns]
