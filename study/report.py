"""Reports: what a screen will show, as frozen data made from a plan and the results, before anything is drawn."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from study.plan import Open, Plan, PlannedTrial, Search, Sweep
from study.summary import UNDISTORTED
from trainables.parameters import Value
from trainables.recipe import Condition, Parent, Recipe


@dataclass(frozen=True)
class Setting:
    """One hyperparameter of a trial."""

    name: str
    """`alpha`; `method.epsilon` and `fgsm.epsilon` where the method and its training distortion share a name."""
    symbol: str
    """`α`"""
    value: Value
    owner: str
    """`method`, or the name of the training distortion."""

    @property
    def shown(self) -> str:
        """`0.316`"""
        return figure(self.value)


Symbol = Callable[[str, str], str]
"""(component's name, parameter's name) → the symbol papers use, or the parameter's name."""


@cache
def registered_symbol(component: str, parameter: str) -> str:
    """The symbol that the component's own file gives the parameter. Imports torch."""
    from trainables.methods import methods
    from trainables.parameters import parameters
    from trainables.sequence import find

    kind = methods.get(component) if component in methods.names() else find(component)
    level = () if component in methods.names() else (find(component).level,)
    described = {one.name: one for one in (*parameters(kind), *level)}
    return described[parameter].symbol or parameter


def plain_symbol(_component: str, parameter: str) -> str:
    """The parameter's name: needs nothing imported."""
    return parameter


@dataclass(frozen=True)
class Naming:
    """Which hyperparameters tell a study's trials apart: those of a method that vary under its label, and the level
    of every training distortion."""

    plan: Plan
    symbol: Symbol = plain_symbol

    @cached_property
    def _varied(self) -> dict[str, frozenset[str]]:
        seen: dict[str, dict[str, set[Value]]] = {}
        for trial in self.plan.trials:
            for name, value in trial.recipe.method.items:
                seen.setdefault(trial.label, {}).setdefault(name, set()).add(value)
        varied = {label: {name for name, values in names.items() if len(values) > 1} for label, names in seen.items()}
        for search in self.plan.searches:
            varied.setdefault(search.label, set()).update(one.name for one in search.space if one.step is None)
        return {label: frozenset(names) for label, names in varied.items()}

    def settings(self, trial: PlannedTrial) -> tuple[Setting, ...]:
        """Those of `trial`, the method's first."""
        method, distortions = trial.recipe.method, trial.recipe.distortions
        trained = [(step.name, name, value) for step in distortions for name, value in step.items if _number(value)]
        varied = self._varied.get(trial.label, frozenset())
        shared = {name for _, name, _ in trained} & varied
        of_method = (self._setting(method.name, "method", name, value, shared) for name, value in method.items
                     if name in varied)  # fmt: skip
        of_distortion = (self._setting(component, component, name, value, shared) for component, name, value in trained)
        return (*of_method, *of_distortion)

    def _setting(self, component: str, owner: str, name: str, value: Value, shared: set[str]) -> Setting:
        if name in shared:
            return Setting(f"{owner}.{name}", f"{owner}.{name}", value, owner)
        return Setting(name, self.symbol(component, name), value, owner)

    def counted(self, label: str) -> tuple[tuple[str, int], ...]:
        """(symbol, number of values) of each method parameter that a grid under `label` varies."""
        drawn = self.plan.drawn_ids
        trials = [trial for trial in self.plan.trials if trial.label == label and trial.trial_id not in drawn]
        names = sorted(self._varied.get(label, ())) if trials else []
        return tuple(
            (
                self.symbol(trials[0].recipe.method.name, name),
                len({trial.recipe.method.parameters[name] for trial in trials}),
            )
            for name in names
        )


def _number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def figure(value: Value) -> str:
    """A hyperparameter or level as a person writes it: `0.316`, `60`, `kl`, `100, 150`."""
    if isinstance(value, tuple):
        return ", ".join(map(figure, value))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.3g}"


