"""Spatter: drops of water or mud on the lens."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from trainables.chamfer import distances
from trainables.corruptions import Corruption, Group
from trainables.edges import canny
from trainables.filters import bordered, gaussian
from trainables.levels import LEVELS, truncated

FARTHEST = 20
"""Pixels from a drop's outline beyond which it is equally thick."""
COLOURS = {"water": (175, 238, 238), "mud": (63, 42, 20)}
"""Red, green, blue."""


class Setting(NamedTuple):
    """The liquid."""

    mean: float
    """Of the noise that drops are the peaks of, as of sigma on the scale of pixels in [0, 1]."""
    sigma: float
    smoothness: float
    """Sigma of the Gaussian that smooths the noise, pixels."""
    threshold: float
    """What is below is no drop."""
    strength: float
    """Of water, how much it brightens; of mud, the sigma of the Gaussian that softens its edge, pixels."""
    liquid: Literal["water", "mud"]


@dataclass(frozen=True, kw_only=True)
class Spatter(Corruption):
    """Water shines inside its drops' outlines; mud covers."""

    revision: ClassVar[int] = 2
    group: ClassVar[Group] = "weather"
    extra: ClassVar[bool] = True
    summary: ClassVar[str] = "drops of water or mud on the lens (Hendrycks & Dietterich 2019, extra)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: (
            Setting(0.62, 0.1, 0.7, 0.7, 0.5, "water"),
            Setting(0.65, 0.1, 0.8, 0.7, 0.5, "water"),
            Setting(0.65, 0.3, 1, 0.69, 0.5, "water"),
            Setting(0.65, 0.1, 0.7, 0.69, 0.6, "mud"),
            Setting(0.65, 0.1, 0.5, 0.68, 0.6, "mud"),
        ),
        64: (
            Setting(0.62, 0.1, 0.7, 0.7, 0.6, "water"),
            Setting(0.65, 0.1, 0.8, 0.7, 0.6, "water"),
            Setting(0.65, 0.3, 1, 0.69, 0.6, "water"),
            Setting(0.65, 0.1, 0.7, 0.68, 0.6, "mud"),
            Setting(0.65, 0.1, 0.5, 0.67, 0.6, "mud"),
        ),
        224: (
            Setting(0.65, 0.3, 4, 0.69, 0.6, "water"),
            Setting(0.65, 0.3, 3, 0.68, 0.6, "water"),
            Setting(0.65, 0.3, 2, 0.68, 0.5, "water"),
            Setting(0.65, 0.3, 1, 0.65, 1.5, "mud"),
            Setting(0.67, 0.4, 1, 0.65, 1.5, "mud"),
        ),
        299: (
            Setting(0.65, 0.3, 4, 0.69, 0.9, "water"),
            Setting(0.65, 0.3, 3.5, 0.68, 0.9, "water"),
            Setting(0.65, 0.3, 3, 0.68, 0.8, "water"),
            Setting(0.65, 0.3, 1.2, 0.65, 1.8, "mud"),
            Setting(0.67, 0.4, 1.2, 0.65, 1.8, "mud"),
        ),
    }

    def draw(self, pixels: Tensor, setting: Setting, generator: torch.Generator) -> Tensor:
        """The noise [N, 1, H, W]."""
        noise = torch.randn(len(pixels), 1, *pixels.shape[2:], generator=generator, device=pixels.device)
        return noise.mul_(setting.sigma).add_(setting.mean)

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Tensor) -> Tensor:
        layer = smoothed(draws, setting.smoothness)
        if setting.liquid == "mud":
            return covered(pixels, layer > setting.threshold, setting.strength)
        return wetted(pixels, torch.where(layer < setting.threshold, 0, layer), setting.strength)


def smoothed(planes: Tensor, sigma: float) -> Tensor:
    """float32 [N, 1, H, W] → the same."""
    height, width = planes.shape[-2:]
    return gaussian(height, width, sigma, int(4 * sigma + 0.5), "replicate", torch.float32, planes.device)(planes)


