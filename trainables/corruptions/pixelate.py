"""Pixelate: the image made smaller by averages over cells, and large again by repeating pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group

PRECISION = 22
"""Bits of Pillow's fixed-point weights, so that averages round as there: halves up."""


class Setting(NamedTuple):
    """How coarse."""

    share: float
    """Of each side's pixels that is left, in (0, 1)."""


def _settings(*shares: float) -> tuple[Setting, ...]:
    return tuple(map(Setting, shares))


@dataclass(frozen=True, kw_only=True)
class Pixelate(Corruption):
    """A small image enlarged. Equal to Pillow's BOX filter, bit for bit, for images at most twice as high as wide."""

    group: ClassVar[Group] = "digital"
    summary: ClassVar[str] = "reduced to a share of its sides and enlarged again (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings(0.95, 0.9, 0.85, 0.75, 0.65),
        64: _settings(0.9, 0.8, 0.7, 0.6, 0.5),
        224: _settings(0.6, 0.5, 0.4, 0.3, 0.25),
        299: _settings(0.5, 0.4, 0.3, 0.25, 0.2),
    }

    def reason(self, shape: torch.Size, setting: Setting) -> str | None:
        side = min(shape[1:])
        return None if int(side * setting.share) else f"{setting.share:g} of {side} pixels is less than one"

    def corrupt(self, pixels: Tensor, setting: Setting, draws: None) -> Tensor:
        down, across = (_cells(side, int(side * setting.share), pixels.device) for side in pixels.shape[2:])
        return _coarse(pixels, down, across)


@dataclass(frozen=True, eq=False)
class Cells:
    """A line of pixels cut into fewer cells: a pixel belongs to the cell that its centre lies in."""

    members: tuple[Tensor, ...]
    """The first, second, … pixel of every cell, int32 [cells]."""
    present: tuple[Tensor | None, ...]
    """1 where a cell has so many, 0 elsewhere, uint8 [cells, 1]; None where every cell has."""
    weight: Tensor
    """2²² over the number of a cell's pixels, int32 [cells, 1]."""
    of: Tensor
    """The cell of every pixel, int32 [pixels]."""


@lru_cache(maxsize=64)
def _cells(pixels: int, cells: int, device: torch.device) -> Cells:
    first, count = _extents(pixels, cells)
    steps = range(int(count.max()))
    places = ((torch.arange(pixels, dtype=torch.float64) + 0.5) * (cells / pixels)).int()
    return Cells(
        members=tuple((first + step).clamp(max=pixels - 1).to(device) for step in steps),
        present=tuple(
            (step < count)[:, None].to(device, torch.uint8) if step >= count.min() else None for step in steps
        ),
        weight=(2**PRECISION / count.double()).round().int()[:, None].to(device),
        of=places.to(device),
    )


def _extents(pixels: int, cells: int) -> tuple[Tensor, Tensor]:
    """Every cell's first pixel and how many it has, int32 [cells]; as Pillow rounds where a centre is on an edge."""
    size = pixels / cells
    middle = ((torch.arange(cells, dtype=torch.float64) + 0.5) * size)[:, None]
    pixel = torch.arange(pixels, dtype=torch.float64)
    away = (pixel - middle + 0.5) * (1 / size)
    window = (pixel >= (middle - size / 2 + 0.5).floor()) & (pixel < (middle + size / 2 + 0.5).floor())
    inside = window & (away > -0.5) & (away <= 0.5)
    return inside.int().argmax(dim=1).int(), inside.sum(dim=1).int()


def _coarse(pixels: Tensor, down: Cells, across: Cells) -> Tensor:
    """Across first, as Pillow does it. Rows are many times as fast to gather as pixels: so columns become rows."""
    narrow = _averaged(pixels.mT.contiguous(), across)
    small = _averaged(narrow.mT.contiguous(), down)
    wide = small.mT.contiguous().index_select(2, across.of)
    return wide.mT.contiguous().index_select(2, down.of)


def _averaged(rows: Tensor, cells: Cells) -> Tensor:
    """[N, C, pixels, L] → [N, C, cells, L]."""
    total = rows.index_select(2, cells.members[0]).to(torch.int16)
    for members, present in zip(cells.members[1:], cells.present[1:], strict=True):
        taken = rows.index_select(2, members)
        total.add_(taken if present is None else taken.mul_(present))
    return (total.to(torch.int32).mul_(cells.weight).add_(2 ** (PRECISION - 1)) >> PRECISION).to(torch.uint8)