def hyperparameters(naming: Naming, trial: PlannedTrial) -> str:
    """`alpha=0.316 sigma=0.3`: for a log, where names are searched for."""
    return " ".join(f"{setting.name}={figure(setting.value)}" for setting in naming.settings(trial))


@dataclass(frozen=True, kw_only=True)
class Share:
    """`correct` of `n` images."""

    correct: int
    n: int

    @property
    def accuracy(self) -> float:
        return self.correct / self.n

    @property
    def error(self) -> float:
        """One standard error of the accuracy, binomial."""
        return math.sqrt(self.accuracy * (1 - self.accuracy) / self.n)


Cells = Mapping[tuple[str, str], Share]
"""(trial id, condition id) → the result."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One trial at one test condition."""

    trial: PlannedTrial
    share: Share


@dataclass(frozen=True, kw_only=True)
class EndRow:
    """The trials of one label on one training distortion, at one practical test level."""

    test_distortion: str
    level: float
    train_distortion: str | None
    label: str
    trials: int
    worst: Standing
    best: Standing

    @property
    def width(self) -> float:
        """Of the band, in accuracy."""
        return self.best.share.accuracy - self.worst.share.accuracy


@dataclass(frozen=True, kw_only=True)
class EndTable:
    """Worst and best of every label, at each practical level, among trials trained on the distortion under test."""

    rows: tuple[EndRow, ...]
    other_pairs: int
    """Pairs of a training and a test distortion that have results and that the rows leave out."""
    n: int
    """Test images."""
    measure: str
    """What the shares are called."""


def end_table(plan: Plan, cells: Cells) -> EndTable:
    """The table a launch ends with; rows of trials that have no result yet are left out."""
    rows = tuple(row for sweep in plan.sweeps for row in _sweep_rows(plan, sweep, cells))
    trained = {trial.train_distortion for trial in plan.trials} - {None}
    shown = tuple(row for row in rows if row.test_distortion in trained or not trained)
    return EndTable(
        rows=shown,
        other_pairs=len(_other_pairs(plan, cells)),
        n=max((row.best.share.n for row in shown), default=0),
        measure=plan.measure,
    )


def _other_pairs(plan: Plan, cells: Cells) -> set[tuple[str, str]]:
    """(training distortion, another test distortion) of every result at a practical level."""
    return {
        (trial.train_distortion, sweep.test_distortion)
        for sweep in plan.sweeps
        for trial in plan.trials
        if trial.train_distortion not in (None, sweep.test_distortion)
        and (trial.trial_id, _practical_condition(sweep)) in cells
    }


def _practical_condition(sweep: Sweep) -> str:
    return sweep.condition_ids[sweep.levels.index(sweep.practical)]


def _sweep_rows(plan: Plan, sweep: Sweep, cells: Cells) -> Iterator[EndRow]:
    """The undistorted trials first, then those trained on the distortion under test, labels in the spec's order."""
    condition = _practical_condition(sweep)
    for trained_on in (None, sweep.test_distortion):
        for label, trials in _by_label(plan, trained_on).items():
            standings = [
                Standing(trial=trial, share=cells[trial.trial_id, condition])
                for trial in trials
                if (trial.trial_id, condition) in cells
            ]
            if standings:
                yield _end_row(sweep, trained_on, label, standings)


def _end_row(sweep: Sweep, trained_on: str | None, label: str, standings: Sequence[Standing]) -> EndRow:
    """Of equals, the first in the plan: as the view `practical` has it."""

    def accuracy(standing: Standing) -> float:
        return standing.share.accuracy

    return EndRow(
        test_distortion=sweep.test_distortion,
        level=sweep.practical,
        train_distortion=trained_on,
        label=label,
        trials=len(standings),
        worst=min(standings, key=accuracy),
        best=max(standings, key=accuracy),
    )


