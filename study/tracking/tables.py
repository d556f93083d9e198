"""The rows of a study's trials, as the store has them: read once, and again for the trials that changed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from ruamel.yaml import YAML

from study.plan import Plan, PlannedTrial
from study.pruning import given_up
from study.query import Tables as Views
from study.report import Naming
from study.standing import FAILED
from study.store import Launch, Store
from study.store.attempts import in_order
from trainables.recipe import Family

Row = Mapping[str, Any]
BENCHMARK_VIEWS: Mapping[Family, tuple[str, str]] = {
    "corruption": ("mce", "ce"),
    "perturbation": ("FROM mfr WHERE difficulty = 1", "flip_rates"),
}
"""Family → the queries for the means and for what they are over."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkRows:
    """What the views of a benchmark say of one trial under the first of its labels."""

    mean: Row
    """Its row of `mce`, or of `mfr` at difficulty 1."""
    parts: tuple[Row, ...]
    """Its rows of `ce` or `flip_rates`."""


@dataclass(frozen=True, kw_only=True)
class TrialRows:
    """What the result tables say of one trial."""

    trained: Row | None = None
    """Its row of `trials`."""
    epochs: tuple[Row, ...] = ()
    cells: Mapping[str, Row] = field(default_factory=dict)
    """Condition id → the evaluation of its `best` checkpoint."""
    benchmarks: Mapping[Family, BenchmarkRows] = field(default_factory=dict)
    """Of those that it has been put to as far as the plan says."""
    attacks: Mapping[str, Row] = field(default_factory=dict)
    """Condition id → its adversarial quality."""
    stability: tuple[Row, ...] = ()
    """Its rows of `noise_stability` under the first of its labels: one a strength and stage."""
    attempts: tuple[Row, ...] = ()
    """In the order in which they were made."""

    def of(self, unit: str) -> list[Row]:
        """The attempts at one unit, `train` or `evaluate`."""
        return [row for row in self.attempts if row["unit"] == unit]

    @property
    def failure(self) -> Row | None:
        """The newest attempt at a unit that has not succeeded since; None if there is no such."""
        newest = [attempts[-1] for unit in ("train", "evaluate") if (attempts := self.of(unit))]
        return next((row for row in newest if row["status"] in FAILED), None)

    @property
    def halted(self) -> bool:
        """Whether its training waits at a rung."""
        training = self.of("train")
        return bool(training) and training[-1]["status"] == "halted"

    @property
    def began(self) -> int | None:
        """When its first attempt began, in milliseconds; None if none is recorded."""
        return milliseconds(self.attempts[0]["started"]) if self.attempts else None

    @property
    def ended(self) -> int | None:
        """When its last attempt ended, in milliseconds; None if none is recorded."""
        return max((_end(row) for row in self.attempts), default=None)

    def moment(self, share: float) -> int | None:
        """When `share` of all that was trained was done, in milliseconds, over every attempt; None if unknown."""
        attempts = self.of("train")
        left = share * sum(row["seconds"] for row in attempts)
        for row in attempts:
            if left <= row["seconds"]:
                return milliseconds(row["started"] + timedelta(seconds=left))
            left -= row["seconds"]
        return _end(attempts[-1]) if attempts else None


def _time(provenance: Mapping[str, Any]) -> int:
    return milliseconds(datetime.fromisoformat(str(provenance["time"])))


def milliseconds(moment: Any) -> int:
    """Since 1970, of an aware datetime."""
    return int(moment.timestamp() * 1000)


def _end(attempt: Row) -> int:
    return milliseconds(attempt["started"] + timedelta(seconds=attempt["seconds"]))


def _best(rows: Iterable[Row]) -> dict[str, Row]:
    """Those of the `best` checkpoint, by condition."""
    return {row["condition_id"]: row for row in rows if row["role"] == "best"}


