"""Samplers: how a search chooses its next point. Plain descriptions; `study.search.history` hands them to Optuna."""

from collections.abc import Mapping
from dataclasses import dataclass

from trainables.parameters import Parameterised, parameter


@dataclass(frozen=True, kw_only=True)
class TPE(Parameterised):
    """Tree-structured Parzen estimator: proposes where good points are dense and poor ones are not.

    Bergstra et al. 2011; for several objectives Ozaki et al. 2022. Points still running repel new ones.
    """

    n_startup_trials: int = parameter(
        default=10, ge=1, le=100_000, unit="points", doc="drawn at random before it proposes", source="Optuna 5"
    )
    n_ei_candidates: int = parameter(
        default=24, ge=1, le=100_000, doc="candidates of which the most promising is proposed", source="Optuna 5"
    )


@dataclass(frozen=True, kw_only=True)
class Random(Parameterised):
    """Every point by itself, evenly over each axis's range: Bergstra and Bengio 2012."""


@dataclass(frozen=True, kw_only=True)
class NSGA2(Parameterised):
    """Non-dominated sorting genetic algorithm II: generations bred from the front of the last. Deb et al. 2002."""

    population_size: int = parameter(
        default=50, ge=2, le=100_000, unit="points", doc="points a generation; the first is random", source="Optuna 5"
    )


@dataclass(frozen=True, kw_only=True)
class QMC(Parameterised):
    """Sobol's sequence: covers the whole space more evenly than random points. Sobol 1967."""

    scramble: bool = parameter(default=False, doc="whether the seed shuffles the sequence (Owen's scrambling)")


SAMPLERS: Mapping[str, type[Parameterised]] = {"tpe": TPE, "random": Random, "nsga2": NSGA2, "qmc": QMC}
