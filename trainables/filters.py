"""Separable linear filters of planes: the Gaussian and the zoom, as products with banded matrices.

A filter that acts on rows and columns separately is `R @ plane @ C.T`; how it treats the border is part of R and C. The
matrices are cut into bands, strips of outputs with the few inputs that they need, so that most zeros are never
multiplied: on a CPU several times as fast as a convolution, and a chain of products on any other device.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

Border = Literal["replicate", "reflect", "mirror"]
"""What lies beyond `abcd`: `aaa|abcd|ddd`, `dcb|abcd|cba` (reflect-101) or `cba|abcd|dcb` (half-sample)."""

STRIP = 32
"""Outputs in a band."""
CACHED = 2**19
"""Numbers of the intermediate result at a time on a CPU: more would leave its cache."""
AT_ONCE = 2**27
"""The same elsewhere, where only the memory limits them: 512 MiB in single precision."""


@dataclass(frozen=True, eq=False)
class Band:
    """Outputs start … stop of a line, made from its inputs first … last."""

    start: int
    stop: int
    first: int
    last: int
    weights: Tensor
    """Of columns [last − first, stop − start]; of rows [stop − start, (last − first) × terms]."""


@dataclass(frozen=True, eq=False)
class Separable:
    """Σₜ Rₜ @ plane @ Cₜᵀ; made by `separable`."""

    size: tuple[int, int]
    """H', W' of what comes out."""
    columns: tuple[tuple[Band, ...], ...]
    """Of every term."""
    rows: tuple[Band, ...]
    """Of all terms together, their weights interleaved."""

    def __call__(self, planes: Tensor) -> Tensor:
        """[..., H, W] of the filter's precision and device → [..., H', W']."""
        flat = planes.reshape(-1, *planes.shape[-2:])
        filtered = planes.new_empty(len(flat), *self.size)
        limit = CACHED if planes.device.type == "cpu" else AT_ONCE
        count = max(1, limit // max(1, flat.shape[1] * self.size[1] * len(self.columns)))
        for block, out in zip(torch.split(flat, count), torch.split(filtered, count), strict=True):
            self._along_rows(self._along_columns(block.contiguous()), out)
        return filtered.view(*planes.shape[:-2], *self.size)

    def _along_columns(self, planes: Tensor) -> Tensor:
        """[P, H, W] → [P, H, terms, W']."""
        terms, width = len(self.columns), self.size[1]
        filtered = planes.new_empty(*planes.shape[:2], terms, width)
        lines, results = planes.flatten(0, 1), filtered.view(-1, terms, width)
        for term, bands in enumerate(self.columns):
            for band in bands:
                out = results[:, term, band.start : band.stop]
                torch.mm(lines[:, band.first : band.last], band.weights, out=out)
        return filtered

    def _along_rows(self, planes: Tensor, out: Tensor) -> None:
        """[P, H, terms, W'] → `out` [P, H', W']."""
        for band in self.rows:
            taken = planes[:, band.first : band.last].flatten(1, 2)
            torch.bmm(band.weights.expand(len(planes), -1, -1), taken, out=out[:, band.start : band.stop])


def separable(rows: Tensor, columns: Tensor) -> Separable:
    """The filter of R [terms, H', H] and C [terms, W', W], in their precision and on their device."""
    return Separable(
        size=(rows.shape[1], columns.shape[1]),
        columns=tuple(_column_bands(matrix) for matrix in columns),
        rows=_row_bands(rows),
    )


@lru_cache(maxsize=64)
def gaussian(
    height: int, width: int, sigma: float, radius: int, border: Border, dtype: torch.dtype, device: torch.device
) -> Separable:
    """A Gaussian of `sigma` pixels, cut off beyond `radius` and normalised, over planes of height × width."""
    taps = gaussian_taps(sigma, radius)
    rows, columns = (correlation(taps, side, border).to(device, dtype)[None] for side in (height, width))
    return separable(rows, columns)


def gaussian_taps(sigma: float, radius: int) -> Tensor:
    """exp(−i² / 2 σ²) for i = −radius … radius, of sum 1: float64 [2 radius + 1]."""
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    weights = (-0.5 / sigma**2 * offsets**2).exp()
    return weights / weights.sum()


def correlation(taps: Tensor, side: int, border: Border) -> Tensor:
    """What applies the 2 r + 1 taps at every place of a line of `side` numbers: float64 [side, side]."""
    radius = len(taps) // 2
    places = torch.arange(side)[:, None]
    sources = folded(places + torch.arange(-radius, radius + 1), side, border)
    matrix = torch.zeros(side, side, dtype=torch.float64)
    return matrix.index_put_((places.expand_as(sources), sources), taps.expand(sources.shape), accumulate=True)


def zoom_window(side: int, factor: float) -> slice:
    """The ⌈side / factor⌉ places in the middle of a line that a zoom by `factor` ≥ 1 shows."""
    window = math.ceil(side / factor)
    start = (side - window) // 2
    return slice(start, start + window)


def enlarging(side: int, factor: float) -> Tensor:
    """The line's window → `side` numbers: float64 [side, window].

    As SciPy's zoom of order 1: the window's first and last numbers lie in the middle of the first and last of
    round(window × factor) enlarged ones, between them it is linear, and of those the `side` in the middle are kept.
    """
    window = math.ceil(side / factor)
    enlarged = round(window * factor)
    kept = torch.arange(side) + (enlarged - side) // 2
    places = kept.double() * (window - 1) / max(enlarged - 1, 1)
    left = places.floor().clamp(max=max(window - 2, 0))
    lines = torch.arange(side)
    matrix = torch.zeros(side, window, dtype=torch.float64)
    matrix[lines, left.long()] += 1 - (places - left)
    matrix[lines, (left.long() + 1).clamp(max=window - 1)] += places - left
    return matrix


def zooming(side: int, factor: float) -> Tensor:
    """The whole line → its window enlarged: float64 [side, side]."""
    matrix = torch.zeros(side, side, dtype=torch.float64)
    matrix[:, zoom_window(side, factor)] = enlarging(side, factor)
    return matrix


def bordered(planes: Tensor, margin: int, border: Border) -> Tensor:
    """[..., H, W] of any type → [..., H + 2 margin, W + 2 margin]."""
    height, width = planes.shape[-2:]
    rows, columns = (
        folded(torch.arange(-margin, side + margin, device=planes.device), side, border) for side in (height, width)
    )
    wide = planes.new_empty(*planes.shape[:-2], height + 2 * margin, width + 2 * margin)
    inner = wide[..., margin : margin + height, :]
    inner[..., margin : margin + width] = planes
    inner[..., :margin] = planes.index_select(-1, columns[:margin])
    inner[..., margin + width :] = planes.index_select(-1, columns[margin + width :])
    wide[..., :margin, :] = inner.index_select(-2, rows[:margin])
    wide[..., margin + height :, :] = inner.index_select(-2, rows[margin + height :])
    return wide


def folded(index: Tensor, side: int, border: Border) -> Tensor:
    """Places on and beyond a line → the places on it that stand for them."""
    if border == "replicate":
        return index.clamp(0, side - 1)
    if border == "reflect":
        turned = index % max(1, 2 * side - 2)
        return torch.minimum(turned, (2 * side - 2 - turned).abs())
    turned = index % (2 * side)
    return torch.minimum(turned, 2 * side - 1 - turned)


def _column_bands(matrix: Tensor) -> tuple[Band, ...]:
    spans = _spans((matrix != 0).cpu())
    return tuple(Band(*span, matrix[span[0] : span[1], span[2] : span[3]].T.contiguous()) for span in spans)


def _row_bands(matrices: Tensor) -> tuple[Band, ...]:
    """Weights [strip, inputs × terms]: as the intermediate result has them, all terms of a line side by side."""
    spans = _spans((matrices != 0).any(0).cpu())
    cut = ((span, matrices[:, span[0] : span[1], span[2] : span[3]]) for span in spans)
    return tuple(Band(*span, weights.permute(1, 2, 0).flatten(1).contiguous()) for span, weights in cut)


def _spans(used: Tensor) -> list[tuple[int, int, int, int]]:
    """start, stop, first, last of every band of a matrix whose numbers other than zero are `used`."""
    spans = []
    for start in range(0, len(used), STRIP):
        stop = min(start + STRIP, len(used))
        inputs = used[start:stop].any(0).nonzero()
        spans.append((start, stop, int(inputs.min()), int(inputs.max()) + 1))
    return spans