def wetted(pixels: Tensor, layer: Tensor, strength: float) -> Tensor:
    """uint8 [N, C, H, W] behind water, as thick as `layer`, float32 [N, 1, H, W], 0 where there is none.

    Levels above 255 start again at 0, as the authors' do. Where there is no water at all, which divides by zero in the
    published code and turns the image black, nothing changes.
    """
    thickness = (layer * 255).to(torch.int32).to(torch.uint8)
    shine = thickness.to(torch.float32).mul_(_relief(canny(thickness, low=50, high=150)))
    shine /= shine.amax((1, 2, 3), keepdim=True).clamp(min=1)
    unit = pixels.to(torch.float32).div_(255)
    return truncated((unit + shine.mul_(strength) * _colour("water", pixels.shape[1], pixels.device)).mul_(255))


def covered(pixels: Tensor, mud: Tensor, sigma: float) -> Tensor:
    """uint8 [N, C, H, W] behind mud, bool [N, 1, H, W], its edge softened, and cut where it would be thin."""
    cover = smoothed(mud.to(torch.float32), sigma)
    cover = torch.where(cover < 0.8, 0, cover)
    unit = pixels.to(torch.float32).div_(255)
    return truncated((unit * (1 - cover) + cover * _colour("mud", pixels.shape[1], pixels.device)).mul_(255))


@lru_cache(maxsize=8)
def _colour(liquid: str, channels: int, device: torch.device) -> Tensor:
    """In [0, 1], [C, 1, 1]; of a grey image the colour's luma. Kept, as a device is waited for to bring it there."""
    red, green, blue = (level / 255 for level in COLOURS[liquid])
    levels = [red, green, blue] if channels == 3 else [0.299 * red + 0.587 * green + 0.114 * blue]
    return torch.tensor(levels, device=device)[:, None, None]


def _relief(outlines: Tensor) -> Tensor:
    """bool [N, 1, H, W] → bytes of 0 to 255: how the drops of these outlines catch the light, float32."""
    depth = _sum_of_nine(distances(outlines, FARTHEST)).div_(9).to(torch.uint8)
    lit = _embossed(_equalised(depth))
    return _sum_of_nine(lit).div_(9).round_()


def _equalised(levels: Tensor) -> Tensor:
    """Few levels, 0 to FARTHEST, uint8 [N, 1, H, W], spread as evenly as their shares of the image allow: int16.

    The lowest one that occurs becomes 0, each other one 255 times the share of the rest that is not above it.
    """
    flat = levels.flatten(1).long()
    counts = torch.zeros(len(flat), FARTHEST + 1, dtype=torch.int64, device=levels.device)
    counts.scatter_add_(1, flat, torch.ones_like(flat))
    up_to = counts.cumsum(1)
    lowest = counts.gather(1, flat.amin(1, keepdim=True))
    scale = (LEVELS - 1) / (flat.shape[1] - lowest).to(torch.float32)
    spread = ((up_to - lowest).clamp(min=0) * scale).round_()
    flat_image = lowest == flat.shape[1]
    table = torch.where(flat_image, torch.arange(FARTHEST + 1, device=levels.device), spread).to(torch.int16)
    return table.gather(1, flat).view(levels.shape)


def _embossed(levels: Tensor) -> Tensor:
    """[[−2, −1, 0], [−1, 1, 1], [0, 1, 2]]: bright where the relief falls to the upper left; clipped, float32."""
    wide = bordered(levels, 1, "reflect")
    height, width = levels.shape[-2:]
    taps = {(0, 0): -2, (0, 1): -1, (1, 0): -1, (1, 1): 1, (1, 2): 1, (2, 1): 1, (2, 2): 2}
    embossed = torch.zeros_like(levels)
    for (row, column), tap in taps.items():
        embossed.add_(wide[..., row : row + height, column : column + width], alpha=tap)
    return embossed.clamp_(0, LEVELS - 1).to(torch.float32)


def _sum_of_nine(planes: Tensor) -> Tensor:
    """Every pixel and those around it, [N, 1, H, W]."""
    wide = bordered(planes, 1, "reflect")
    rows = wide[..., :-2, :] + wide[..., 1:-1, :] + wide[..., 2:, :]
    return rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
