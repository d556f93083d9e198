"""Sensitivity bands: accuracy against test level, over all hyperparameters of each method."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboards.levels import LevelAxis, level_axis
from dashboards.picks import BY, By, Pick, bases, pick
from dashboards.ranges import comparable, expected_range, quantiles
from dashboards.results import Group, Results, Trial, practical_condition
from dashboards.wording import at_level, spoken, with_hyperparameters
from study.plan import Sweep


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One trial under every level."""

    name: str
    """`ST`, or `ST on rotation` where the figure is about another training distortion."""
    label: str
    trial_id: str
    hyperparameters: str
    """`α = 10 (σ 0.1)`"""
    accuracy: tuple[float | None, ...]
    """In [0, 1], clean first; None where it is not evaluated yet."""
    error: tuple[float | None, ...]
    """One standard error, binomial."""
    role: str
    """best, worst, only (the group has one trial) or member"""
    by: By | None = None
    """What a best or worst one was ranked by."""
    at: float | None = None
    """The level at which it was picked."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """The range over one group's hyperparameters."""

    name: str
    label: str
    train_distortion: str
    aside: bool
    """Whether it was trained on another distortion than the figure is about."""
    planned: int
    evaluated: int
    """Trials that the band is over: those with any level evaluated."""
    diverged: int
    edges: Mapping[str, tuple[float | None, ...]]
    """`min`, `q10`, … → accuracy at each level, over the trials evaluated there."""
    expected: tuple[float | None, ...]
    """Width that `equal_n` trials drawn from the group would have, the mean over all such draws."""


@dataclass(frozen=True, kw_only=True)
class BandsInfo:
    """One training distortion under one test distortion."""

    measure: str
    """What a share of right ones is called."""
    train_distortion: str
    sweep: Sweep
    axis: LevelAxis
    chance: float | None
    baseline_label: str | None
    baseline_name: str
    """The label, and of how many replicates it is the mean."""
    baseline: tuple[float | None, ...]
    baseline_error: tuple[float | None, ...]
    bands: tuple[Band, ...]
    curves: tuple[Curve, ...]
    diverged: tuple[Curve, ...]
    """Every trial that diverged, wherever it ended."""
    picked_at: tuple[float, ...]
    bases: Mapping[By, str]
    """What they were ranked by, for each way; empty without a best and a worst."""
    equal_n: int
    """Trials of the smallest group of several: what widths are compared at; 0 if there is none."""
    n: int
    """Test images."""
    examples: tuple[str | None, ...]
    """The conditions of which there is a picture."""
    above: tuple[float, float] | None
    """Lowest and highest difference from the baseline in the whole study, so that the axis stays put."""

    @property
    def steps(self) -> int:
        return len(self.sweep.levels) + 1


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a figure is about."""

    train_distortion: str
    test_distortion: str
    labels: tuple[str, ...] | None = None
    """None for all."""
    also: tuple[tuple[str, tuple[str, ...] | None], ...] = ()
    """(another training distortion, its labels) drawn beside."""
    pick_at: tuple[float, ...] = ()
    """Levels at which best and worst are picked; the practical one if there are none."""


def bands_info(results: Results, selection: Selection) -> BandsInfo:
    """The figure's data. Groups without any result are there, without a curve, so that the reader learns of them."""
    sweep = results.sweep(selection.test_distortion)
    members = tuple(_groups(results, selection))
    conditions = (results.clean, *sweep.condition_ids)
    evaluated = {name: _evaluated(results, group, conditions) for name, group in members}
    equal_n = comparable(map(len, evaluated.values()))
    levels = tuple(level for level in selection.pick_at if level in sweep.levels) or (sweep.practical,)
    return BandsInfo(
        measure=results.plan.measure,
        train_distortion=selection.train_distortion,
        sweep=sweep,
        axis=level_axis(sweep),
        chance=results.chance,
        baseline_label=results.baseline_label,
        baseline_name=results.baseline_name,
        baseline=tuple(map(results.baseline, conditions)),
        baseline_error=_errors(results, results.baselines, conditions),
        bands=tuple(
            _band(results, name, group, evaluated[name], conditions, equal_n, selection.train_distortion)
            for name, group in members
        ),
        curves=tuple(_curves(results, members, evaluated, sweep, conditions, levels)),
        diverged=tuple(
            _curve(results, name, trial, conditions, "member")
            for name, trials in evaluated.items()
            for trial in trials
            if trial.diverged
        ),
        picked_at=levels,
        bases=bases(results, [group for _, group in members], sweep, practical_condition(sweep)),
        equal_n=equal_n,
        n=results.n,
        examples=tuple(one if one in results.examples else None for one in conditions),
        above=results.above_baseline,
    )


