"""Errors under corruption, as ImageNet-C measures them: pure functions of counts.

Hendrycks and Dietterich 2019, section 4.1: CE_c = Σₛ E(s,c) / Σₛ E'(s,c) over the severities s, E' the error of a
baseline; mCE is the mean over the 15 main corruptions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from trainables import alexnet
from trainables.corruptions import SEVERITIES
from trainables.normalisation import ratios


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Images of one cell."""

    n: int
    correct: int

    @property
    def error(self) -> float:
        """Share of wrong images, in [0, 1]."""
        return (self.n - self.correct) / self.n


@dataclass(frozen=True, kw_only=True)
class NetworkErrors:
    """Top-1 error rates of a network, in [0, 1]."""

    clean: float
    corrupted: Mapping[str, float]
    """Corruption → the mean over its five severities."""

    @classmethod
    def of(cls, clean: Counted, corrupted: Mapping[str, Sequence[Counted]]) -> "NetworkErrors":
        """From cells, of each corruption those of severity 1 to 5; raises ValueError where some are missing."""
        for name, cells in corrupted.items():
            if len(cells) != SEVERITIES:
                raise ValueError(f"{name}: an error is the mean over severities 1 to {SEVERITIES}; got {len(cells)}")
        return cls(
            clean=clean.error, corrupted={name: fmean(cell.error for cell in row) for name, row in corrupted.items()}
        )


ALEXNET = NetworkErrors(
    clean=alexnet.CLEAN_ERROR,
    corrupted={
        **alexnet.PRINTED_CORRUPTION_ERRORS,
        **{name: fmean(row) for name, row in alexnet.CORRUPTION_ERRORS.items()},
    },
)
"""Of ImageNet at 224 pixels: the 15 to six digits, the four extra ones to three."""


def corruption_errors(network: NetworkErrors, baseline: NetworkErrors) -> dict[str, float]:
    """CE of every corruption that the network was tested on; raises ValueError where the baseline was not."""
    return ratios(network.corrupted, baseline.corrupted)


def relative_corruption_errors(network: NetworkErrors, baseline: NetworkErrors) -> dict[str, float]:
    """Σₛ (E(s,c) − E(clean)) / Σₛ (E'(s,c) − E'(clean)): what a corruption costs, over what it costs the baseline.

    The clean error is subtracted from every severity's: the reading of the paper's bracket that gives its Table 2.
    NaN where the baseline loses nothing. Raises ValueError where the baseline lacks a corruption.
    """
    lost = {name: value if round(value, 9) > 0 else math.nan for name, value in _above_clean(baseline).items()}
    return ratios(_above_clean(network), lost)


def _above_clean(network: NetworkErrors) -> dict[str, float]:
    return {name: error - network.clean for name, error in network.corrupted.items()}
