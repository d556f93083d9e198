"""What a study may cost: time from units of the same kind that ran before, or from a short pilot; and disk."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from study.cost.disk import checkpoint_bytes, parameter_count, table_bytes
from study.cost.keeping import kept, on_gpu, residency_here, room_here
from study.cost.piloting import PILOT_IMAGES, Pilot, image_bytes, making, pilot
from study.cost.timings import (
    Kind,
    Speed,
    Timing,
    history,
    image_count,
    speed_of,
    speeds,
    test_images,
    train_images,
)
from study.fitting import here, largest, slots
from study.plan import Plan
from study.progress import Phase
from study.report import epochs_of
from study.summary import Found
from trainables.evaluation.sets import Room, bytes_of
from trainables.fit import data_set
from trainables.methods import described

__all__ = (
    "PILOT_IMAGES", "Cost", "Kind", "Pilot", "Timing", "cost", "history", "making", "on_gpu", "parameter_count",
    "pilot",
    "test_images", "workers_here",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What is left to pay for a study."""

    seconds_left: float | None
    """Of one worker; None where a kind of unit has never been timed."""
    seconds_range: tuple[float, float] | None
    """What it would be if every unit took as its kind's fastest and slowest twentieth of the timings did; None where a
    kind was timed too few times to tell."""
    gpu_seconds: Mapping[Phase, float] | None
    """Seconds times GPUs; None where no unit needs one, or a kind has never been timed."""
    reason: str
    """Where the seconds come from, or why there are none."""
    workers: int
    """Trials that run at once on this machine; 0 where none fits."""
    train_images: int
    image_bytes: int
    """Of training and validation images."""
    residency: str | None
    """Where those will be, in words with their size; None where no trial asks for a GPU, or none is here."""
    trial_bytes: int | None
    """The most that a trial took besides on a GPU; None where none was measured."""
    epochs_by_passes: Mapping[int, float]
    """Epochs of the whole plan by the number of forward passes that the method makes over each image."""
    checkpoint_bytes: int
    table_bytes: int
    set_bytes: int
    """Of all distorted test sets."""
    set_room: int
    """In which a worker here keeps them; those that find none are made anew for every trial."""

    def to_json(self) -> dict[str, Any]:
        """`seconds_left` null where it is unknown; `reason` says why, or where the seconds come from."""
        return asdict(self)


def cost(
    plan: Plan,
    found: Found,
    timings: Collection[Timing],
    source: str,
    making: Mapping[str, float] | None = None,
    trial_bytes: int | None = None,
) -> Cost:
    """Of everything in `plan` that the store does not have; `source` says where the timings come from.

    `making` are the seconds that each condition's test set takes to make, None where they are not known; `trial_bytes`
    what a trial takes on a GPU besides the training images.
    """
    plan, recipe = plan.expected(), plan.trials[0].recipe
    space, images = room_here(plan), image_bytes(data_set(recipe.data))
    work, workers = tuple(_work_left(plan, found)), workers_here(plan)
    evaluations = sum(one.kind.phase == "evaluate" for one in work)
    once, anew = _makings(plan, making or {}, space)
    made = once * min(max(1, workers), evaluations) + anew * evaluations
    taken = _taken(work, speeds(timings))
    return Cost(
        seconds_left=None if taken is None else sum(one.middle for one in taken) + made,
        seconds_range=None if taken is None else _range(taken, made),
        gpu_seconds=None if taken is None else _gpu_seconds(work, taken, made * largest(plan).gpus),
        reason=source if taken is not None else "nothing like it has run in this store",
        workers=workers,
        train_images=image_count(recipe.data, "train"),
        image_bytes=images,
        residency=residency_here(plan, images),
        trial_bytes=trial_bytes,
        epochs_by_passes=_epochs_by_passes(plan),
        checkpoint_bytes=checkpoint_bytes(plan),
        table_bytes=table_bytes(plan),
        set_bytes=sum(map(bytes_of, plan.conditions)),
        set_room=space.bytes,
    )


@dataclass(frozen=True, kw_only=True)
class Work:
    """A unit that is still to run."""

    kind: Kind
    images: int
    gpus: float


def _makings(plan: Plan, making: Mapping[str, float], space: Room) -> tuple[float, float]:
    """Seconds to make the test sets that a worker keeps, and those that find no room and are made for every trial."""
    there = {one.condition_id for one in kept(plan.conditions, space)}
    once = math.fsum(seconds for name, seconds in making.items() if name in there)
    return once, math.fsum(making.values()) - once


def _work_left(plan: Plan, found: Found) -> Iterator[Work]:
    conditions = {condition.condition_id: condition for condition in plan.conditions}
    for trial in plan.unique_trials():
        gpus = trial.resources.gpus
        if trial.trial_id not in found.trained:
            yield Work(kind=Kind.of("train", trial.recipe), images=train_images(trial.recipe), gpus=gpus)
        missing = set(conditions).difference(found.evaluated.get(trial.trial_id, ()))
        if missing:
            images = test_images([conditions[one] for one in missing])
            yield Work(kind=Kind.of("evaluate", trial.recipe), images=images, gpus=gpus)


def _taken(work: Sequence[Work], known: Mapping[Kind, Speed]) -> list[Speed] | None:
    """Seconds of each unit, middle and range; None where a kind was never timed."""
    found = [(one.images, speed_of(one.kind, known)) for one in work]
    if any(speed is None for _, speed in found):
        return None
    return [speed.times(images) for images, speed in found if speed is not None]


def _range(taken: Sequence[Speed], made: float) -> tuple[float, float] | None:
    low, high = ([getattr(one, end) for one in taken] for end in ("low", "high"))
    return None if not taken or None in low or None in high else (math.fsum(low) + made, math.fsum(high) + made)


def _gpu_seconds(work: Sequence[Work], taken: Sequence[Speed], made: float) -> dict[Phase, float] | None:
    """By phase, the making of test images among the evaluation."""
    if not any(one.gpus for one in work):
        return None
    found: dict[Phase, float] = {"train": 0.0, "evaluate": made}
    for one, seconds in zip(work, taken, strict=True):
        found[one.kind.phase] += one.gpus * seconds.middle
    return found


def _epochs_by_passes(plan: Plan) -> dict[int, float]:
    found: dict[int, float] = {}
    for trial in plan.unique_trials():
        times, recipe = described(trial.recipe.method).forward_passes(), trial.recipe
        found[times] = found.get(times, 0) + epochs_of(recipe, image_count(recipe.data, "train"))
    return found


def workers_here(plan: Plan) -> int:
    """Trials that run at once on this machine; 0 where none fits."""
    return slots(here(), largest(plan))
