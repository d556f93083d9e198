"""What a test of noise stability asks for, as a condition says it: plain data, which needs no torch."""

from dataclasses import dataclass
from typing import Final

from trainables.parameters import Value
from trainables.recipe import Component, Condition, Counts, Recipe

NAME: Final = "noise_stability"
"""The test, as conditions call it, and their step."""


@dataclass(frozen=True, kw_only=True)
class StabilityTest:
    """What a condition of noise stability says."""

    sigma: float
    """Standard deviation of the noise, on the scale of pixels from 0 to 255."""
    draws: int
    """Noisy copies of each image; in the paper 1,000."""
    per_class: int
    """Images of each class that are compared; in the paper 100."""
    spare: int
    """Further images of each class, for networks that have not the same ones right."""
    stages: tuple[int, ...]
    """Those that are tested, ascending; a shorter training is tested at those that it reaches."""
    counts: Counts
    """What stages are counted in."""

    def step(self) -> Component:
        """The test as a condition's one step."""
        return Component.of(NAME, vars(self))

    @classmethod
    def of(cls, condition: Condition) -> "StabilityTest":
        """What `step` was made from."""
        (step,) = condition.steps
        given: dict[str, Value] = step.parameters
        return cls(**given)  # type: ignore[arg-type]

    @property
    def choice(self) -> tuple[object, ...]:
        """Equal for tests that are about the same images."""
        return self.per_class, self.spare, self.stages, self.counts

    def reached(self, recipe: Recipe) -> tuple[int, ...]:
        """The tested stages of a recipe's training."""
        return tuple(stage for stage in self.stages if stage in recipe.stages)
