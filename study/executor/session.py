"""A worker's right to write one trial: its lease, its checkpoints, its commits, and the record of its attempt."""

import hashlib
import platform
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch

from study.executor.failures import Death, traceback_hash
from study.executor.units import StudyUnit
from study.machines import CAPABILITY
from study.plan import Keep
from study.provenance import versions
from study.store import AttemptRow, CorruptObjectError, Heartbeat, HeldError, Owner, Store, SupersededError
from study.store.attempts import lost_token, token
from study.store.examples import example_name
from study.store.retention import FINAL, Checkpoint, roles, superfluous
from trainables import tune
from trainables.checkpoint import CorruptCheckpointError, dump, parse, weights_hash
from trainables.evaluation.shown import is_attack
from trainables.recipe import Condition, Parent, WeightsFile
from trainables.records import Cell, Epoch, Outcome, State

T = TypeVar("T")

LEASE_SECONDS = 60.0
"""A trial whose worker gave no sign of life for so long may be taken over."""

RECORD_SECONDS = 2.0
"""How long the record of an attempt is tried to be written."""


@dataclass(frozen=True)
class OpenSessions:
    """Opens a session for each unit, in the worker. Shipped to the workers as it is."""

    store: Store
    conditions: Mapping[str, Condition]
    what: str
    """The study, as another launch that meets the lease will read it."""
    shown_under_attack: str | None = None
    """The trial whose attacked images are kept as examples."""
    study: str = ""
    """Its name: whose rungs trials come to."""
    ttl: float = LEASE_SECONDS
    launch: str = field(default_factory=lambda: secrets.token_hex(8))
    """Tells this launch from all others."""
    keep: Keep = "best"
    """Which checkpoints stay of a finished trial."""

    def __call__(self, unit: StudyUnit) -> "StoreSession":
        owner = Owner.here(self.what)
        try:
            return StoreSession(
                self.store, unit, self.conditions, owner, self.shown_under_attack, self.study, self.ttl, self.launch,
                self.keep,
            )  # fmt: skip
        except HeldError as held:
            raise tune.HeldError(str(held)) from None


def file_weights(start: WeightsFile) -> State:
    """The weights in a file, known to be those that the trial's identity names; raises CorruptCheckpointError."""
    content = Path(start.path).read_bytes()
    if hashlib.sha256(content).hexdigest() != start.fingerprint:
        raise CorruptCheckpointError(
            f"{start.path} is not the file that the study was planned with (SHA-256 {start.fingerprint[:12]}…); "
            "restore it, or launch again to plan with the new one"
        )
    try:
        return parse(content)
    except CorruptCheckpointError as error:
        raise CorruptCheckpointError(f"{start.path}: {error}") from error


def record_lost(store: Store, unit: StudyUnit, death: Death, last: tune.Report) -> None:
    """Record an attempt whose worker died, as far as its last report went. Called by the driver.

    Nobody else of this launch has taken the trial since: the lease that was last taken is the worker's.
    """
    generation = _insistently(lambda: store.generation(_lease_name(unit)))
    if generation is None:
        return
    _record(
        store,
        AttemptRow(
            trial_id=unit.trial.trial_id,
            attempt=lost_token(generation),
            unit=unit.phase,
            status="lost",
            failure_class=death.failure,
            error=death.error,
            traceback=death.last_words or None,
            traceback_hash=death.crash_hash or None,
            started=datetime.now(UTC) - timedelta(seconds=last.seconds),
            seconds=last.seconds,
            host=death.host or last.host or "unknown",
            device="unknown",
            images=last.images,
            versions={},
        ),
    )


def _lease_name(unit: StudyUnit) -> str:
    return f"trial/{unit.trial.trial_id}"


def _record(store: Store, attempt: AttemptRow) -> None:
    _insistently(lambda: store.record_attempt(attempt))


def _insistently(ask: Callable[[], T]) -> T | None:
    """Storage that refuses for RECORD_SECONDS costs a measurement: nobody's work, and no launch's end."""
    deadline = time.monotonic() + RECORD_SECONDS
    while True:
        try:
            return ask()
        except OSError:
            if time.monotonic() > deadline:
                return None
            time.sleep(RECORD_SECONDS / 4)


class RetrainedDifferentlyError(ValueError):
    """A trial that was trained again, and came out otherwise."""


