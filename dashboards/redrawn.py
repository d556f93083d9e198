"""Accuracies on test images drawn anew, the same ones for every trial and condition, and what follows for differences.

A difference of accuracies, or of ranges and bests over trials, is computed on every draw as on the images observed. So
whatever it compares is paired image by image, and many differences keep the correlation between them.
"""

from collections.abc import Sequence
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


def redrawn(bits: Sequence[Bits], seed: str) -> NDArray[np.float64]:
    """[1 + DRAWS, columns]: the share of right ones of each column, as observed and on each draw with replacement.

    All columns are of the same images, and every draw is of all of them. Sums of ones in float32 are exact, so equal
    seeds give equal bits on any machine.
    """
    right = np.stack(bits).astype(np.float32).T
    n = len(right)
    generator = np.random.default_rng(list(seed.encode()))
    observed = np.ones((1, n), np.float32)
    weights = (observed, *(_weights(generator, n) for _ in range(DRAWS // CHUNK)))
    return np.concatenate([one @ right for one in weights]).astype(np.float64) / n


def _weights(generator: np.random.Generator, n: int) -> NDArray[np.float32]:
    """[CHUNK, n]: how often each image is in each draw."""
    places = generator.integers(0, n, (CHUNK, n)) + n * np.arange(CHUNK)[:, None]
    return np.bincount(places.ravel(), minlength=CHUNK * n).reshape(CHUNK, n).astype(np.float32)


def intervals(several: Sequence[Values], n: int) -> list[Estimate]:
    """Simultaneous ones: in 95 % of samples of `n` images, every one of them holds its own true value.

    Each reaches as many standard errors as the farthest of all, in its own errors, strays on 95 % of the draws, 1.96 at
    least. Both ends lie equally far from the value, so that the bias of a range or a best makes it wider, not shifted.
    An error is one image at least: that no image differs on a sample does not say that none ever will.
    """
    values = np.stack(several, axis=1)
    observed, drawn = values[0], values[1:]
    errors = np.maximum(drawn.std(axis=0), 1 / n)
    farthest = (np.abs(drawn - observed) / errors).max(axis=1)
    reach = max(Z95, float(np.quantile(farthest, LEVEL))) * errors
    return [
        Estimate(value=round(value, PLACES), low=round(value - far, PLACES), high=round(value + far, PLACES))
        for value, far in zip(observed.tolist(), reach.tolist(), strict=True)
    ]


def lowest(estimates: Sequence[Estimate]) -> Estimate:
    """The least of several values, from their simultaneous intervals: above the least lower end, below every upper."""
    return Estimate(
        value=min(one.value for one in estimates),
        low=min(one.low for one in estimates),
        high=min(one.high for one in estimates),
    )