def _groups(results: Results, selection: Selection) -> Iterator[tuple[str, Group]]:
    """(name in this figure, group)"""
    for group in results.groups_on(selection.train_distortion):
        if selection.labels is None or group.label in selection.labels:
            yield group.label, group
    for trained_on, labels in selection.also:
        for group in results.groups_on(trained_on):
            if labels is None or group.label in labels:
                yield f"{group.label} on {spoken(trained_on)}", group


def _evaluated(results: Results, group: Group, conditions: Sequence[str | None]) -> tuple[Trial, ...]:
    """Trials with a result under any of the conditions."""
    return tuple(trial for trial in group.trials if any(results.accuracy(trial, one) is not None for one in conditions))


def _errors(results: Results, trials: Sequence[Trial], conditions: Sequence[str | None]) -> tuple[float | None, ...]:
    """Of the mean over replicates on the same images: the binomial error of one."""
    if not trials:
        return (None,) * len(conditions)
    cells = (results.cells.get((trials[0].trial_id, condition or "")) for condition in conditions)
    return tuple(None if cell is None else cell.error for cell in cells)


def _band(
    results: Results,
    name: str,
    group: Group,
    evaluated: Sequence[Trial],
    conditions: Sequence[str | None],
    equal_n: int,
    train_distortion: str,
) -> Band:
    columns = [
        [one for trial in evaluated if (one := results.accuracy(trial, condition)) is not None]
        for condition in conditions
    ]
    told = [quantiles(column) if column else {} for column in columns]
    return Band(
        name=name,
        label=group.label,
        train_distortion=group.train_distortion,
        aside=group.train_distortion != train_distortion,
        planned=len(group.trials),
        evaluated=len(evaluated),
        diverged=sum(trial.diverged for trial in evaluated),
        edges={edge: tuple(one.get(edge) for one in told) for edge in quantiles([0.0])},
        expected=tuple(expected_range(one, equal_n) if len(one) >= equal_n > 0 else None for one in columns),
    )


def _curves(
    results: Results,
    members: Sequence[tuple[str, Group]],
    evaluated: Mapping[str, Sequence[Trial]],
    sweep: Sweep,
    conditions: Sequence[str | None],
    levels: Sequence[float],
) -> Iterator[Curve]:
    """Best and worst by each way of picking, then every trial."""
    for name, group in members:
        for by in BY:
            for level in levels:
                chosen = pick(results, group, sweep, sweep.condition_ids[sweep.levels.index(level)], by)
                if chosen is not None:
                    yield from _picked(results, name, chosen, conditions, by, level)
        for trial in evaluated[name]:
            yield _curve(results, name, trial, conditions, "member")


def _picked(
    results: Results, name: str, chosen: Pick, conditions: Sequence[str | None], by: By, level: float
) -> Iterator[Curve]:
    if chosen.best.trial_id == chosen.worst.trial_id:
        yield _curve(results, name, chosen.best, conditions, "only", by, level)
        return
    yield _curve(results, name, chosen.best, conditions, "best", by, level)
    yield _curve(results, name, chosen.worst, conditions, "worst", by, level)


def _curve(
    results: Results,
    name: str,
    trial: Trial,
    conditions: Sequence[str | None],
    role: str,
    by: By | None = None,
    at: float | None = None,
) -> Curve:
    cells = [results.cells.get((trial.trial_id, condition or "")) for condition in conditions]
    return Curve(
        name=name,
        label=trial.label,
        trial_id=trial.trial_id,
        hyperparameters=trial.in_brackets,
        accuracy=tuple(None if cell is None else cell.accuracy for cell in cells),
        error=tuple(None if cell is None else cell.error for cell in cells),
        role=role,
        by=by,
        at=at,
    )


def curve_name(curve: Curve, info: BandsInfo) -> str:
    """`best DA 20 epochs; p = 0.5 (σ 0.22)`, with the level where best and worst are picked at several."""
    role = "" if curve.role in ("only", "member") else f"{curve.role} "
    where = f" at {at_level(info.sweep, curve.at)}" if curve.at is not None and len(info.picked_at) > 1 else ""
    return with_hyperparameters(f"{role}{curve.name}{where}", curve.hyperparameters)
