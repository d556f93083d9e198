"""Snow: flakes of bright noise, enlarged and drawn out by the wind, on an image that pales."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group
from trainables.filters import Separable, enlarging, separable, zoom_window
from trainables.levels import in_blocks, truncated
from trainables.line_blur import Line, line_blur


class Setting(NamedTuple):
    """The flakes, the wind and the light."""

    mean: float
    """Of the noise that flakes are the peaks of, as of sigma on the scale of pixels in [0, 1]."""
    sigma: float
    zoom: float
    """Factor by which the noise is enlarged."""
    threshold: float
    """What is below is no flake."""
    line: Line
    """What a flake is drawn out to."""
    kept: float
    """Share of the image that does not pale."""


_LARGE = (
    Setting(0.1, 0.3, 3, 0.5, Line(10, 4), 0.8),
    Setting(0.2, 0.3, 2, 0.5, Line(12, 4), 0.7),
    Setting(0.55, 0.3, 4, 0.9, Line(12, 8), 0.7),
    Setting(0.55, 0.3, 4.5, 0.85, Line(12, 8), 0.65),
    Setting(0.55, 0.3, 2.5, 0.85, Line(12, 12), 0.55),
)
_SMALL = (
    Setting(0.1, 0.2, 1, 0.6, Line(8, 3), 0.8),
    Setting(0.1, 0.2, 1, 0.5, Line(10, 4), 0.8),
    Setting(0.15, 0.3, 1.75, 0.55, Line(10, 4), 0.7),
    Setting(0.25, 0.3, 2.25, 0.6, Line(12, 6), 0.65),
    Setting(0.3, 0.3, 1.25, 0.65, Line(14, 12), 0.6),
)
_SMALLEST_KEPT = (0.95, 0.9, 0.9, 0.85, 0.8)


@dataclass(frozen=True, eq=False)
class Fall:
    """Of a batch of images."""

    layer: Tensor
    """Noise [N, 1, h, w] in the middle of which the image lies: only what the zoom shows is drawn."""
    degrees: Tensor
    """Direction of the wind [N]."""


@dataclass(frozen=True, kw_only=True)
class Snow(Corruption):
    """The same flakes fall twice, the second time upside down."""

    revision: ClassVar[int] = 2
    group: ClassVar[Group] = "weather"
    summary: ClassVar[str] = "flakes drawn out by wind, and a paler image (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: tuple(setting._replace(kept=kept) for setting, kept in zip(_SMALL, _SMALLEST_KEPT, strict=True)),
        64: _SMALL,
        224: _LARGE,
        299: _LARGE,
    }

    def draw(self, pixels: Tensor, setting: Setting, generator: torch.Generator) -> Fall:
        """Normal noise, and an angle between −135 and −45 degrees."""
        shown = (len(range(side)[zoom_window(side, setting.zoom)]) for side in pixels.shape[2:])
        noise = torch.randn(len(pixels), 1, *shown, generator=generator, device=pixels.device)
        angles = torch.rand(len(pixels), generator=generator, device=pixels.device, dtype=torch.float64)
        return Fall(layer=noise.mul_(setting.sigma).add_(setting.mean), degrees=angles.mul_(90).sub_(135))

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Fall) -> Tensor:
        height, width = pixels.shape[2:]
        zoom = enlarged(height, width, setting.zoom, pixels.device)

        def snowed(block: Tensor, layer: Tensor, degrees: Tensor) -> Tensor:
            flakes = line_blur(_flakes(zoom(layer), setting.threshold), setting.line, degrees)
            return fallen(block, flakes, setting.kept)

        return in_blocks(snowed, pixels, draws.layer, draws.degrees)


@lru_cache(maxsize=16)
def enlarged(height: int, width: int, factor: float, device: torch.device) -> Separable:
    """What enlarges the middle of noise to height × width."""
    rows, columns = (enlarging(side, factor).to(device, torch.float32)[None] for side in (height, width))
    return separable(rows, columns)


def _flakes(noise: Tensor, threshold: float) -> Tensor:
    """Noise on the scale of [0, 1] → bytes, 0 where there is no flake."""
    return truncated(torch.where(noise < threshold, 0, noise).mul_(255))


def fallen(pixels: Tensor, flakes: Tensor, kept: float) -> Tensor:
    """uint8 [N, C, H, W] under flakes, uint8 [N, 1, H, W]; in the authors' precision, since ties are frequent."""
    unit = pixels.to(torch.float32).div_(255)
    pale = torch.maximum(unit, _luma(unit).mul_(1.5).add_(0.5)).mul_(1 - kept)
    cover = flakes.to(torch.float64).div_(255)
    cover = cover + cover.flip(2, 3)
    return truncated(unit.mul_(kept).add_(pale).to(torch.float64).add_(cover).mul_(255))


def _luma(unit: Tensor) -> Tensor:
    """[N, 3, H, W] or grey → [N, 1, H, W], a new tensor."""
    if unit.shape[1] == 1:
        return unit.clone()
    red, green, blue = torch.split(unit, 1, dim=1)
    return red.mul(0.299).add_(green, alpha=0.587).add_(blue, alpha=0.114)
