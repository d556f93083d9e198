"""Pruners: how a study saves the epochs of poor trials. Plain descriptions; `study.executor.rungs` decides."""

from collections.abc import Mapping
from dataclasses import dataclass

from trainables.parameters import Parameterised, parameter

SOURCE = "Li et al. 2020, arXiv 1810.05934"


@dataclass(frozen=True, kw_only=True)
class ASHA(Parameterised):
    """Asynchronous successive halving: every trial trains a little, the best part of them longer, and so on.

    Trials halt after min_epochs, min_epochs × reduction_factor, and so on; of each such rung's trials, the best
    1 / reduction_factor by validation accuracy go on.
    """

    min_epochs: int = parameter(
        ge=1, le=1_000_000, unit="epochs", doc="what every trial trains: the first rung", source=SOURCE
    )
    reduction_factor: int = parameter(
        default=4, ge=2, le=1000, doc="one trial in so many goes on, and each rung has so many times the epochs of the "
        "one before", source=SOURCE,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Never(Parameterised):
    """Every trial is trained to its end."""


PRUNERS: Mapping[str, type[Parameterised]] = {"asha": ASHA, "none": Never}


def rung_epochs(min_epochs: int, reduction_factor: int, epochs: int) -> tuple[int, ...]:
    """The epochs after which trials are compared, ascending, in a training of `epochs`."""
    rungs = []
    rung = min_epochs
    while rung < epochs:
        rungs.append(rung)
        rung *= reduction_factor
    return tuple(rungs)
