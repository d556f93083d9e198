"""Defocus: the image through a disc with soft edges, as an open lens sees what is not at its distance."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group, alone
from trainables.filters import bordered, correlation, gaussian_taps
from trainables.levels import truncated

GRID = 8
"""Radius of the grid on which the authors draw a disc; larger discs have a grid of their own radius."""


class Setting(NamedTuple):
    """The disc."""

    radius: float
    """Pixels."""
    softness: float
    """Standard deviation of the Gaussian that softens its edge, pixels."""


@dataclass(frozen=True, kw_only=True)
class DefocusBlur(Corruption):
    """A disc softened on its grid, whose border mirrors: a disc that reaches it grows heavier than 1, and brightens."""

    group: ClassVar[Group] = "blur"
    summary: ClassVar[str] = "a disc with soft edges (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: (Setting(0.3, 0.4), Setting(0.4, 0.5), Setting(0.5, 0.6), Setting(1, 0.2), Setting(1.5, 0.1)),
        64: (Setting(0.5, 0.6), Setting(1, 0.1), Setting(1.5, 0.1), Setting(2.5, 0.01), Setting(3, 0.1)),
        224: (Setting(3, 0.1), Setting(4, 0.5), Setting(6, 0.5), Setting(8, 0.5), Setting(10, 0.5)),
        299: (Setting(4, 0.1), Setting(5, 0.5), Setting(7, 0.5), Setting(10, 0.5), Setting(12, 0.5)),
    }

    def reason(self, shape: torch.Size, setting: Any) -> str | None:
        return alone(shape)

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Any) -> Tensor:
        return truncated(_through(pixels, drawn(setting)))


@dataclass(frozen=True)
class Disc:
    """How an image is seen through a softened disc: F D Fᵀ − Δ D Fᵀ − F D Δᵀ.

    F softens a disc D that has room. On the authors' grid T = F − Δ does, which mirrors at the border and cuts off what
    lies outside: Δ has entries there only, and Δ D Δᵀ is zero, as no disc reaches a corner.
    """

    half_widths: tuple[int, ...]
    """Of the disc's rows 0, 1, …: row i holds the columns −w … w."""
    taps: tuple[float, ...]
    """Of F."""
    lost: tuple[tuple[int, int, float], ...]
    """Δ D: row, half width and weight of the runs that it is made of."""

    @property
    def area(self) -> int:
        """Pixels."""
        return 2 * sum(2 * width + 1 for width in self.half_widths) - 2 * self.half_widths[0] - 1


@lru_cache(maxsize=32)
def drawn(setting: Setting) -> Disc:
    """The disc of a setting."""
    large = setting.radius > GRID
    grid, soft = (int(setting.radius), 2) if large else (GRID, 1)
    rows = range(int(setting.radius) + 1)
    widths = tuple(int((setting.radius**2 - row**2) ** 0.5) for row in rows)
    taps = gaussian_taps(setting.softness, soft)
    side = 2 * grid + 1
    roomy = correlation(taps, side + 4 * soft, "reflect")[soft:-soft, 2 * soft : -2 * soft]
    lost = roomy.clone()
    lost[soft:-soft] -= correlation(taps, side, "reflect")
    runs = tuple(
        (int(row) - grid - soft, widths[abs(int(source) - grid)], float(lost[row, source]))
        for row, source in lost.nonzero()
        if abs(int(source) - grid) < len(widths)
    )
    return Disc(half_widths=widths, taps=tuple(taps.tolist()), lost=runs)


def _through(pixels: Tensor, disc: Disc) -> Tensor:
    """uint8 [N, C, H, W] → levels, float32. Sums of bytes are whole numbers: of 16 bits, modulo 2¹⁶, if they fit."""
    margin = len(disc.half_widths) - 1 + len(disc.taps) // 2
    small = disc.area * 255 < 2**16
    wide = bordered(pixels.flatten(0, 1), margin, "reflect").to(torch.int16 if small else torch.int32)
    sums = _disc_sums(wide, disc)
    levels = _softened(
        _softened((sums.to(torch.int32) & 0xFFFF if small else sums).to(torch.float32), disc.taps, 1), disc.taps, 2
    )
    if disc.lost:
        levels -= _lost(wide, disc)
        levels -= _lost(wide.mT.contiguous(), disc).mT
    return levels.div_(disc.area).view(pixels.shape)


def _runs(wide: Tensor, disc: Disc) -> Iterator[tuple[int, Tensor]]:
    """Half width 0, 1, … and the sum of every place's run in its row, of a margin less by the radius."""
    margin = len(disc.half_widths) - 1
    width = wide.shape[-1] - 2 * margin
    run = wide.narrow(-1, margin, width).clone()
    yield 0, run
    for half in range(1, disc.half_widths[0] + 1):
        run += wide.narrow(-1, margin - half, width)
        run += wide.narrow(-1, margin + half, width)
        yield half, run


def _disc_sums(wide: Tensor, disc: Disc) -> Tensor:
    """[P, H + 2 m, W + 2 m] → [P, H + 2 s, W + 2 s] with s the softening's radius."""
    radius = len(disc.half_widths) - 1
    height, width = (side - 2 * radius for side in wide.shape[-2:])
    sums = wide.new_zeros(len(wide), height, width)
    for half, run in _runs(wide, disc):
        for row in (row for row, of_row in enumerate(disc.half_widths) if of_row == half):
            for place in {radius - row, radius + row}:
                sums += run.narrow(-2, place, height)
    return sums


def _softened(levels: Tensor, taps: tuple[float, ...], axis: int) -> Tensor:
    """The symmetrical taps along an axis, without the margin that they need."""
    soft = len(taps) // 2
    length = levels.shape[axis] - 2 * soft
    softened = levels.narrow(axis, soft, length) * taps[soft]
    for place, tap in enumerate(taps):
        if place != soft:
            softened.add_(levels.narrow(axis, place, length), alpha=tap)
    return softened


def _lost(wide: Tensor, disc: Disc) -> Tensor:
    """Δ D Fᵀ: [P, H + 2 m, W + 2 m] → [P, H, W]."""
    margin = len(disc.half_widths) - 1 + len(disc.taps) // 2
    height = wide.shape[-2] - 2 * margin
    lost = torch.zeros(len(wide), height, wide.shape[-1] - 2 * (len(disc.half_widths) - 1), device=wide.device)
    for half, run in _runs(wide, disc):
        for row, _, weight in (one for one in disc.lost if one[1] == half):
            lost.add_(run.narrow(-2, margin + row, height), alpha=weight)
    return _softened(lost, disc.taps, 2)
