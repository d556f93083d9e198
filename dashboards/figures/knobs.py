"""What each knob does: accuracy at the practical level against one hyperparameter, joined where the others agree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboards.figures.bands import Selection
from dashboards.levels import is_log
from dashboards.results import Group, Results, Trial, practical_condition
from dashboards.searched import drawn_as, search_of
from dashboards.wording import unit_word
from study.plan import Open, Sweep
from study.report import Setting

MOST_LINES = 8
"""Beyond which lines of about one point each say nothing."""
SHARED = 1.5
"""Points a line, on the average, from which on lines say something however many they are."""
SCATTERED = "points of a search"


@dataclass(frozen=True, kw_only=True)
class KnobPoint:
    """One trial."""

    trial_id: str
    hyperparameters: str
    value: float
    """Of the panel's hyperparameter."""
    accuracy: float
    error: float
    diverged: bool


@dataclass(frozen=True, kw_only=True)
class KnobLine:
    """Trials that differ in the panel's hyperparameter, and in their replicate, only."""

    others: str
    """`σ 0.1`: the values of the other hyperparameters; empty if there are none"""
    points: tuple[KnobPoint, ...]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One hyperparameter of one label."""

    label: str
    symbol: str
    owner: str
    """`method`, or the name of the training distortion."""
    unit: str
    """`degrees`; empty where it has none, or the study tests nothing in it."""
    log: bool
    values: tuple[float, ...]
    lines: tuple[KnobLine, ...]
    """One over all trials where hardly any two share the other hyperparameters, as of a search."""

    @property
    def scattered(self) -> bool:
        """Whether its one line joins what differs in other hyperparameters too, and so is drawn as points alone."""
        return len(self.lines) == 1 and self.lines[0].others == SCATTERED


@dataclass(frozen=True, kw_only=True)
class KnobsInfo:
    """One training distortion at the practical level of one test distortion."""

    measure: str
    """What a share of right ones is called."""
    train_distortion: str
    sweep: Sweep
    baseline_label: str | None
    baseline_name: str
    baseline: float | None
    panels: tuple[Panel, ...]
    chance: float | None
    n: int


def knobs_info(results: Results, selection: Selection) -> KnobsInfo:
    """A panel for every hyperparameter that takes two values or more among the trials evaluated."""
    sweep = results.sweep(selection.test_distortion)
    condition = practical_condition(sweep)
    groups = results.groups_on(selection.train_distortion)
    chosen = (one for one in groups if selection.labels is None or one.label in selection.labels)
    return KnobsInfo(
        measure=results.plan.measure,
        train_distortion=selection.train_distortion,
        sweep=sweep,
        baseline_label=results.baseline_label,
        baseline_name=results.baseline_name,
        baseline=results.baseline(condition),
        panels=tuple(panel for group in chosen for panel in _panels(results, group, condition)),
        chance=results.chance,
        n=results.n,
    )


def _panels(results: Results, group: Group, condition: str) -> Iterator[Panel]:
    evaluated = [trial for trial in group.trials if (trial.trial_id, condition) in results.cells]
    search = search_of(results, group)
    for knob in evaluated[0].settings if evaluated else ():
        values = sorted({float(value) for trial in evaluated if (value := _value(trial, knob)) is not None})
        if len(values) >= 2:
            yield Panel(
                label=group.label,
                symbol=knob.symbol,
                owner=knob.owner,
                unit=_unit(results, knob),
                log=_is_log(values, None if search is None else drawn_as(search, knob)),
                values=tuple(values),
                lines=_gathered(tuple(_lines(results, evaluated, knob, condition)), searched=search is not None),
            )


def _is_log(values: Sequence[float], drawn: Open | None) -> bool:
    """As it is drawn, if a search draws it from a range; else as the values are spaced."""
    if drawn is not None and drawn.draw != "choice":
        return drawn.draw == "loguniform"
    return values[0] > 0 and (is_log(values) or values[-1] >= 30 * values[0])


def _unit(results: Results, knob: Setting) -> str:
    """The one that the same parameter has where the study tests it."""
    name = knob.name.removeprefix(f"{knob.owner}.")
    named = (one for one in results.sweeps if (one.test_distortion, one.parameter) == (knob.owner, name))
    return next((unit_word(one) for one in named), "")


def _gathered(lines: tuple[KnobLine, ...], *, searched: bool) -> tuple[KnobLine, ...]:
    """One line over all points where a search drew them, or nearly every line is a single one."""
    points = [point for line in lines for point in line.points]
    if not searched and (len(lines) <= MOST_LINES or len(points) > SHARED * len(lines)):
        return lines
    return (KnobLine(others=SCATTERED, points=tuple(sorted(points, key=lambda point: point.value))),)


def _value(trial: Trial, knob: Setting) -> float | None:
    """None for a value that is no number."""
    found = next((one.value for one in trial.settings if (one.owner, one.name) == (knob.owner, knob.name)), None)
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def _lines(results: Results, trials: Sequence[Trial], knob: Setting, condition: str) -> Iterator[KnobLine]:
    groups: dict[str, list[KnobPoint]] = {}
    for trial in trials:
        value = _value(trial, knob)
        if value is not None:
            others = (one for one in trial.settings if (one.owner, one.name) != (knob.owner, knob.name))
            name = ", ".join(f"{one.symbol} {one.shown}" for one in others)
            groups.setdefault(name, []).append(_point(results, trial, value, condition))
    for name, points in groups.items():
        yield KnobLine(others=name, points=tuple(sorted(points, key=lambda point: point.value)))


def _point(results: Results, trial: Trial, value: float, condition: str) -> KnobPoint:
    cell = results.cells[trial.trial_id, condition]
    return KnobPoint(
        trial_id=trial.trial_id,
        hyperparameters=trial.in_brackets,
        value=value,
        accuracy=cell.accuracy,
        error=cell.error,
        diverged=trial.diverged,
    )
