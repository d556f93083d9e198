"""A benchmark's rates, next to a normaliser's: their range over each method's hyperparameters, test by test."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboards.disturbances import Disturbance
from dashboards.picks import BY, By, ranked
from dashboards.ranges import quantiles
from dashboards.results import Rates, Results, Trial
from dashboards.wording import with_hyperparameters


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What is measured of each trial under each test, and on average."""

    name: str
    """`ce`"""
    title: str
    """What an axis reads: `corruption error, Baseline = 100`"""
    mean: str
    """What the mean over the tests is called: `mCE`"""
    normalizer: str | None = None
    """Whose rate is 1; None for a rate that is divided by nobody's."""
    factor: float = 100
    """From the table's numbers to those shown."""
    unit: str = " %"

    def shown(self, value: float | None) -> float | None:
        """As an axis has it."""
        return None if value is None else round(self.factor * value, 3)

    def told(self, value: float) -> str:
        """`96.3`, with its unit if it has one: ratios are numbers, as papers print them."""
        return f"{self.factor * value:.{1 if self.factor > 1 else 2}f}{self.unit}".replace("-", "−")


@dataclass(frozen=True, kw_only=True)
class RatioRange:
    """One label's trials."""

    label: str
    planned: int
    evaluated: int
    """Trials that have any of the rates."""
    diverged: int
    mean: Mapping[str, float]
    """`min`, `q25`, … of the means; empty without one."""
    edges: tuple[Mapping[str, float], ...]
    """The same at each test."""
    seen: tuple[bool, ...]
    """Whether all of its trials were shown the test in training."""


@dataclass(frozen=True, kw_only=True)
class RatioCurve:
    """One trial under every test."""

    label: str
    trial_id: str
    hyperparameters: str
    diverged: bool
    mean: float | None
    values: tuple[float | None, ...]
    role: str
    """best, worst, only (the label has one trial) or member"""
    by: By | None = None
    """What a best or worst one was ranked by."""

    @property
    def name(self) -> str:
        """`best ST; α = 0.3`"""
        role = "" if self.role in ("only", "member") else f"{self.role} "
        return with_hyperparameters(f"{role}{self.label}", self.hyperparameters)


@dataclass(frozen=True, kw_only=True)
class RatiosInfo:
    """One measure of the trials on one training distortion."""

    measure: Measure
    train_distortion: str | None
    """None for a study that trains its baseline alone."""
    tests: tuple[Disturbance, ...]
    ranges: tuple[RatioRange, ...]
    curves: tuple[RatioCurve, ...]
    baseline_name: str
    baseline: Rates | None
    """The mean of its replicates; None where its rates are the measure's ones, and where there is none."""
    bases: Mapping[By, str]
    """What best and worst were ranked by; empty without a best and a worst."""
    n: int
    """Test images."""


Score = Callable[[Trial], Rates | None]
"""A trial's rates; None until there is one."""


def ratios_info(
    results: Results, measure: Measure, train_distortion: str | None, tests: tuple[Disturbance, ...], score: Score
) -> RatiosInfo:
    """The figure's data."""
    groups = results.groups_on(train_distortion) if train_distortion is not None else ()
    members = {group.label: _scored(group.trials, score) for group in groups}
    picks = {(label, by): _picked(scored, by) for label, scored in members.items() for by in BY}
    several = any(len(scored) > 1 for scored in members.values())
    return RatiosInfo(
        measure=measure,
        train_distortion=train_distortion,
        tests=tests,
        ranges=tuple(_range(group.label, len(group.trials), members[group.label], tests) for group in groups),
        curves=tuple(curve for label, scored in members.items() for curve in _curves(label, scored, tests, picks)),
        baseline_name=results.baseline_name,
        baseline=None if measure.normalizer == results.baseline_label else _together(results.baselines, score),
        bases={"test": f"{measure.mean} on test images", "validation": "undistorted validation images"}
        if several
        else {},
        n=results.n,
    )


Scored = Sequence[tuple[Trial, Rates]]


def _scored(trials: Sequence[Trial], score: Score) -> Scored:
    return [(trial, rates) for trial in trials if (rates := score(trial)) is not None]


def _picked(scored: Scored, by: By) -> tuple[Trial, Trial] | None:
    """(best, worst): the lowest and the highest mean, or by validation accuracy."""
    means = {trial.trial_id: rates.mean for trial, rates in scored}
    known = [trial for trial, rates in scored if rates.mean is not None]
    if by == "validation":
        return ranked(known, lambda trial: trial.validation_accuracy)
    return ranked(known, lambda trial: -(means[trial.trial_id] or 0.0))


def _range(label: str, planned: int, scored: Scored, tests: Sequence[Disturbance]) -> RatioRange:
    columns = [[rates.values[one.label] for _, rates in scored if one.label in rates.values] for one in tests]
    means = [rates.mean for _, rates in scored if rates.mean is not None]
    return RatioRange(
        label=label,
        planned=planned,
        evaluated=len(scored),
        diverged=sum(trial.diverged for trial, _ in scored),
        mean=quantiles(means) if means else {},
        edges=tuple(quantiles(column) if column else {} for column in columns),
        seen=tuple(bool(scored) and all(one.label in rates.seen for _, rates in scored) for one in tests),
    )


def _curves(
    label: str, scored: Scored, tests: Sequence[Disturbance], picks: Mapping[tuple[str, By], tuple[Trial, Trial] | None]
) -> Iterator[RatioCurve]:
    """Best and worst by each way of picking, then every trial."""
    rates = {trial.trial_id: one for trial, one in scored}
    for by in BY:
        chosen = picks[label, by]
        if chosen is not None:
            alone = len(scored) == 1
            for role, trial in (("only", chosen[0]),) if alone else zip(("best", "worst"), chosen, strict=True):
                yield _curve(label, trial, rates[trial.trial_id], tests, role, by)
    for trial, one in scored:
        yield _curve(label, trial, one, tests, "member")


def _curve(
    label: str, trial: Trial, rates: Rates, tests: Sequence[Disturbance], role: str, by: By | None = None
) -> RatioCurve:
    return RatioCurve(
        label=label,
        trial_id=trial.trial_id,
        hyperparameters=trial.in_brackets,
        diverged=trial.diverged,
        mean=rates.mean,
        values=tuple(rates.values.get(one.label) for one in tests),
        role=role,
        by=by,
    )


def _together(trials: Sequence[Trial], score: Score) -> Rates | None:
    """The mean over replicates, at each test over those that have it."""
    found = [rates for _, rates in _scored(trials, score)]
    means = [rates.mean for rates in found if rates.mean is not None]
    labels = dict.fromkeys(label for rates in found for label in rates.values)
    return None if not found else Rates(
        mean=sum(means) / len(means) if means else None,
        values={label: _mean([rates.values[label] for rates in found if label in rates.values]) for label in labels},
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
