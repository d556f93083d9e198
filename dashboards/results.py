"""A study's results as every figure needs them: read once from the tables, then plain frozen values."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from dashboards.paired import Bits, Difference, paired, unpack, unpaired
from study.plan import Plan, PlannedTrial, Sweep
from study.query import Tables, open_tables
from study.report import Naming, Setting, Symbol
from study.standing import look, newest_failures
from study.store import Launch, Store
from study.store.examples import example_name
from study.summary import UNDISTORTED, Found, states_of

PNG_BEGINS, PNG_ENDS = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
"""A picture cut off by a power failure is left out, as one that was never there."""


class Cell(NamedTuple):
    """One trial under one condition."""

    correct: int
    n: int
    at_chance: bool

    @property
    def accuracy(self) -> float:
        return self.correct / self.n

    @property
    def error(self) -> float:
        """One standard error of the accuracy, binomial."""
        return math.sqrt(self.accuracy * (1 - self.accuracy) / self.n)


class Epoch(NamedTuple):
    """One finished epoch; losses in nats, means over images."""

    epoch: int
    validation_accuracy: float
    loss: float
    validation_loss: float
    terms: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial under one label, and what is known of it."""

    trial_id: str
    label: str
    method: str
    train_distortion: str
    """`nothing` for undistorted images."""
    settings: tuple[Setting, ...]
    """What tells it from others of its label."""
    state: str
    """done, running, failed, blocked, held or left"""
    diverged: bool = False
    diverged_epoch: int | None = None
    selected_epoch: int | None = None
    validation_accuracy: float | None = None

    @property
    def hyperparameters(self) -> str:
        """`α 0.316, σ 0.3`"""
        return ", ".join(f"{one.symbol} {one.shown}" for one in self.settings)

    @property
    def in_brackets(self) -> str:
        """`α = 0.316 (σ 0.3)`: the method's, and in brackets those of the training distortion, as papers write it."""
        own = ", ".join(f"{one.symbol} = {one.shown}" for one in self.settings if one.owner == "method")
        trained = ", ".join(f"{one.symbol} {one.shown}" for one in self.settings if one.owner != "method")
        return " ".join(filter(None, (own, f"({trained})" if trained else "")))


