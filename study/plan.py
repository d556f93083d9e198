"""The plan: a spec unrolled into trials and test conditions, each with its id. `study.planning.make_plan` makes it.

Plain data: whoever reads a plan back from the store need not wait for torch.
"""

from dataclasses import dataclass

from trainables.recipe import Condition, Recipe


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What one unit occupies on a node."""

    cpus: float = 1.0
    gpus: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PlannedTrial:
    """One trial of a study under one label. The same trial may stand under several labels; it is trained once."""

    trial_id: str
    label: str
    """The key under `methods:` in the YAML."""
    stage: int
    """0 from scratch or a file, 1 from a stage-0 trial, and so on."""
    recipe: Recipe
    identity: str
    """The canonical JSON whose hash is the trial id."""
    resources: Resources

    @property
    def train_distortion(self) -> str | None:
        """`rotation then gaussian_noise`; None where the method trains on undistorted images."""
        return " then ".join(step.name for step in self.recipe.distortions) or None


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One test distortion over its levels, easy to hard."""

    test_distortion: str
    parameter: str
    unit: str
    symbol: str
    levels: tuple[float, ...]
    practical: float
    condition_ids: tuple[str, ...]
    """In the order of `levels`."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything a study consists of, in the order in which it can run: parents before children."""

    study: str
    title: str
    trials: tuple[PlannedTrial, ...]
    conditions: tuple[Condition, ...]
    """`clean` first."""
    sweeps: tuple[Sweep, ...]

    @property
    def baseline_id(self) -> str | None:
        """The first trial that `standard` trains from scratch or a file: attacked images are shown as it meets them."""
        found = (one.trial_id for one in self.trials if one.stage == 0 and one.recipe.method.name == "standard")
        return next(found, None)

    def unique_trials(self) -> tuple[PlannedTrial, ...]:
        """One entry a trial id, the first label's."""
        return tuple({trial.trial_id: trial for trial in reversed(self.trials)}.values())[::-1]
