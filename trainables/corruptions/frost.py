"""Frost: a window's ice over a darker image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group
from trainables.file_hashes import hash_of
from trainables.frost_plates import USED, photograph_files, plates
from trainables.levels import truncated
from trainables.parameters import parameter

LIFT = 1e-3
"""Shares are hundredths, so levels are too; more than single precision may lack to a whole one, and no hundredth."""


class Setting(NamedTuple):
    """Shares of the sum."""

    kept: float
    """Of the image."""
    frost: float
    """Of the frost."""
    scale: float
    """At which a picture of frost is used."""


def _settings(scale: float, *shares: tuple[float, float]) -> tuple[Setting, ...]:
    return tuple(Setting(kept, frost, scale) for kept, frost in shares)


_LARGE = _settings(1, (1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))


@dataclass(frozen=True, eq=False)
class Crop:
    """Of a picture, for each image [N]."""

    picture: Tensor
    top: Tensor
    left: Tensor


@dataclass(frozen=True, kw_only=True)
class Frost(Corruption):
    """clip(a x + b F), F a random crop of a picture of frost."""

    revision: ClassVar[int] = 2
    group: ClassVar[Group] = "weather"
    summary: ClassVar[str] = "ice crystals over a darker image (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings(0.2, (1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
        64: _settings(0.3, (1, 0.3), (0.9, 0.4), (0.8, 0.45), (0.75, 0.5), (0.7, 0.55)),
        224: _LARGE,
        299: _LARGE,
    }

    photographs: str | None = parameter(
        default=None,
        path=True,
        doc="folder of the authors' frost1 … frost5; without one, synthetic plates of the same statistics",
        source="github.com/hendrycks/robustness, ImageNet-C/create_c",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.photographs is not None:
            photograph_files(self.photographs)

    def contents(self) -> Mapping[str, str]:
        return {} if self.photographs is None else {"photographs": hash_of(photograph_files(self.photographs))}

    @property
    def label(self) -> str:
        """Results on synthetic plates are not those of the benchmark, and say so."""
        return "frost (synthetic)" if self.photographs is None else "frost"

    def draw(self, pixels: Tensor, setting: Setting, generator: torch.Generator) -> Crop:
        """A picture, then one of the places in it where a crop fits, all alike."""
        uniform = torch.rand(3, len(pixels), generator=generator, device=pixels.device, dtype=torch.float64)
        picture = (uniform[0] * USED).long()
        places = plates(self.photographs, setting.scale, *_needed(pixels)).places[picture]
        top, left = (uniform[1:] * places.T).long()
        return Crop(picture=picture, top=top, left=left)

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Crop) -> Tensor:
        canvas = plates(self.photographs, setting.scale, *_needed(pixels)).canvas
        height, width = pixels.shape[2:]
        crops = canvas.unfold(2, height, 1).unfold(3, width, 1).permute(0, 2, 3, 1, 4, 5)
        frost = crops[draws.picture, draws.top, draws.left].to(torch.float32).mul_(setting.frost)
        return truncated(frost.add_(pixels, alpha=setting.kept).add_(LIFT))


def _needed(pixels: Tensor) -> tuple[int, tuple[int, int], torch.device]:
    """Channels, size and device of the frost."""
    _, channels, height, width = pixels.shape
    return channels, (height, width), pixels.device
