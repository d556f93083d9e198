"""Units that were timed, and what others of their kind will take."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from statistics import median, quantiles

from study.progress import Phase
from study.store import Store
from trainables.datasets import split_of
from trainables.evaluation.passes import images_shown
from trainables.fit import data_set
from trainables.methods import described
from trainables.recipe import Component, Condition, Recipe, Split

ENDED_WELL = ("done", "diverged")
ENOUGH = 5
"""Timings of a kind from which their spread is told."""


@dataclass(frozen=True)
class Kind:
    """Units that take equal time an image."""

    phase: Phase
    data: str
    model: Component
    method: str
    passes: int
    """Forward passes over each image."""
    batch_size: int
    distortion: str
    """What it trains on; empty for an evaluation, and on undistorted images."""

    @classmethod
    def of(cls, phase: Phase, recipe: Recipe) -> "Kind":
        """Evaluation costs the same after every method."""
        if phase == "evaluate":
            return cls(phase, recipe.data.name, recipe.model, "", 1, 0, "")
        name, times = recipe.method.name, described(recipe.method).forward_passes()
        trained_on = " then ".join(step.name for step in recipe.distortions)
        return cls(phase, recipe.data.name, recipe.model, name, times, recipe.batch_size, trained_on)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """A unit, or the part of one, that was timed."""

    kind: Kind
    images: int
    """Training images seen, or test images times conditions."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Seconds, of an image or of several, over the timings of a kind."""

    middle: float
    low: float | None
    """Below which a twentieth of the timings lie; None where there are fewer than ENOUGH."""
    high: float | None
    """Above which a twentieth of them lie."""

    def times(self, images: int) -> "Speed":
        """Seconds of so many images."""
        low, high = (None if end is None else images * end for end in (self.low, self.high))
        return Speed(middle=images * self.middle, low=low, high=high)


Speeds = Mapping[Kind, Speed]


def speeds(timings: Iterable[Timing]) -> Speeds:
    """Of every kind that was timed."""
    known: dict[Kind, list[float]] = {}
    for timing in timings:
        if timing.images:
            known.setdefault(timing.kind, []).append(timing.seconds / timing.images)
    return {kind: _speed(seconds) for kind, seconds in known.items()}


def _speed(seconds: list[float]) -> Speed:
    if len(seconds) < ENOUGH:
        return Speed(middle=median(seconds), low=None, high=None)
    low, *_, high = quantiles(seconds, n=20, method="inclusive")
    return Speed(middle=median(seconds), low=low, high=high)


def speed_of(kind: Kind, known: Speeds) -> Speed | None:
    """As the same kind took; else as another method or training distortion on the same model and data, by passes."""
    if kind in known or kind.phase != "train":
        return known.get(kind)
    same_images = replace(kind, method="", passes=1, distortion="")
    alike = [
        speed.middle / other.passes
        for other, speed in known.items()
        if replace(other, method="", passes=1, distortion="") == same_images
    ]
    return Speed(middle=median(alike) * kind.passes, low=None, high=None) if alike else None


@cache
def image_count(data: Component, split: Split) -> int:
    return len(split_of(data_set(data), split))


def train_images(recipe: Recipe) -> int:
    """Images that the training sees, each as often as it does."""
    return recipe.all_shown(image_count(recipe.data, "train"))


def test_images(conditions: Iterable[Condition]) -> int:
    """Images that an evaluation under `conditions` shows to the network, each time that it does."""
    return sum(map(images_shown, conditions))


def history(store: Store) -> tuple[Timing, ...]:
    """Every unit that ran to its end in this store, of studies as they were last launched."""
    launches = (store.newest_launch(study) for study in store.studies())
    recipes = {trial.trial_id: trial.recipe for launch in launches if launch for trial in launch.plan.trials}
    rows = (
        store.read("attempts", recipes.keys()).select(["trial_id", "unit", "status", "images", "seconds"]).to_pylist()
    )
    return tuple(
        Timing(kind=Kind.of(row["unit"], recipes[row["trial_id"]]), images=row["images"], seconds=row["seconds"])
        for row in rows
        if row["status"] in ENDED_WELL and row["images"]
    )
