"""The exporter: brings the runs of one experiment to equality with records, from whatever state they are in.

A run's tag DIGEST is written last and says that all of the record is there. A run without the right one, because its
writer was killed or the tables have moved on, is compared with the record and completed; one that says otherwise than
the tables is replaced. There must be one writer at a time: whoever makes an exporter holds the study's tracking lease.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from study.tracking.records import PARENT, Point, RunRecord
from study.tracking.server import FoundRun, Server

STORE, TRIAL, KIND, DIGEST, OLD = "store_id", "trial_id", "study.run", "study.digest", "study.replaced"
"""Tags by which runs are found again."""
STUDY_RUN = "study"
PARENT_RUN = "mlflow.parentRunId"
NOTE, NOTED = "mlflow.note.content", "study.noted"
"""A run's note, which people may write anew, and a hash of the one that was written here."""
OWN = frozenset({
    "label", "labels", "method", "train_distortion", "parent", "replicate", "diverged", "diverged_epoch",
    "selected_epoch", "pruned", "host", "device", "failure_class", "error", "git_commit", "title", "trials", "failed",
    "command", "corruptions", "corruptions.normalizer", "corruptions.seen", "perturbations", "perturbations.normalizer",
    "perturbations.seen", STORE, TRIAL, KIND, DIGEST, OLD, NOTED,
})  # fmt: skip
"""Tags that records and this module set; others, but for MLflow's own, were set by people and are kept."""

Change = Literal["unchanged", "written", "put right", "replaced", "restored"]

Value = tuple[str, int]
"""A metric and a step: of which there must be one value."""


@dataclass
class Kept:
    """A run as it is known to be."""

    found: FoundRun
    values: dict[Value, float] | None = None
    """What has been logged; None until it was asked for."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What a sync did."""

    unchanged: int = 0
    written: int = 0
    """New runs."""
    corrected: int = 0
    """Runs that were there, and not as the tables have it."""
    removed: int = 0
    """Runs of trials that have left the study, now in MLflow's bin."""

    @property
    def runs(self) -> int:
        return self.unchanged + self.written + self.corrected

    def and_one(self, change: Change) -> "Tally":
        name = change if change in ("unchanged", "written") else "corrected"
        return replace(self, **{name: getattr(self, name) + 1})