def _by_label(plan: Plan, trained_on: str | None) -> dict[str, list[PlannedTrial]]:
    """Each trial once a label."""
    groups: dict[str, dict[str, PlannedTrial]] = {}
    for trial in plan.trials:
        if trial.train_distortion == trained_on:
            groups.setdefault(trial.label, {}).setdefault(trial.trial_id, trial)
    return {label: list(trials.values()) for label, trials in groups.items()}


@dataclass(frozen=True, kw_only=True)
class PlanRow:
    """The trials on one training distortion."""

    trained_on: str
    counts: Mapping[str, int]
    """By label."""
    levels: tuple[tuple[str, tuple[Value, ...]], ...]
    """Each varied parameter of the distortion: its symbol and its values, in the order of the plan."""


@dataclass(frozen=True, kw_only=True)
class PlanTable:
    """Training distortion × label."""

    labels: tuple[str, ...]
    rows: tuple[PlanRow, ...]
    over: Mapping[str, tuple[tuple[str, int], ...]]
    """By label: the symbol and the number of values of each of its own axes."""
    stages: tuple[int, ...]
    """Trials by stage."""


def plan_table(plan: Plan, naming: Naming) -> PlanTable:
    """`plan` counted, points still to be drawn too."""
    plan = plan.expected()
    unique = plan.unique_trials()
    last = max(trial.stage for trial in unique)
    labels = tuple(dict.fromkeys(trial.label for trial in plan.trials))
    return PlanTable(
        labels=labels,
        rows=tuple(_plan_rows(plan, naming)),
        over={label: naming.counted(label) for label in labels},
        stages=tuple(sum(trial.stage == stage for trial in unique) for stage in range(last + 1)),
    )


def epochs_of(recipe: Recipe, train_images: int) -> float:
    """12.79 for 10,000 iterations of 64 among 50,000 images."""
    return recipe.epochs or recipe.all_shown(train_images) / train_images


def _plan_rows(plan: Plan, naming: Naming) -> Iterator[PlanRow]:
    groups: dict[str, list[PlannedTrial]] = {}
    for trial in plan.trials:
        groups.setdefault(trial.train_distortion or UNDISTORTED, []).append(trial)
    for trained_on, trials in groups.items():
        labels = [trial.label for trial in trials]
        counts = {label: labels.count(label) for label in dict.fromkeys(labels)}
        searches = [one for one in plan.searches if (one.train_distortion or UNDISTORTED) == trained_on]
        swept = [trial for trial in trials if not trial.stands_in and trial.trial_id not in plan.drawn_ids]
        yield PlanRow(trained_on=trained_on, counts=counts, levels=_levels(swept, searches, naming.symbol))


def _levels(
    trials: Iterable[PlannedTrial], searches: Iterable[Search], symbol: Symbol
) -> tuple[tuple[str, tuple[Value, ...]], ...]:
    """Of a grid's axis its values, of an open one its range."""
    values: dict[str, dict[Value, None]] = {}
    for search in searches:
        for one in search.space:
            if one.step is not None:
                values.setdefault(one.symbol or one.name, {})[open_range(one)] = None
    for trial in trials:
        for step in trial.recipe.distortions:
            for name, value in step.items:
                if _number(value):
                    values.setdefault(symbol(step.name, name), {})[value] = None
    return tuple((name, tuple(found)) for name, found in values.items())


def open_range(one: Open) -> str:
    """What a search draws from: `0.01 to 10`, `kl or l2`."""
    joined = " or " if one.draw == "choice" else " to "
    return joined.join(map(figure, one.values))