@dataclass(frozen=True, kw_only=True)
class Group:
    """The trials of one label on one training distortion, in the plan's order: what a band is over."""

    label: str
    train_distortion: str
    trials: tuple[Trial, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    """Everything that pages and figures are made from."""

    launch: Launch
    found: Found
    trials: tuple[Trial, ...]
    """In the plan's order, each trial once a label."""
    cells: Mapping[tuple[str, str], Cell]
    """(trial id, condition id) → the result, test and validation."""
    bits: Mapping[tuple[str, str], Bits]
    """(trial id, condition id) → image by image, at practical levels and where a search reports."""
    epochs: Mapping[str, tuple[Epoch, ...]]
    attempts: tuple[Mapping[str, Any], ...]
    """Rows of the table, in order of time."""
    failures: tuple[Mapping[str, Any], ...]
    """Newest attempts that failed: `study.standing.newest_failures`."""
    examples: Mapping[str, bytes]
    """Condition id → PNG of the first test image as that condition shows it."""

    @property
    def plan(self) -> Plan:
        return self.launch.plan

    @cached_property
    def symbol(self) -> Symbol:
        return recorded_symbols(self.launch)

    @cached_property
    def sweeps(self) -> tuple[Sweep, ...]:
        """Those on test images."""
        tested = {one.condition_id for one in self.plan.conditions if one.split == "test"}
        return tuple(sweep for sweep in self.plan.sweeps if tested.issuperset(sweep.condition_ids))

    def sweep(self, test_distortion: str) -> Sweep:
        return next(sweep for sweep in self.sweeps if sweep.test_distortion == test_distortion)

    @cached_property
    def clean(self) -> str | None:
        """The condition of undistorted test images."""
        found = (one for one in self.plan.conditions if one.family == "clean" and one.split == "test")
        return next((one.condition_id for one in found), None)

    @cached_property
    def baseline_label(self) -> str | None:
        """The first label of the method `standard` on undistorted images: what the views measure against, too."""
        standard = (t.label for t in self.trials if t.method == "standard" and t.train_distortion == UNDISTORTED)
        return next(standard, None)

    @cached_property
    def baselines(self) -> tuple[Trial, ...]:
        """The trials under that label: one, or its replicates."""
        return tuple(trial for trial in self.trials if trial.label == self.baseline_label)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Every label on every training distortion, but for the baseline."""
        members: dict[tuple[str, str], list[Trial]] = {}
        for trial in self.trials:
            if trial.label != self.baseline_label:
                members.setdefault((trial.train_distortion, trial.label), []).append(trial)
        return tuple(
            Group(label=label, train_distortion=trained, trials=tuple(trials))
            for (trained, label), trials in members.items()
        )

    def groups_on(self, train_distortion: str) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if group.train_distortion == train_distortion)

    @cached_property
    def trained_on(self) -> tuple[str, ...]:
        """Training distortions, in the plan's order."""
        return tuple(dict.fromkeys(group.train_distortion for group in self.groups))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(trial.label for trial in self.trials))

    @cached_property
    def chance(self) -> float | None:
        """1 / classes: recorded by the launch, else known from a trial that counts at chance, else unknown."""
        classes = dict(self.launch.provenance.get("data", {})).get("classes")
        if classes:
            return 1 / int(classes)
        guessed = next((cell for cell in self.cells.values() if cell.at_chance and cell.correct), None)
        return None if guessed is None else 1 / round(guessed.n / guessed.correct)

    @cached_property
    def n(self) -> int:
        """Test images."""
        tested = {one.condition_id for one in self.plan.conditions if one.split == "test"}
        return max((cell.n for (_, condition), cell in self.cells.items() if condition in tested), default=0)

    def accuracy(self, trial: Trial, condition_id: str | None) -> float | None:
        """None where it is not evaluated yet."""
        cell = self.cells.get((trial.trial_id, condition_id or ""))
        return None if cell is None else cell.accuracy

    def baseline(self, condition_id: str | None) -> float | None:
        """The baseline's accuracy, the mean of its replicates."""
        found = [one for trial in self.baselines if (one := self.accuracy(trial, condition_id)) is not None]
        return sum(found) / len(found) if found else None

    @cached_property
    def above_baseline(self) -> tuple[float, float] | None:
        """The lowest and the highest difference of any trial from the baseline, under any test condition."""
        tested = {one.condition_id for one in self.plan.conditions if one.split == "test"}
        baselines = {condition: self.baseline(condition) for condition in tested}
        found = [
            cell.accuracy - baseline
            for (_, condition), cell in self.cells.items()
            if (baseline := baselines.get(condition)) is not None
        ]
        return (min(found), max(found)) if found else None

    def difference(self, trial: Trial, condition_id: str) -> Difference | None:
        """From the baseline, image by image where that is known; None where either is not evaluated."""
        accuracy, baseline = self.accuracy(trial, condition_id), self.baseline(condition_id)
        if accuracy is None or baseline is None:
            return None
        mine = self.bits.get((trial.trial_id, condition_id))
        theirs = [self.bits.get((one.trial_id, condition_id)) for one in self.baselines]
        known = [bits for bits in theirs if bits is not None]
        if mine is None or len(known) < len(theirs):
            return unpaired(accuracy, baseline, self.cells[trial.trial_id, condition_id].n)
        return paired(mine, known)


def recorded_symbols(launch: Launch) -> Symbol:
    """The symbols that the launch wrote down, so that nothing has to import the components."""
    written = {
        (entry["component"], entry["name"]): entry["symbol"]
        for entries in launch.membership["parameters"].to_pylist()
        for entry in entries
    }
    return lambda component, name: written.get((component, name)) or name


def practical_condition(sweep: Sweep) -> str:
    return sweep.condition_ids[sweep.levels.index(sweep.practical)]