@dataclass
class Exporter:
    """The runs of one study of one store on one server."""

    server: Server
    study: str
    store_id: str
    experiment: str = ""
    runs: dict[str, Kept] = field(default_factory=dict)
    """By trial id; PARENT for the study's own."""

    def open(self) -> None:
        """Find out what is there; of several runs of one trial (a request that was answered too late) one is kept."""
        self.experiment = self.server.experiment(self.study)
        found: defaultdict[str, list[FoundRun]] = defaultdict(list)
        for run in self.server.runs(self.experiment, STORE, self.store_id):
            if OLD in run.tags:
                if not run.deleted:
                    self.server.delete(run.run_id)
            elif TRIAL in run.tags or run.tags.get(KIND) == STUDY_RUN:
                found[run.tags.get(TRIAL, PARENT)].append(run)
        self.runs = {trial_id: Kept(self._one_of(runs)) for trial_id, runs in found.items()}

    def _one_of(self, runs: list[FoundRun]) -> FoundRun:
        first, *others = sorted(runs, key=lambda run: (run.deleted, DIGEST not in run.tags))
        for other in others:
            self._retire(other)
        return first

    def _retire(self, run: FoundRun) -> None:
        """Into the bin, never to be taken for the trial's run again."""
        if run.deleted:
            self.server.restore(run.run_id)
        if run.status == "RUNNING":
            self.server.set_status(run.run_id, "KILLED", None)
        self.server.log(run.run_id, (), {}, {OLD: "true"})
        self.server.delete(run.run_id)

    def bring(self, record: RunRecord) -> Change:
        """Make one run equal to its record. Children need their parent's run first."""
        kept = self.runs.get(record.trial_id)
        if kept is None:
            self._complete(self._create(record), record)
            return "written"
        if not kept.found.deleted and self._agrees(kept.found, record):
            return "unchanged"
        restored = kept.found.deleted
        if restored:
            self.server.restore(kept.found.run_id)
            kept.found = replace(kept.found, deleted=False)
        if self._contradicts(kept, record):
            self._retire(kept.found)
            self._complete(self._create(record, kept.found.tags), record)
            return "replaced"
        self._complete(kept, record)
        return "restored" if restored else "put right"

    def ensure(self, record: RunRecord) -> Change:
        """See that there is a run which `bring` need not replace: children will name it as theirs."""
        kept = self.runs.get(record.trial_id)
        if kept is None or kept.found.deleted or self._contradicts(kept, record):
            return self.bring(record)
        return "unchanged"

    def remove(self, trial_id: str) -> None:
        """Into the bin: its trial has left the study."""
        kept = self.runs[trial_id]
        self.server.delete(kept.found.run_id)
        kept.found = replace(kept.found, deleted=True)

    def strays(self, planned: Collection[str]) -> list[str]:
        """Trials with a run that are not of the plan."""
        return [one for one, kept in self.runs.items() if one not in (*planned, PARENT) and not kept.found.deleted]

    def interrupt(self, trial_id: str) -> bool:
        """End the run of a trial of which the tables know nothing; whether it was running."""
        kept = self.runs.get(trial_id)
        if kept is None or kept.found.deleted or kept.found.status != "RUNNING":
            return False
        self.server.set_status(kept.found.run_id, "KILLED", None)
        kept.found = replace(kept.found, status="KILLED")
        return True

    def stream(self, trial_id: str, points: Collection[Point]) -> None:
        """Log metrics of a run in progress, each step of each once."""
        kept = self.runs[trial_id]
        values = self._values(kept)
        new = [point for point in points if (point.key, point.step) not in values]
        if new:
            self.server.log(kept.found.run_id, new, {}, {})
            values.update(((point.key, point.step), point.value) for point in new)

    # One run

    def _create(self, record: RunRecord, before: Mapping[str, str] | None = None) -> Kept:
        """A new run; what people wrote on the one `before` it is kept."""
        before = before or {}
        peoples = {n: v for n, v in before.items() if not (n in OWN or n.startswith("mlflow."))}
        noted = {NOTE: before[NOTE]} if NOTE in before and not _is_ours(before) else _note(record)
        tags = {**noted, **peoples, **record.tags, **self._identity(record)}
        created = self.server.create(self.experiment, record.name, record.started, tags)
        kept = Kept(replace(created, tags=tags), values={})
        self.runs[record.trial_id] = kept
        return kept

    def _identity(self, record: RunRecord) -> dict[str, str]:
        if record.trial_id == PARENT:
            return {STORE: self.store_id, KIND: STUDY_RUN}
        return {STORE: self.store_id, TRIAL: record.trial_id, PARENT_RUN: self.runs[PARENT].found.run_id}

    def _tags(self, found: FoundRun, record: RunRecord) -> dict[str, str]:
        """What a run that is there should have; a note that a person has written stays."""
        return {**(_note(record) if _is_ours(found.tags) else {}), **record.tags, **self._identity(record)}

    def _agrees(self, found: FoundRun, record: RunRecord) -> bool:
        """Whether nothing need be done: all was written, and all that one search tells is as it should be."""
        wanted = {**self._tags(found, record), DIGEST: record.digest}
        return (
            (found.name, found.status) == (record.name, record.status)
            and all(found.tags.get(name) == value for name, value in wanted.items())
            and dict(found.params) == dict(record.params)
            and (not record.whole or dict(found.latest) == dict(record.latest))
        )

    def _contradicts(self, kept: Kept, record: RunRecord) -> bool:
        """Whether the run says what cannot be unsaid: MLflow changes no param and takes back no metric."""
        found = kept.found
        if any(record.params.get(name) != value for name, value in found.params.items()):
            return True
        if found.inputs - {(one.name, one.digest) for one in record.inputs}:
            return True
        wanted = {(point.key, point.step): point.value for point in record.points}
        values = self._values(kept)
        if any(wanted.get(value, number) != number for value, number in values.items()):
            return True
        return record.whole and any(value not in wanted for value in values)

    def _values(self, kept: Kept) -> dict[Value, float]:
        if kept.values is None:
            found: dict[Value, float] = {}
            for name in kept.found.latest:
                for point in self.server.history(kept.found.run_id, name):
                    value = (point.key, point.step)
                    found[value] = math.nan if value in found else point.value  # twice: never right
            kept.values = found
        return kept.values

    def _complete(self, kept: Kept, record: RunRecord) -> None:
        """Write what is missing, the digest last."""
        found, values = kept.found, self._values(kept)
        run_id = found.run_id
        if record.artifacts and found.tags.get(DIGEST, "").rpartition(".")[2] != record.files:
            self.server.add_files(found.files, record.artifacts)
        inputs = [one for one in record.inputs if (one.name, one.digest) not in found.inputs]
        if inputs:
            self.server.add_inputs(run_id, inputs)
        outdated = self._outdated(found, record)
        for name in outdated:
            self.server.untag(run_id, name)
        if found.name != record.name:
            self.server.rename(run_id, record.name)
        if found.status != record.status or (record.ended is not None and found.tags.get(DIGEST) != record.digest):
            self.server.set_status(run_id, record.status, record.ended)
        missing = [point for point in record.points if (point.key, point.step) not in values]
        params = {name: value for name, value in record.params.items() if name not in found.params}
        tags = {**self._tags(found, record), DIGEST: record.digest}
        self.server.log(run_id, missing, params, {n: v for n, v in tags.items() if found.tags.get(n) != v})
        values.update(((point.key, point.step), point.value) for point in missing)
        before = {name: value for name, value in found.tags.items() if name not in outdated}
        kept.found = replace(
            found, status=record.status, name=record.name, tags={**before, **tags},
            params={**found.params, **params}, latest=_latest(values),
            inputs=found.inputs | {(one.name, one.digest) for one in record.inputs},
        )  # fmt: skip

    @staticmethod
    def _outdated(found: FoundRun, record: RunRecord) -> list[str]:
        """Tags of ours that the record has no more: the error of a trial that has succeeded since."""
        kept = {*record.tags, STORE, TRIAL, KIND, DIGEST, NOTED}
        return [name for name in sorted(OWN - kept) if name in found.tags]


def _note(record: RunRecord) -> dict[str, str]:
    return {NOTE: record.note, NOTED: _hash(record.note)} if record.note else {}


def _is_ours(tags: Mapping[str, str]) -> bool:
    """Whether a run's note is as it was written here."""
    return NOTE in tags and _hash(tags[NOTE]) == tags.get(NOTED)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _latest(values: Mapping[Value, float]) -> dict[str, float]:
    return {key: values[key, step] for key, step in sorted(values)}
