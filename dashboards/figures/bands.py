"""Sensitivity bands: accuracy against test level, over all hyperparameters of each method."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dashboards.levels import LevelAxis, level_axis
from dashboards.picks import BY, By, Pick, bases, pick
from dashboards.ranges import comparable, expected_range, quantiles
from dashboards.results import Group, Results, Trial, practical_condition
from dashboards.wording import at_levels, spoken, with_hyperparameters
from study.plan import Sweep
from study.report import Setting

SUBSETS: Mapping[str, str] = {"data_augmentation": "p"}
"""Method → its hyperparameter that a paper's figure does not pick over: best and worst are told for each value."""
BANDED = ("stability_training",)
"""The methods whose bands a paper's figure fills at first."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One trial under every level."""

    name: str
    """`ST`, or `ST on rotation` where the figure is about another training distortion."""
    label: str
    trial_id: str
    hyperparameters: str
    """`α = 10 (σ 0.1)`; in a paper's figure what was picked over, in brackets: `(α 10, σ 0.1)`"""
    accuracy: tuple[float | None, ...]
    """In [0, 1], clean first; None where it is not evaluated yet."""
    error: tuple[float | None, ...]
    """One standard error, binomial."""
    role: str
    """best, worst, only (the group has one trial) or member"""
    by: By | None = None
    """What a best or worst one was ranked by."""
    at: tuple[float, ...] = ()
    """The levels at which it was picked: one trial may be best at several."""
    subset: str = ""
    """`p = 0.5`, where it was picked among those alone."""
    place: tuple[int, int] = (0, 1)
    """Which of how many subsets that is."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """The range over one group's hyperparameters."""

    name: str
    label: str
    method: str
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
    span: tuple[float, float]
    """Lowest and highest accuracy of the whole study, so that the axis stays put."""
    examples: tuple[str | None, ...]
    """The conditions of which there is a picture."""
    above: tuple[float, float] | None
    """Lowest and highest difference from the baseline in the whole study, likewise."""
    paper: bool = False
    """Whether it is a paper's figure."""
    split: tuple[str, ...] = ()
    """Symbols of the hyperparameters for each value of which best and worst are told."""

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
    paper: bool = False
    """Whether it is drawn as a paper's figure: with SUBSETS, and the bands of BANDED."""


@dataclass(frozen=True, kw_only=True)
class Subset:
    """Trials among which best and worst are told: a whole group, or those of one value."""

    name: str
    """Of the group, in this figure."""
    group: Group
    told: str = ""
    """`p = 0.5`"""
    place: tuple[int, int] = (0, 1)


def bands_info(results: Results, selection: Selection) -> BandsInfo:
    """The figure's data. Groups without any result are there, without a curve, so that the reader learns of them."""
    sweep = results.sweep(selection.test_distortion)
    members = tuple(_groups(results, selection))
    conditions = (results.clean, *sweep.condition_ids)
    evaluated = {name: _evaluated(results, group, conditions) for name, group in members}
    equal_n = comparable(map(len, evaluated.values()))
    levels = tuple(level for level in selection.pick_at if level in sweep.levels) or (sweep.practical,)
    subsets = tuple(subset for name, group in members for subset in _subsets(name, group, selection.paper))
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
        curves=tuple(_curves(results, subsets, sweep, conditions, levels, selection.paper)),
        diverged=tuple(
            _curve(results, Subset(name=name, group=group), trial, conditions, "member", selection.paper)
            for name, group in members
            for trial in evaluated[name]
            if trial.diverged
        ),
        picked_at=levels,
        bases=bases(results, [one.group for one in subsets], sweep, practical_condition(sweep)),
        equal_n=equal_n,
        n=results.n,
        examples=tuple(one if one in results.examples else None for one in conditions),
        above=results.above_baseline,
        span=results.span,
        paper=selection.paper,
        split=tuple(dict.fromkeys(one.told.partition(" = ")[0] for one in subsets if one.told)),
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


