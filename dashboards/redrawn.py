"""Accuracies on test images drawn anew, the same ones for every trial and condition, and what follows for differences.

A difference of accuracies, or of ranges and bests over trials, is computed on every draw as on the images observed. So
whatever it compares is paired image by image, and many differences keep the correlation between them.

A range or a best over trials, read off the images that it is told for, is too large: noise decides who is highest, and
the more so the less alike trials answer. Which trial stands where is therefore also told on one half of the images and
the values taken from the other. That is too small, since no order gives more than the true one. The truth lies between
the two, and so intervals reach from below the one to above the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboards.paired import Z95, Bits

DRAWS = 1000
LEVEL = 0.95
PLACES = 9
"""Decimals kept: what sums of floats add beyond them decides no verdict."""
CHUNK = 250
"""Draws at a time: of 10,000 images, 20 MB of places."""

Values = NDArray[np.float64]
"""[1 + DRAWS]: as observed, then on each draw."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value, in shares of 1, and its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Redrawn:
    """The share of right ones of each column, as observed and on each draw with replacement."""

    whole: NDArray[np.float64]
    """[1 + DRAWS, columns]"""
    halves: tuple[NDArray[np.float64], NDArray[np.float64]]
    """Each [1 + DRAWS, columns]: on every other image, and on those between them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Bounded:
    """A value on each draw; for one that is biased, values that lie below and above it in the mean."""

    observed: float
    low: Values
    high: Values

    def __sub__(self, other: "Bounded") -> "Bounded":
        return Bounded(
            observed=self.observed - other.observed, low=self.low - other.high, high=self.high - other.low
        )  # fmt: skip

    def rising(self, change: Callable[[Values], Values]) -> "Bounded":
        """After a change that never turns a larger value into a smaller one."""
        return Bounded(
            observed=float(change(np.array(self.observed))), low=change(self.low), high=change(self.high)
        )  # fmt: skip


def exactly(values: Values) -> Bounded:
    """A value without bias: an accuracy, or a mean or difference of several."""
    return Bounded(observed=float(values[0]), low=values, high=values)


def average(several: Sequence[Bounded]) -> Bounded:
    """The mean of several."""
    low, high = (np.mean(np.stack([getattr(one, end) for one in several]), axis=0) for end in ("low", "high"))
    return Bounded(observed=sum(one.observed for one in several) / len(several), low=low, high=high)


def ordered(whole: Sequence[Values], halves: Sequence[tuple[Values, Values]], weights: Sequence[float]) -> Bounded:
    """The sum of the values, from low to high, each times its weight; weights rise, as of a range and of a best.

    Above: sorted as they are. Below: in the order of one half of the images, with the values of the other, both ways.
    """
    high = weighted(np.stack(whole), weights)
    first, second = (np.stack([one[place] for one in halves]) for place in (0, 1))
    low = (_in_order_of(first, second, weights) + _in_order_of(second, first, weights)) / 2
    return Bounded(observed=float(high[0]), low=low, high=high)


def weighted(several: NDArray[np.float64], weights: Sequence[float]) -> Values:
    """On each draw of [values, 1 + DRAWS], the values from low to high, each times its weight."""
    total: Values = np.asarray(weights) @ np.sort(several, axis=0)
    return total


def _in_order_of(order: NDArray[np.float64], values: NDArray[np.float64], weights: Sequence[float]) -> Values:
    places = np.argsort(order, axis=0, kind="stable")
    total: Values = np.asarray(weights) @ np.take_along_axis(values, places, axis=0)
    return total


def redrawn(bits: Sequence[Bits], seed: str) -> Redrawn:
    """All columns are of the same images, and every draw is of all of them.

    Sums of ones in float32 are exact, so equal seeds give equal bits on any machine.
    """
    right = np.stack(bits).astype(np.float32).T
    n = len(right)
    generator = np.random.default_rng(list(seed.encode()))
    observed = np.ones((1, n), np.float32)
    drawn = (observed, *(_weights(generator, n) for _ in range(DRAWS // CHUNK)))
    counts, numbers = zip(*(_counts(one, right) for one in drawn), strict=True)
    right_ones, images = np.concatenate(counts), np.concatenate(numbers)
    first, second = (right_ones[:, half] / np.maximum(images[:, half, None], 1) for half in (0, 1))
    return Redrawn(whole=right_ones.sum(axis=1) / n, halves=(first, second))


def _counts(weights: NDArray[np.float32], right: NDArray[np.float32]) -> tuple[Values, Values]:
    """([draws, 2, columns] right ones, [draws, 2] images) of each half."""
    halves = [(weights[:, half::2], right[half::2]) for half in (0, 1)]
    counts = np.stack([one @ ones for one, ones in halves], axis=1).astype(np.float64)
    return counts, np.stack([one.sum(axis=1) for one, _ in halves], axis=1).astype(np.float64)


def _weights(generator: np.random.Generator, n: int) -> NDArray[np.float32]:
    """[CHUNK, n]: how often each image is in each draw."""
    places = generator.integers(0, n, (CHUNK, n)) + n * np.arange(CHUNK)[:, None]
    return np.bincount(places.ravel(), minlength=CHUNK * n).reshape(CHUNK, n).astype(np.float32)


def intervals(several: Sequence[Bounded], n: int) -> list[Estimate]:
    """Simultaneous ones: in 95 % of samples of `n` images, every one of them holds its own true value.

    Each reaches as many standard errors beyond its bounds as the farthest of all, in its own errors, strays on 95 % of
    the draws, 1.96 at least. An error is one image at least: that no image differs on a sample does not say that none
    ever will.
    """
    values = np.stack([end for one in several for end in (one.low, one.high)], axis=1)
    observed, drawn = values[0], values[1:]
    errors = np.maximum(drawn.std(axis=0), 1 / n)
    farthest = (np.abs(drawn - drawn.mean(axis=0)) / errors).max(axis=1)
    reach = max(Z95, float(np.quantile(farthest, LEVEL))) * errors
    lows, highs = (observed - reach)[::2], (observed + reach)[1::2]
    return [
        Estimate(value=round(one.observed, PLACES), low=round(float(low), PLACES), high=round(float(high), PLACES))
        for one, low, high in zip(several, lows, highs, strict=True)
    ]


def lowest(estimates: Sequence[Estimate]) -> Estimate:
    """The least of several values, from their simultaneous intervals: above the least lower end, below every upper."""
    return Estimate(
        value=min(one.value for one in estimates),
        low=min(one.low for one in estimates),
        high=min(one.high for one in estimates),
    )
