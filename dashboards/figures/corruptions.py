"""Corruption errors: what they can be drawn as, and their data."""

from collections.abc import Iterator

from dashboards.benchmarks import disturbances_of
from dashboards.figures.ratios import Measure, RatiosInfo, ratios_info
from dashboards.results import Rates, Results, Trial
from study.plan import Benchmark


def measures(results: Results, benchmark: Benchmark) -> Iterator[Measure]:
    """What its errors can be drawn as; a baseline next to itself alone would be of no use."""
    name = benchmark.normalizer
    if name is not None and results.trained_on:
        yield Measure(name="ce", title=f"corruption error, {name} = 100", mean="mCE", normalizer=name, unit="")
        yield Measure(
            name="relative_ce", title=f"relative corruption error, {name} = 100", mean="relative mCE",
            normalizer=name, unit="",
        )  # fmt: skip
    yield Measure(name="error", title="error on corrupted test images, %", mean="mean error")


def corruptions_info(results: Results, benchmark: Benchmark, measure: Measure, train: str | None) -> RatiosInfo:
    """Corruption errors of the trials on one training distortion."""
    found = results.corruption_errors[measure.name]

    def score(trial: Trial) -> Rates | None:
        return found.get((benchmark.name, trial.label, trial.trial_id))

    return ratios_info(results, measure, train, disturbances_of(results, benchmark), score)
