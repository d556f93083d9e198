"""What the exporter asks of MLflow: the few operations that it is made of, each one request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from study.tracking.records import Artifact, DataInput, Point, Status


@dataclass(frozen=True, kw_only=True)
class FoundRun:
    """A run as MLflow has it."""

    run_id: str
    deleted: bool
    """In MLflow's bin, from where it can be restored."""
    status: str
    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    latest: Mapping[str, float]
    """Each metric's value at its last step."""
    inputs: frozenset[tuple[str, str]]
    """(name, digest) of its data sets."""
    files: str
    """Where its artifacts lie."""


class Server(Protocol):
    """MLflow. Every operation raises TrackingError."""

    @property
    def at_once(self) -> int:
        """Requests that may be on their way at the same time."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other stores may have runs there too."""
        ...

    def experiment(self, name: str) -> str:
        """The id of an experiment, made or restored if need be."""
        ...

    def runs(self, experiment: str, tag: str, value: str) -> Sequence[FoundRun]:
        """All runs with that tag, deleted ones too, the oldest first."""
        ...

    def create(self, experiment: str, name: str, started: int, tags: Mapping[str, str]) -> FoundRun:
        """A new run, RUNNING since `started`."""
        ...

    def log(self, run_id: str, points: Sequence[Point], params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Add metrics and params, then set tags, at most 100 of them: in batches that MLflow takes."""
        ...

    def untag(self, run_id: str, key: str) -> None:
        """A tag that is not there is fine."""
        ...

    def add_inputs(self, run_id: str, inputs: Sequence[DataInput]) -> None: ...

    def add_files(self, place: str, artifacts: Iterable[Artifact]) -> None:
        """Write or replace, at a run's `files`."""
        ...

    def history(self, run_id: str, key: str) -> Sequence[Point]:
        """Every value that a metric ever had."""
        ...

    def rename(self, run_id: str, name: str) -> None: ...

    def set_status(self, run_id: str, status: Status, ended: int | None) -> None:
        """`ended`: milliseconds since 1970; None is now."""
        ...

    def delete(self, run_id: str) -> None:
        """Into the bin."""
        ...

    def restore(self, run_id: str) -> None:
        """Out of the bin."""
        ...