def _subsets(name: str, group: Group, paper: bool) -> Iterator[Subset]:
    """The group's trials by the value that SUBSETS names, where there are several; else all of them."""
    found: dict[str, list[Trial]] = {}
    for trial in group.trials if paper else ():
        found.setdefault(", ".join(f"{one.symbol} = {one.shown}" for one in _apart(trial)), []).append(trial)
    if len(found) < 2:
        yield Subset(name=name, group=group)
        return
    for number, (told, trials) in enumerate(found.items()):
        yield Subset(
            name=name, group=replace(group, trials=tuple(trials)), told=told, place=(number, len(found))
        )  # fmt: skip


def _apart(trial: Trial) -> list[Setting]:
    return [one for one in trial.settings if one.owner == "method" and one.name == SUBSETS.get(trial.method)]


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
        method=group.trials[0].method if group.trials else "",
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
    subsets: Sequence[Subset],
    sweep: Sweep,
    conditions: Sequence[str | None],
    levels: Sequence[float],
    paper: bool,
) -> Iterator[Curve]:
    """Best and worst by each way of picking, then every trial."""
    for subset in subsets:
        for by in BY:
            for (role, trial), at in _picked(results, subset, sweep, levels, by).items():
                yield _curve(results, subset, trial, conditions, role, paper, by, tuple(at))
        for trial in _evaluated(results, subset.group, conditions):
            yield _curve(results, subset, trial, conditions, "member", paper)


def _picked(
    results: Results, subset: Subset, sweep: Sweep, levels: Sequence[float], by: By
) -> dict[tuple[str, Trial], list[float]]:
    """(role, trial) → the levels at which it has that role."""
    found: dict[tuple[str, Trial], list[float]] = {}
    for level in levels:
        chosen = pick(results, subset.group, sweep, sweep.condition_ids[sweep.levels.index(level)], by)
        for role, trial in () if chosen is None else _roles(chosen):
            found.setdefault((role, trial), []).append(level)
    return found


def _roles(chosen: Pick) -> tuple[tuple[str, Trial], ...]:
    if chosen.best.trial_id == chosen.worst.trial_id:
        return (("only", chosen.best),)
    return (("best", chosen.best), ("worst", chosen.worst))


def _curve(
    results: Results,
    subset: Subset,
    trial: Trial,
    conditions: Sequence[str | None],
    role: str,
    paper: bool,
    by: By | None = None,
    at: tuple[float, ...] = (),
) -> Curve:
    cells = [results.cells.get((trial.trial_id, condition or "")) for condition in conditions]
    return Curve(
        name=subset.name,
        label=trial.label,
        trial_id=trial.trial_id,
        hyperparameters=_picked_over(trial, subset) if paper else trial.in_brackets,
        accuracy=tuple(None if cell is None else cell.accuracy for cell in cells),
        error=tuple(None if cell is None else cell.error for cell in cells),
        role=role,
        by=by,
        at=at,
        subset=subset.told,
        place=subset.place,
    )


def _picked_over(trial: Trial, subset: Subset) -> str:
    """`(α 10, σ 0.1)`, `(σ 0.22)`: what is not the subset's."""
    apart = _apart(trial) if subset.told else []
    told = ", ".join(f"{one.symbol} {one.shown}" for one in trial.settings if one not in apart)
    return f"({told})" if told else ""


def curve_parts(curve: Curve, info: BandsInfo) -> tuple[str, str, str]:
    """(`best DA 20 epochs`, `p = 0.5`, `(σ 0.22)`): what was picked, of which subset, with which hyperparameters.

    With the levels where it is not so at all those at which best and worst are picked.
    """
    role = "" if curve.role in ("only", "member") else f"{curve.role} "
    where = f" at {at_levels(info.sweep, curve.at)}" if 0 < len(curve.at) < len(info.picked_at) else ""
    return f"{role}{curve.name}{where}", curve.subset, curve.hyperparameters


def curve_name(curve: Curve, info: BandsInfo) -> str:
    """`best DA 20 epochs; p = 0.5 (σ 0.22)`"""
    what, *told = curve_parts(curve, info)
    return with_hyperparameters(what, " ".join(filter(None, told)))