def read_results(store: Store, study: str) -> Results:
    """The study as it stands in its newest launch; raises QueryError if it was never launched into `store`."""
    tables = open_tables(store, study)
    assert tables.launch is not None
    plan = tables.launch.plan
    found = look(store, plan)
    ids = frozenset(trial.trial_id for trial in plan.trials)
    return Results(
        launch=tables.launch,
        found=found,
        trials=tuple(_trials(tables, tables.launch, found)),
        cells=_cells(tables),
        bits=_bits(store, ids, {*map(practical_condition, plan.sweeps), *_reported(plan)}),
        epochs=_epochs(tables),
        attempts=tuple(tables.sql("attempts").to_pylist()),
        failures=tuple(newest_failures(store, ids)),
        examples=_examples(store, plan),
    )


def _reported(plan: Plan) -> Iterable[str]:
    """The conditions on test images that a search's objectives are reported on."""
    return (one for search in plan.searches for objective in search.objectives for one in objective.test)


def _trials(tables: Tables, launch: Launch, found: Found) -> Iterable[Trial]:
    states, naming = states_of(launch.plan, found), Naming(launch.plan, recorded_symbols(launch))
    known = {
        row["trial_id"]: row
        for row in tables.sql(
            "SELECT trial_id, diverged, diverged_epoch, selected_epoch, validation_accuracy FROM trials"
        ).to_pylist()
    }
    planned = {(trial.label, trial.trial_id): trial for trial in reversed(launch.plan.trials)}
    for trial in reversed(planned.values()):
        yield _trial(trial, naming, states[trial.trial_id], known.get(trial.trial_id, {}))


def _trial(trial: PlannedTrial, naming: Naming, state: str, known: Mapping[str, Any]) -> Trial:
    return Trial(
        **{"trial_id": trial.trial_id, **known},
        label=trial.label,
        method=trial.recipe.method.name,
        train_distortion=trial.train_distortion or UNDISTORTED,
        settings=naming.settings(trial),
        state=state,
    )


def _cells(tables: Tables) -> dict[tuple[str, str], Cell]:
    rows = tables.sql("SELECT trial_id, condition_id, correct, n, at_chance FROM evaluations WHERE role = 'best'")
    trials, conditions, *rest = (rows[name].to_pylist() for name in rows.column_names)
    return {
        (trial, condition): Cell(correct, n, at_chance)
        for trial, condition, correct, n, at_chance in zip(trials, conditions, *rest, strict=True)
    }


def _bits(store: Store, ids: frozenset[str], conditions: set[str]) -> dict[tuple[str, str], Bits]:
    rows = store.read("predictions", ids)
    kept = rows.filter([one in conditions for one in rows["condition_id"].to_pylist()]) if len(rows) else rows
    return {
        (row["trial_id"], row["condition_id"]): unpack(row["correct_bits"], row["n"])
        for row in kept.to_pylist()
        if row["role"] == "best"
    }


def _epochs(tables: Tables) -> dict[str, tuple[Epoch, ...]]:
    found: dict[str, list[Epoch]] = {}
    for row in tables.sql("epochs").to_pylist():
        terms = {name: value for name, value in row["terms"].items() if value is not None}
        found.setdefault(row["trial_id"], []).append(
            Epoch(
                row["epoch"],
                row["validation_accuracy"],
                row["loss"],
                row["validation_loss"],
                terms,
            )
        )
    return {trial_id: tuple(epochs) for trial_id, epochs in found.items()}


def _examples(store: Store, plan: Plan) -> dict[str, bytes]:
    """A distortion's picture is the same for every model, an attack's is the one against the baseline."""
    there = store.examples()
    names = {one.condition_id: example_name(one.condition_id, plan.baseline_id) for one in plan.conditions}
    chosen = {
        condition: next((name for name in (condition, attacked) if name in there), None)
        for condition, attacked in names.items()
    }
    read = {condition: store.read_example(name) for condition, name in chosen.items() if name is not None}
    return {condition: png for condition, png in read.items() if png.startswith(PNG_BEGINS) and png.endswith(PNG_ENDS)}
