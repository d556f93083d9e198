"""Sources: where a launch's trials come from that were not in its plan when it began."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from study.plan import PlannedTrial, Resources


@dataclass(frozen=True, kw_only=True)
class Addition:
    """A trial that a source adds to the plan, and what the store has of it already."""

    trial: PlannedTrial
    trained: bool = False
    diverged: bool = False
    accuracies: Mapping[str, float] = field(default_factory=dict)
    """By condition id."""
    lacking: tuple[int, ...] = ()
    """Stages that a test needs and that were never kept."""


class Source(Protocol):
    """Gives trials when a worker has nothing else to do, and is told what came of them. Called by the driver alone."""

    def shapes(self, trained: Collection[str]) -> Sequence[Resources]:
        """What the trials that `draw` could give now would occupy, the first to draw first."""
        ...

    def draw(self, shape: Resources, trained: Collection[str]) -> Sequence[Addition]:
        """The next trials of this shape; none if it turns out that there are no more."""
        ...

    def learn(self, trial_id: str, accuracies: Mapping[str, float]) -> None:
        """A trial's accuracy under some conditions, by their ids."""
        ...

    def halted(self, trial_id: str, epochs: int, accuracy: float) -> None:
        """The trial halts after so many epochs, at this validation accuracy; it may go on or not."""
        ...

    def give_up(self, trial_id: str) -> None:
        """The trial has failed for good."""
        ...

    def stop(self, label: str) -> None:
        """Nothing works under this label: draw no more."""
        ...

    def limit(self, trials: int) -> None:
        """Draw at most so many trials more."""
        ...

    def left(self) -> Sequence[PlannedTrial]:
        """A stand-in for each trial that this launch is still to draw."""
        ...

    def undrawn(self) -> Mapping[str, int]:
        """By label: trials that are still to be drawn, by this launch or a later one."""
        ...

    def notices(self) -> Sequence[str]:
        """What a person should know before the launch begins."""
        ...

    def close(self) -> None:
        """The launch ends, or has nothing to do."""
        ...


class NoSource:
    """The plan is all there is."""

    def shapes(self, trained: Collection[str]) -> Sequence[Resources]:
        return ()

    def draw(self, shape: Resources, trained: Collection[str]) -> Sequence[Addition]:
        raise AssertionError("it has no shapes to draw")

    def learn(self, trial_id: str, accuracies: Mapping[str, float]) -> None:
        """Nobody asks."""

    def halted(self, trial_id: str, epochs: int, accuracy: float) -> None:
        """Nobody asks."""

    def give_up(self, trial_id: str) -> None:
        """Nobody asks."""

    def stop(self, label: str) -> None:
        """There is nothing to stop."""

    def limit(self, trials: int) -> None:
        """There is nothing to limit."""

    def left(self) -> Sequence[PlannedTrial]:
        return ()

    def undrawn(self) -> Mapping[str, int]:
        return {}

    def notices(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        """There is nothing to keep."""


class LeftForLater(NoSource):
    """What searches are still to draw is for a launch that trains."""

    def __init__(self, points: Mapping[str, int]) -> None:
        self.points = points
        """By label."""

    def undrawn(self) -> Mapping[str, int]:
        return self.points
