"""Units: the pieces of work that a plan is made of, the training and the evaluation of each trial."""

from dataclasses import dataclass
from typing import Literal, Self

from study.plan import PlannedTrial, Resources
from study.progress import Phase
from trainables.recipe import Parent, Recipe


@dataclass(frozen=True, kw_only=True)
class WaitUnit:
    """No work for a worker yet: it stays, warm, until the driver ends its waiting."""

    resources: Resources
    phase: Literal["wait"] = "wait"

    def __deepcopy__(self, _memo: object) -> Self:
        """Itself, which cannot change: Tune copies a unit three times."""
        return self


@dataclass(frozen=True, kw_only=True)
class StudyUnit:
    """One unit, as the driver hands it to a worker."""

    phase: Phase
    trial: PlannedTrial
    condition_ids: tuple[str, ...] = ()
    """The cells still missing (phase `evaluate`)."""
    again: bool = False
    """Whether the trial is trained already, and this training is for stages that were never kept."""
    since: int = 0
    """Epochs that the trial was trained for by units before (phase `train`)."""
    until: int | None = None
    """The epochs after which the training halts, to be compared with others; None for its end."""

    def __deepcopy__(self, _memo: object) -> Self:
        """Itself, as of WaitUnit."""
        return self

    def __str__(self) -> str:
        return f"{self.phase} {self.trial.trial_id}"

    @property
    def unit_id(self) -> str:
        return f"{self.trial.trial_id}.{self.phase}"

    @property
    def recipe(self) -> Recipe:
        return self.trial.recipe

    @property
    def resources(self) -> Resources:
        return self.trial.resources

    @property
    def turn(self) -> tuple[bool, int]:
        """What is smaller is taken first: evaluations, then trainings that have come furthest."""
        return self.phase != "evaluate", -self.since

    @property
    def part(self) -> float:
        """The part of the trial's training that this is (phase `train`)."""
        epochs = self.recipe.epochs
        return ((self.until or epochs) - self.since) / epochs if epochs else 1.0

    @property
    def needs(self) -> str | None:
        """The trial that must be trained first: the parent of a training, the trial itself of an evaluation."""
        if self.phase == "evaluate":
            return self.trial.trial_id
        start = self.recipe.start
        return start.trial_id if isinstance(start, Parent) else None
