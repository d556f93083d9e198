"""Differences between two models on the same images: the images' difficulty cancels, so the error is smaller."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z95 = 1.96
"""Standard errors on either side that hold 95 % of a normal distribution."""
CLEAR = 2.0
"""Standard errors beyond which a difference is more than noise."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A trial's accuracy minus the baseline's, under one condition."""

    value: float
    """In [−1, 1]."""
    error: float
    """One standard error."""
    n: int
    """Images."""
    paired: bool
    """Over the same images one by one; else both errors are binomial and independent, which is wider."""

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self.value - Z95 * self.error

    @property
    def high(self) -> float:
        return self.value + Z95 * self.error

    @property
    def clear(self) -> bool:
        """Whether it is more than CLEAR standard errors from zero."""
        return abs(self.value) > CLEAR * self.error


Bits = NDArray[np.uint8]
"""One entry an image, 1 for right."""


def unpack(packed: bytes, n: int) -> Bits:
    """The `n` outcomes in a cell's `correct_bits`."""
    return np.unpackbits(np.frombuffer(packed, np.uint8), count=n)


def paired(trial: Bits, baselines: Sequence[Bits]) -> Difference:
    """Mean and error of the per-image difference; of several baselines (replicates), their mean image by image.

    The error is sd / √n, sd over the images with n − 1: of images drawn anew, the models being given.
    """
    difference = trial.astype(np.float64) - np.mean(np.stack(baselines), axis=0, dtype=np.float64)
    n = len(difference)
    error = float(difference.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    return Difference(value=float(difference.mean()), error=error, n=n, paired=True)


def unpaired(accuracy: float, baseline: float, n: int) -> Difference:
    """From two accuracies on `n` images alone: for a trial at chance, which has no image-by-image outcomes."""
    variance = accuracy * (1 - accuracy) + baseline * (1 - baseline)
    return Difference(value=accuracy - baseline, error=math.sqrt(variance / n), n=n, paired=False)
