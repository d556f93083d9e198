"""The blur of a straight movement: every pixel the weighted mean of those on a line that starts at it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.filters import bordered

WORD = 8
"""Pixels."""
FINE = 257
"""ImageMagick counts 65535 levels, 257 times as many as a byte has."""


class Line(NamedTuple):
    """2 radius + 1 pixels, of weights exp(−i² / 2 σ²)."""

    radius: int
    sigma: float

    def weights(self) -> list[float]:
        """Of sum 1."""
        numbers = torch.arange(2 * self.radius + 1, dtype=torch.float64)
        weights: list[float] = (-0.5 / self.sigma**2 * numbers**2).exp().tolist()
        return [weight / math.fsum(weights) for weight in weights]


def line_blur(planes: Tensor, line: Line, degrees: Tensor) -> Tensor:
    """uint8 [N, C, H, W], an angle [N] each → the same, rounded to ImageMagick's levels, then truncated.

    The line's pixel i lies at (⌈i cos t − ½⌉, ⌈i sin t − ½⌉) to the right of and below the first; the border's pixels
    are repeated beyond it.
    """
    reach = 2 * line.radius
    windows = _Windows.of(planes, reach)
    across, down = _steps(line, degrees)
    blurred = torch.zeros(planes.shape, device=planes.device)
    for weight, place in zip(line.weights(), windows.places(across + reach, down + reach), strict=True):
        blurred.add_(windows.at(*place), alpha=FINE * weight)
    return blurred.round_().div_(FINE).to(torch.int32).to(torch.uint8)


@dataclass(frozen=True, eq=False)
class _Windows:
    """Views of images from places that differ from image to image, copied eight pixels at a time.

    Words of eight pixels start at every eighth column, so there are eight copies of the images, each one column on. A
    view is one stretch of words, from its first pixel on to the end of its last row, margins included.
    """

    stretches: Tensor
    """int64 [N, 8, first words, C, words]: by the first pixel's column mod 8 and the number of its word."""
    images: Tensor
    """0, 1, … [N]."""
    size: tuple[int, int]
    words: int
    """Of a row."""

    @classmethod
    def of(cls, planes: Tensor, reach: int) -> "_Windows":
        """Of uint8 [N, C, H, W], seen from up to `reach` pixels beyond the border on."""
        height, width = planes.shape[2:]
        words = 2 * reach // WORD + -(-width // WORD)
        wide = bordered(planes, reach + 2 * WORD, "replicate")[..., 2 * WORD :, 2 * WORD :]
        shifted = torch.stack([wide[..., shift : shift + WORD * words] for shift in range(WORD)], dim=1)
        stretches = shifted.view(torch.int64).flatten(3).unfold(3, height * words, 1)
        images = torch.arange(len(planes), device=planes.device)
        return cls(stretches=stretches.movedim(3, 2), images=images, size=(height, width), words=words)

    def places(self, x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """What `at` takes for columns and rows [taps, N], counted from `reach` beyond the upper left corner."""
        return zip(x % WORD, y * self.words + x // WORD, strict=True)

    def at(self, shift: Tensor, first: Tensor) -> Tensor:
        """Pixels [N, C, H, W]."""
        height, width = self.size
        seen = self.stretches[self.images, shift, first].view(torch.uint8)
        return seen.view(*seen.shape[:2], height, self.words * WORD)[..., :width]


def _steps(line: Line, degrees: Tensor) -> tuple[Tensor, Tensor]:
    """How far the line's pixels lie to the right and below: both [2 radius + 1, N], whole numbers.

    In ImageMagick's order, the direction over its length once more: at 30° every second pixel lies between two rows.
    """
    angle = degrees.to(torch.float64).deg2rad()
    width = 2 * line.radius + 1
    x, y = width * angle.cos(), width * angle.sin()
    numbers = torch.arange(width, dtype=torch.float64, device=degrees.device)[:, None]
    across, down = ((numbers * way / torch.hypot(x, y) - 0.5).ceil().long() for way in (x, y))
    return across, down
