"""A study's benchmarks as the plan has them: their tests in the papers' order, and the conditions of each."""

from collections.abc import Mapping
from typing import Literal

from dashboards.disturbances import Disturbance, in_order
from dashboards.results import Results
from study.plan import Benchmark


def benchmarks(results: Results, family: Literal["corruption", "perturbation"]) -> tuple[Benchmark, ...]:
    """Those of the study that test anything."""
    return tuple(one for one in results.plan.benchmarks if one.family == family and one.tests)


def disturbances_of(results: Results, benchmark: Benchmark) -> tuple[Disturbance, ...]:
    """Each corruption or perturbation once, kind by kind."""
    planned = _planned(results)
    labels = {planned[one.condition_id][0]: one for one in benchmark.tests}
    return in_order(tuple(Disturbance(name=one.name, label=label, extra=one.extra) for label, one in labels.items()))


def conditions_of(results: Results, benchmark: Benchmark) -> dict[tuple[str, int], str]:
    """(what its results are shown under, severity) → condition id."""
    planned = _planned(results)
    found = ((*planned[one.condition_id], one.condition_id) for one in benchmark.tests)
    return {(label, int(level)): condition for label, level, condition in found if level is not None}


def _planned(results: Results) -> Mapping[str, tuple[str, float | None]]:
    """Condition id → (what its results are shown under, level)."""
    return {one.condition_id: (one.test_distortion, one.level) for one in results.plan.conditions}