@dataclass(frozen=True, kw_only=True)
class NewTrials:
    """Trials of one label that the launch before did not have."""

    label: str
    trials: int
    values: tuple[tuple[str, tuple[Value, ...]], ...]
    """Hyperparameters by name: the values that no earlier trial of the label had."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """How a plan differs from the one launched before it."""

    study: str
    groups: tuple[NewTrials, ...]
    conditions: int
    """Test conditions of the new plan."""
    new_conditions: tuple[Condition, ...]
    kept: int
    """Trials of both plans."""
    dropped_trials: int
    dropped_conditions: int


def changes(old: Plan, new: Plan) -> Changes:
    """What `new` adds to `old` and leaves out of it."""
    old, new = old.expected(), new.expected()
    before = {trial.trial_id for trial in old.trials}
    after = {trial.trial_id for trial in new.trials}
    tested = {condition.condition_id for condition in old.conditions}
    kept_conditions = tested & {condition.condition_id for condition in new.conditions}
    return Changes(
        study=new.study,
        groups=tuple(_new_groups(old, new, before)),
        conditions=len(new.conditions),
        new_conditions=tuple(one for one in new.conditions if one.condition_id not in tested),
        kept=len(before & after),
        dropped_trials=len(before - after),
        dropped_conditions=len(tested - kept_conditions),
    )


def _new_groups(old: Plan, new: Plan, before: set[str]) -> Iterator[NewTrials]:
    naming, known = Naming(new), _values(Naming(old), old.trials)
    added: dict[str, list[PlannedTrial]] = {}
    for trial in new.unique_trials():
        if trial.trial_id not in before:
            added.setdefault(trial.label, []).append(trial)
    for label, trials in added.items():
        values = _values(naming, trials).get(label, {})
        fresh = {name: tuple(v for v in values[name] if v not in known.get(label, {}).get(name, {})) for name in values}
        told = tuple((name, found) for name, found in fresh.items() if found and label in known)
        yield NewTrials(label=label, trials=len(trials), values=told)


def _values(naming: Naming, trials: Iterable[PlannedTrial]) -> dict[str, dict[str, dict[Value, None]]]:
    """Label → hyperparameter → its values, in order."""
    found: dict[str, dict[str, dict[Value, None]]] = {}
    for trial in trials:
        for setting in naming.settings(trial) if not trial.stands_in else ():
            found.setdefault(trial.label, {}).setdefault(setting.name, {})[setting.value] = None
    return found


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Trials that ended in the same error."""

    failure_class: str
    trials: tuple[PlannedTrial, ...]
    tries: int
    """Most attempts of one of them."""
    error: str
    """One line."""


def failures(plan: Plan, newest: Iterable[Mapping[str, object]]) -> tuple[Failure, ...]:
    """The newest failed attempts of a plan's trials, grouped by traceback; rows of `attempts`."""
    trials = {trial.trial_id: trial for trial in plan.unique_trials()}
    groups: dict[tuple[str, str], list[Mapping[str, object]]] = {}
    for row in newest:
        if row["trial_id"] in trials:
            key = (str(row["failure_class"]), str(row["traceback_hash"] or row["error"]))
            groups.setdefault(key, []).append(row)
    return tuple(
        Failure(
            failure_class=failure_class,
            trials=tuple(trials[str(row["trial_id"])] for row in rows),
            tries=max(int(str(row["tries"])) for row in rows),
            error=first_line(str(rows[0]["error"] or "no reason was recorded")),
        )
        for (failure_class, _), rows in groups.items()
    )


def first_line(error: str) -> str:
    """The line of an error that names it: the last of a traceback, the first of anything else."""
    lines = [line for line in error.strip().splitlines() if line.strip()] or [""]
    return (lines[-1] if lines[0].startswith("Traceback") else lines[0]).strip()


def ancestors(plan: Plan, trial: PlannedTrial) -> tuple[PlannedTrial, ...]:
    """The trial's parent, its parent, and so on."""
    trials = {one.trial_id: one for one in plan.trials}
    found: list[PlannedTrial] = []
    while isinstance(trial.recipe.start, Parent):
        trial = trials[trial.recipe.start.trial_id]
        found.append(trial)
    return tuple(found)