def _short(weights_hash: str | None) -> str:
    return "none: it diverged" if weights_hash is None else f"{weights_hash[:12]}…"


class StoreSession:
    """One attempt at one unit, writing to the store. Raises HeldError if another launch is at work on the trial."""

    def __init__(
        self,
        store: Store,
        unit: StudyUnit,
        conditions: Mapping[str, Condition],
        owner: Owner,
        shown_under_attack: str | None = None,
        study: str = "",
        ttl: float = LEASE_SECONDS,
        launch: str = "",
        keep: Keep = "best",
    ) -> None:
        self.store = store
        self.launch = launch
        self.keeps = keep
        self.study = study
        self.shown_under_attack = shown_under_attack
        self.unit = unit
        self.conditions = conditions
        self.trial_id = unit.trial.trial_id
        self.lease = store.acquire(_lease_name(unit), owner, ttl=ttl)
        self.heartbeat = Heartbeat(self.lease)
        self.attempt = token(self.lease.generation)
        self._gone_on_from: tuple[str, ...] = ()
        """Attempts whose `last` was read, and this one begins at the furthest of."""
        self._furthest: str | None = None
        """The attempt whose `last` is where this one stands; None before the first epoch."""
        self._vouched_for: str | None = None
        """The attempt whose `best` the trial's row is of, where it was read."""
        self.started = datetime.now(UTC)
        self._clock = time.monotonic()

    @cached_property
    def wanted(self) -> Sequence[str]:
        """The unit's cells that nobody had committed when this process took the trial.

        Where this launch has just trained it, and nobody has had it since, none can be; else the store is asked.
        """
        if self.launch and self.lease.found == self.launch.encode():
            return self.unit.condition_ids
        have = self.store.evaluated(self.trial_id, self.unit.condition_ids)
        return [condition_id for condition_id in self.unit.condition_ids if condition_id not in have]

    @property
    def already_committed(self) -> bool:
        """Whether another launch finished this unit in the meantime."""
        if self.unit.again:
            return {f"stage-{stage}" for stage in self.unit.recipe.stages}.issubset(self._roles())
        return self.store.is_trained(self.trial_id) if self.unit.phase == "train" else not self.wanted

    def _roles(self) -> set[str]:
        """Of all checkpoints of the trial."""
        return {role for _, role in self.store.list_checkpoints(self.trial_id)}

    @property
    def wanted_examples(self) -> Collection[str]:
        """Conditions on test images without an example: distortions, and attacks if they are shown on this trial."""
        have = self.store.examples()
        tested = [one for one in self.unit.condition_ids if self.conditions[one].split == "test"]
        lacking = (one for one in tested if one not in have)
        return {one for one in lacking if self._may_show(one) and self._example(one) not in have}

    def _may_show(self, condition_id: str) -> bool:
        return self.trial_id == self.shown_under_attack or not self._is_attack(condition_id)

    def _is_attack(self, condition_id: str) -> bool:
        return is_attack(self.conditions[condition_id])

    def _example(self, condition_id: str) -> str:
        return example_name(condition_id, self.trial_id if self._is_attack(condition_id) else None)

    def keep_example(self, condition_id: str, png: bytes) -> None:
        """Without a look at the lease: whoever has it writes the same."""
        self.store.keep_example(self._example(condition_id), png)

    def halt(self, epoch: Epoch) -> None:
        """In the study's rungs, without a look at the lease: whoever has it writes the same."""
        self.store.record_rung(self.study, self.trial_id, epoch)

    def keep(self) -> None:
        """Raises tune.HeldError if another took the trial over, having seen no heartbeat of this process."""
        try:
            self.heartbeat.check()
        except SupersededError as superseded:
            raise tune.HeldError(str(superseded)) from superseded

    def _check(self) -> None:
        """Before every write: look whether the lease is still held; raises tune.HeldError."""
        try:
            self.lease.check()
        except SupersededError as superseded:
            raise tune.HeldError(str(superseded)) from superseded

    def load_last(self) -> State | None:
        """The furthest `last` checkpoint of any earlier attempt; raises CorruptCheckpointError, naming the file."""
        found = [attempt for attempt, role in self.store.list_checkpoints(self.trial_id) if role == "last"]
        states = {attempt: self._read(attempt, "last") for attempt in found}
        self._gone_on_from = tuple(found)
        self._furthest = max(found, key=lambda one: (len(states[one]["epochs"]), states[one]["step"]), default=None)
        return None if self._furthest is None else states[self._furthest]

    def save_last(self, state: State) -> None:
        """Replace this attempt's `last` checkpoint; once it is there, those that it went on from are not needed."""
        self._check()
        self.store.write_checkpoint(self.trial_id, self.attempt, "last", dump(state))
        self._furthest = self.attempt
        for attempt in self._gone_on_from:
            self.store.delete_checkpoint(self.trial_id, attempt, "last")
        self._gone_on_from = ()

    def keep_stage(self, stage: int, weights: State) -> None:
        """As a checkpoint of its own; of a training that is done again, one whose bits are still to be compared."""
        self._check()
        role = f"again-{stage}" if self.unit.again else f"stage-{stage}"
        self.store.write_checkpoint(self.trial_id, self.attempt, role, dump(weights))

    def load_start(self, start: Parent | WeightsFile) -> State | None:
        """The parent's kept weights, or the file's."""
        if isinstance(start, WeightsFile):
            return file_weights(start)
        return self._kept_weights(start.trial_id)

    def load_trained(self) -> State | None:
        """This trial's kept weights."""
        return self._kept_weights(self.trial_id)

    def load_stages(self, stages: Sequence[int]) -> Sequence[State] | None:
        """The weights after each of these epochs or iterations; None if the training diverged."""
        if self.store.trial(self.trial_id)["diverged"]:
            return None
        newest = {role: attempt for attempt, role in self.store.list_checkpoints(self.trial_id)}
        of_last = f"stage-{self.unit.recipe.last_stage}"
        roles = [
            "best" if role == of_last and role not in newest else role for role in (f"stage-{one}" for one in stages)
        ]
        if lacking := [role for role in roles if role not in newest]:
            raise CorruptCheckpointError(
                f"{self.store.location}/trials/{self.trial_id}: there is no {lacking[0]}.ckpt; restore it, or train "
                "the trial again with --retrain"
            )
        return [self._read(newest[role], role) for role in roles]

    def _kept_weights(self, trial_id: str) -> State | None:
        """The weights that the committed row of `trial_id` vouches for."""
        expected = self.store.trial(trial_id)["weights_hash"]
        if expected is None:
            return None
        for attempt, role in self.store.list_checkpoints(trial_id):
            if role == "best":
                weights = self._read(attempt, role, trial_id)
                if weights_hash(weights) == expected:
                    if trial_id == self.trial_id:
                        self._vouched_for = attempt
                    return weights
        raise CorruptCheckpointError(
            f"{self.store.location}/trials/{trial_id}: no best.ckpt holds the weights that the results were measured "
            f"on (hash {expected[:12]}); restore the file, or delete results/trials/{trial_id}.parquet to train it anew"
        )

    def _read(self, attempt: str, role: str, trial_id: str | None = None) -> State:
        trial_id = trial_id or self.trial_id
        try:
            return parse(self.store.read_checkpoint(trial_id, attempt, role))
        except (CorruptObjectError, CorruptCheckpointError) as error:
            row = f"results/trials/{trial_id}.parquet"
            way_out = {
                "last": "delete it to go on without it",
                "best": f"restore it, or delete it and {row} to train the trial anew",
            }
            rule = error.rule if isinstance(error, CorruptObjectError) else str(error)
            place = f"{self.store.location}/trials/{trial_id}/{attempt}/{role}.ckpt"
            told = way_out.get(role, "restore it, or delete it and train the trial again with --retrain")
            raise CorruptCheckpointError(f"{place}: {rule}; {told}, and launch again") from error

    def commit_training(self, outcome: Outcome, weights: State | None) -> None:
        """The weights, then the tables, the trial's row last; then the checkpoints that nothing needs any more go.

        Raises tune.HeldError also where another has the row by then: this process stood still after it had looked, and
        takes back what is its own. Of a training that was done again, its stages alone, once its weights are known to
        be those that were committed.
        """
        self._check()
        if self.unit.again:
            self._commit_stages(outcome)
            return
        if weights is not None:
            self.store.write_checkpoint(self.trial_id, self.attempt, "best", dump(weights))
        if self.keeps == "last+best" and self._furthest is not None:
            last = self.store.read_checkpoint(self.trial_id, self._furthest, "last")
            self.store.write_checkpoint(self.trial_id, self.attempt, FINAL, last)
        first = self.store.commit_training(self.unit.trial, outcome)
        if not first and any(role == "best" and attempt != self.attempt for attempt, role in self._listed()):
            self._withdraw()
            raise tune.HeldError(f"trial {self.trial_id} was committed by another while this process stood still")
        self.lease.left = self.launch.encode()
        self._tidy(self.attempt, () if outcome.diverged_epoch is not None else self.unit.recipe.stages)

    def _listed(self) -> Sequence[Checkpoint]:
        return self.store.list_checkpoints(self.trial_id)

    def _withdraw(self) -> None:
        """Delete this attempt's checkpoints: the trial's row is of another's."""
        for attempt, role in self._listed():
            if attempt == self.attempt:
                self.store.delete_checkpoint(self.trial_id, attempt, role)

    def _tidy(self, best: str, stages: Sequence[int]) -> None:
        """Delete the checkpoints that nothing needs any more; `best` is the attempt that the trial's row is of."""
        checkpoints = self.store.list_checkpoints(self.trial_id)
        for attempt, role in superfluous(checkpoints, best, roles(stages)):
            self.store.delete_checkpoint(self.trial_id, attempt, role)

    def _commit_stages(self, outcome: Outcome) -> None:
        """Make the stages of a training that was done again visible; raises RetrainedDifferentlyError."""
        expected, kept = self.store.trial(self.trial_id)["weights_hash"], self._roles()
        for attempt, role in self.store.list_checkpoints(self.trial_id):
            if role.startswith("again-"):
                stage = role.replace("again", "stage")
                if outcome.weights_hash == expected and stage not in kept:
                    data = self.store.read_checkpoint(self.trial_id, attempt, role)
                    self.store.write_checkpoint(self.trial_id, self.attempt, stage, data)
                self.store.delete_checkpoint(self.trial_id, attempt, role)
            elif role == "last":
                self.store.delete_checkpoint(self.trial_id, attempt, role)
        if outcome.weights_hash != expected:
            raise RetrainedDifferentlyError(
                f"trial {self.trial_id}, trained again, has not the weights that its results are of (hash "
                f"{_short(outcome.weights_hash)}, committed {_short(expected)}): this device, or these versions, "
                f"compute otherwise than those that `study why {self.trial_id[:8]}` tells of. What is in the store was "
                "left as it is; launch with --retrain where it was first trained, or give --store another place"
            )

    def commit_cells(self, cells: Sequence[Cell]) -> None:
        """The cells as one file, those of its stages as another."""
        self._check()
        conditions = [self.conditions[cell.condition_id] for cell in cells]
        of_stages = {one.condition_id for one in conditions if one.family == "noise_stability"}
        for role in ("best", "stages"):
            own = [cell for cell in cells if (cell.condition_id in of_stages) == (role == "stages")]
            if own:
                self.store.commit_cells(self.trial_id, conditions, own, role)
        if self._vouched_for is not None and not self.unit.recipe.stages:  # a worker killed after its commit did not
            self._tidy(self._vouched_for, ())

    def close(self, report: tune.Report, peak_memory: int, device: str) -> None:
        """Record the attempt and release the lease; one that lost its lease is not its own to record."""
        assert report.status != "running"
        if report.status == "held":
            self.heartbeat.stop()
            with suppress(OSError):  # what it wrote on waking, after another had tidied: else `study gc` takes it
                if self.unit.phase == "train" and not self.unit.again and self.store.is_trained(self.trial_id):
                    self._withdraw()
            return
        seconds = time.monotonic() - self._clock
        _record(
            self.store,
            AttemptRow(
                trial_id=self.trial_id,
                attempt=self.attempt,
                unit=self.unit.phase,
                status=report.status,
                failure_class=report.failure,
                error=report.error or None,
                traceback=report.traceback or None,
                traceback_hash=traceback_hash(report.traceback) or None,
                started=self.started,
                seconds=seconds,
                device_seconds=None if device == "cpu" else seconds * self.unit.resources.gpus,
                peak_memory=peak_memory,
                images=report.images,
                host=platform.node(),
                device=device,
                versions={**versions(), CAPABILITY: torch.backends.cpu.get_cpu_capability()},
            ),
        )
        self.heartbeat.stop()
