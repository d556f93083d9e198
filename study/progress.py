"""What an observer of a running study is told: frozen snapshots and single events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from study.plan import PlannedTrial
from trainables.records import Epoch

Phase = Literal["train", "evaluate"]
State = Literal["left", "now", "done", "failed", "blocked", "held", "pruned"]
"""Of a trial in this launch; `held`: another launch is training it. A diverged trial is `done`, a `pruned` one halts,
and may go on as long as others are to come."""
Change = Literal["started", "running", "done", "diverged", "pruned", "failed", "blocked", "retrying", "held", "notice"]


@dataclass(frozen=True, kw_only=True)
class Running:
    """One unit at work."""

    trial: PlannedTrial
    phase: Phase
    epoch: int
    """The epoch in progress, 1 the first (phase `train`)."""
    planned_epochs: int
    cells_done: int
    cells: int
    epochs: tuple[Epoch, ...]
    """Those finished so far (phase `train`), as far as they have been told."""
    validation_accuracy: float | None
    images_per_second: float | None


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The trials of one label."""

    done: int
    now: int
    left: int
    failed: int
    blocked: int
    diverged: int
    pruned: int
    accuracies: Mapping[str, tuple[float, float]]
    """Test condition (`clean`, `gaussian_noise 0.3`: each sweep's practical level) → lowest and highest so far."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a launch stands."""

    study: str
    elapsed: float
    """Seconds since this launch began."""
    remaining: float | None
    """Seconds, estimated; None until anything has been timed."""
    trials_done: int
    trials: int
    evaluations_done: int
    evaluations: int
    tallies: Mapping[str, Tally]
    """By label, in the order of the spec."""
    running: tuple[Running, ...]
    workers: int
    where: str
    """`2 workers here (2 CPUs, no GPU)`."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One change of state, worth a line in a log."""

    change: Change
    trial: PlannedTrial | None
    message: str
    """The reason, the accuracies: what a person wants on that line."""


class Observer(Protocol):
    """Watches a launch. Called in the driver's process, between events; must return fast."""

    def changed(self, progress: Progress) -> None: ...

    def happened(self, event: Event, progress: Progress) -> None: ...
