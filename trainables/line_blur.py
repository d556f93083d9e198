"""The blur of a straight movement: every pixel the weighted mean of those on a line that starts at it."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.filters import bordered

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
    reach, (count, channels, height, width) = 2 * line.radius, planes.shape
    wide = bordered(planes, reach, "replicate").to(torch.float32)
    stretches = _stretches(wide, height * wide.shape[3] - 2 * reach)
    blurred = wide.new_zeros(count, channels, height, wide.shape[3])
    sums = blurred.flatten(2)[..., : stretches.shape[2]]
    seen = torch.empty_like(sums, memory_format=torch.contiguous_format)
    for weight, place in zip(line.weights(), _places(line, degrees, wide), strict=True):
        torch.index_select(stretches, 0, place, out=seen)
        sums.add_(seen, alpha=FINE * weight)
    return blurred[..., :width].round_().div_(FINE).to(torch.int16).to(torch.uint8)


def _stretches(wide: Tensor, length: int) -> Tensor:
    """[N, C, H, W] → views of `length` numbers of every channel: [first one's place in the first channel, C, length].

    Rows follow each other, so a stretch is what a window shows, with the pixels between one row's end and the next
    one's start, and copied as a whole.
    """
    count, channels, height, width = wide.shape
    places = (count - 1) * channels * height * width + height * width - length + 1
    return wide.as_strided((places, channels, length), (1, height * width, 1))


def _places(line: Line, degrees: Tensor, wide: Tensor) -> Tensor:
    """Where the stretches begin whose first pixel is the line's 0th, 1st, …: [2 radius + 1, N]."""
    reach, width = 2 * line.radius, wide.shape[3]
    across, down = _steps(line, degrees)
    images = torch.arange(len(wide), device=wide.device) * wide.stride(0)
    return images + (down + reach) * width + across + reach


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
