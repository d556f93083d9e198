"""Flip rates and top-5 distances: what they can be drawn as, and their data."""

from collections.abc import Iterator

from dashboards.benchmarks import disturbances_of
from dashboards.figures.ratios import Measure, RatiosInfo, ratios_info
from dashboards.results import Rates, Results, Trial
from study.plan import Benchmark

TOP, DISTANCES = 5, ("t5d", "top5_distance")


def measures(results: Results, benchmark: Benchmark) -> Iterator[Measure]:
    """What its flips can be drawn as; a baseline next to itself alone would be of no use."""
    name = benchmark.normalizer
    if name is not None and results.trained_on:
        yield Measure(name="flip_rate", title=f"flip rate, {name} = 100", mean="mFR", normalizer=name, unit="")
        yield Measure(name="t5d", title=f"top-5 distance, {name} = 100", mean="mT5D", normalizer=name, unit="")
    yield Measure(name="flip_probability", title="flip probability, %", mean="mean FP")
    yield Measure(
        name="top5_distance", title="top-5 distance, places", mean="mean uT5D", factor=1, unit=""
    )  # fmt: skip


def difficulties(results: Results) -> tuple[int, ...]:
    return tuple(sorted({difficulty for _, difficulty in results.flips})) or (1,)


def perturbations_info(
    results: Results, benchmark: Benchmark, measure: Measure, difficulty: int, train: str | None
) -> RatiosInfo:
    """Flip rates of the trials on one training distortion at one difficulty."""
    found = results.flips.get((measure.name, difficulty), {})

    def score(trial: Trial) -> Rates | None:
        return found.get((benchmark.name, trial.label, trial.trial_id))

    return ratios_info(results, measure, train, disturbances_of(results, benchmark), score)


def no_distances(results: Results, info: RatiosInfo) -> str:
    """Why there are no top-5 distances; empty where there are."""
    there = any(value is not None for curve in info.curves for value in curve.values)
    classes = round(1 / results.chance) if results.chance else TOP
    if there or info.measure.name not in DISTANCES or classes >= TOP:
        return ""
    return f"A top-5 distance needs {TOP} classes; there are {classes} here, and so no distances."