@dataclass
class Tables:
    """A study as it was last launched, and the rows of its trials as they were last read."""

    store: Store
    launch: Launch
    rows: dict[str, TrialRows] = field(default_factory=dict)
    """By trial id: every trial of the plan, once `read` was called without ids."""
    pruned: Mapping[str, int] = field(default_factory=dict)
    """Trial id → the epochs after which the study gave it up, as last read."""

    @cached_property
    def plan(self) -> Plan:
        return self.launch.plan

    @cached_property
    def trials(self) -> Mapping[str, PlannedTrial]:
        """By id, under the first of its labels."""
        return {trial.trial_id: trial for trial in self.plan.unique_trials()}

    @cached_property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Trial id → every label that it stands under."""
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for trial in self.plan.trials:
            found[trial.trial_id][trial.label] = None
        return {trial_id: tuple(labels) for trial_id, labels in found.items()}

    @cached_property
    def entries(self) -> Mapping[str, list[Row]]:
        """Trial id → its hyperparameters: rows of `study.store.schemas.PLANNED_PARAMETER`."""
        columns = (self.launch.membership[name].to_pylist() for name in ("trial_id", "parameters"))
        return dict(zip(*columns, strict=True))

    @cached_property
    def ambiguous(self) -> frozenset[str]:
        """Names of hyperparameters that more than one kind of owner has: `epsilon` of a method and of an attack."""
        pairs = {(entry["name"], entry["owner"]) for entries in self.entries.values() for entry in entries}
        names = [name for name, _ in pairs]
        return frozenset(name for name in names if names.count(name) > 1)

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The YAML that was launched, as plain values: it was checked then."""
        read: Mapping[str, Any] | None = YAML(typ="safe", pure=True).load(self.launch.spec_text)
        return read or {}

    @cached_property
    def launched(self) -> int:
        """When this plan was first launched, in milliseconds."""
        return _time(self.launch.provenance)

    @cached_property
    def _provenances(self) -> tuple[Mapping[str, Any], ...]:
        return self.store.provenances(self.launch.study)

    def launched_by(self, began: int | None) -> Mapping[str, Any]:
        """The provenance of the launch that a trial began in; of the newest, where that is not known."""
        before = [one for one in self._provenances if began is None or _time(one) <= began]
        return before[-1] if before else self.launch.provenance

    @cached_property
    def naming(self) -> Naming:
        """Names by the symbols that were recorded with the plan: what is read back need not wait for torch."""
        found = {
            (entry["component"], entry["name"]): entry["symbol"]
            for entries in self.entries.values()
            for entry in entries
        }
        return Naming(self.plan, lambda component, name: found.get((component, name)) or name)

    @cached_property
    def baseline(self) -> frozenset[str]:
        """The trials that others are measured against: as in the view `bands`."""
        return frozenset(trial.trial_id for trial in self.plan.baseline)

    @cached_property
    def normalizers(self) -> frozenset[str]:
        """The trials whose errors and flips others' are divided by."""
        labels = {benchmark.normalizer for benchmark in self.plan.benchmarks}
        return frozenset(trial.trial_id for trial in self.plan.trials if trial.label in labels)

    def touched(self, trial_ids: Collection[str]) -> Collection[str]:
        """The trials whose runs show what is new of these: of one that others are divided by, all."""
        return set(self.trials) if self.normalizers & set(trial_ids) else trial_ids

    def know(self, trial_ids: Collection[str]) -> None:
        """Read the launch anew if one of these trials is not in it: a search has drawn it since."""
        if set(trial_ids) <= set(self.trials):
            return
        launch = self.store.newest_launch(self.launch.study)
        assert launch is not None
        self.launch = launch
        for name in [name for name, kind in vars(Tables).items() if isinstance(kind, cached_property)]:
            vars(self).pop(name, None)
        self.read(set(self.trials) - set(self.rows))

    def read(self, trial_ids: Collection[str] | None = None) -> None:
        """Read the rows of these trials, or of all, anew; raises CorruptObjectError."""
        self.pruned = given_up(self.plan, self.store)
        wanted = set(self.trials) if trial_ids is None else set(trial_ids) & set(self.trials)
        if not wanted:
            return
        tables = {
            name: self._by_trial(name, wanted) for name in ("trials", "epochs", "evaluations", "attacks", "attempts")
        }
        views = Views(self.store, self.launch, frozenset(wanted) | self.normalizers)
        benchmarks, stability = self._benchmarks(views), self._stability(views)
        for trial_id in wanted:
            cells, attacks = (_best(tables[name][trial_id]) for name in ("evaluations", "attacks"))
            read = TrialRows(
                trained=next(iter(tables["trials"][trial_id]), None),
                epochs=tuple(tables["epochs"][trial_id]),
                cells=cells,
                attacks=attacks,
                stability=tuple(stability[trial_id]),
                attempts=tuple(in_order(tables["attempts"][trial_id])),
            )
            self.rows[trial_id] = replace(read, benchmarks=self._whole(read, benchmarks[trial_id]))

    def _benchmarks(self, views: Views) -> Mapping[str, Mapping[Family, BenchmarkRows]]:
        """By trial id, what the views say so far; nothing is read where a study has no benchmark."""
        found: defaultdict[str, dict[Family, BenchmarkRows]] = defaultdict(dict)
        for family in (benchmark.family for benchmark in self.plan.benchmarks):
            means, parts = (views.sql(query).to_pylist() for query in BENCHMARK_VIEWS[family])
            for mean in means:
                own = tuple(row for row in parts if all(row[name] == mean[name] for name in ("trial_id", "label")))
                found[mean["trial_id"]].setdefault(family, BenchmarkRows(mean=mean, parts=own))
        return found

    def _stability(self, views: Views) -> Mapping[str, list[Row]]:
        """By trial id, the rows under its first label; nothing is read where a study has no such test."""
        found: defaultdict[str, list[Row]] = defaultdict(list)
        if any(condition.family == "noise_stability" for condition in self.plan.conditions):
            for row in views.sql("noise_stability").to_pylist():
                if row["label"] == self.labels[row["trial_id"]][0]:
                    found[row["trial_id"]].append(row)
        return found

    def _whole(self, rows: TrialRows, found: Mapping[Family, BenchmarkRows]) -> Mapping[Family, BenchmarkRows]:
        """Without those that are not evaluated to the end: their means would be others."""
        missing = {
            benchmark.family
            for benchmark in self.plan.benchmarks
            if any(test.condition_id not in rows.cells for test in benchmark.tests)
        }
        return {family: one for family, one in found.items() if family not in missing}

    def _by_trial(self, table: str, trial_ids: Collection[str]) -> defaultdict[str, list[Row]]:
        grouped: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self.store.read(table, trial_ids).to_pylist():
            grouped[row["trial_id"]].append(row)
        return grouped

    def evaluated(self, trial_id: str) -> bool:
        """Whether the trial has been evaluated under every condition of the plan."""
        cells = self.rows[trial_id].cells
        return all(condition.condition_id in cells for condition in self.plan.conditions)

    def accuracy(self, trial_ids: Collection[str], condition_id: str) -> float | None:
        """Mean accuracy under one condition of those of the trials that have been evaluated under it."""
        cells = [self.rows[one].cells.get(condition_id) for one in trial_ids if one in self.rows]
        found = [cell["correct"] / cell["n"] for cell in cells if cell is not None]
        return sum(found) / len(found) if found else None
