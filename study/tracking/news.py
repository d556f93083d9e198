"""What the launching driver and the process that tracks it tell each other: a line of JSON each time."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["starting", "up to date", "behind", "unreachable", "failing", "waiting", "ended"]
"""`ended`: nobody brings MLflow up to date any more, though the launch goes on."""


@dataclass
class News:
    """What has happened since it was last told."""

    running: Mapping[str, int] = field(default_factory=dict)
    """Trial id → when it began, in milliseconds, of all that are at work now."""
    changed: set[str] = field(default_factory=set)
    """Trials that began or ended."""
    epochs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Trial id → epochs finished: the fields of `trainables.records.Epoch`, and `at`, in milliseconds."""
    over: bool = False
    """Whether the launch is."""

    @property
    def trials(self) -> set[str]:
        """Those that anything is told of."""
        return self.changed | set(self.epochs)

    def merge(self, later: "News") -> None:
        """Take up what was told later."""
        self.running = later.running
        self.changed |= later.changed
        self.over |= later.over
        for trial_id, epochs in later.epochs.items():
            self.epochs.setdefault(trial_id, []).extend(epochs)

    def line(self) -> bytes:
        told = {
            "running": dict(self.running),
            "changed": sorted(self.changed),
            "epochs": self.epochs,
            "over": self.over,
        }
        return json.dumps(told).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> "News":
        told = json.loads(line)
        return cls(**{**told, "changed": set(told["changed"])})


@dataclass(frozen=True, kw_only=True)
class State:
    """How far MLflow is."""

    kind: Kind
    behind: int = 0
    """Runs."""
    reason: str = ""

    def __str__(self) -> str:
        """`MLflow up to date`: for a line on a screen."""
        if self.kind == "behind":
            return f"MLflow {self.behind} run{'s' if self.behind != 1 else ''} behind"
        return "MLflow no longer followed" if self.kind == "ended" else f"MLflow {self.kind}"

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> "State":
        return cls(**json.loads(line))
