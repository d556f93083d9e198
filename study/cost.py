"""What a study may cost: seconds from units of the same kind that ran before, or from a short pilot; and disk."""

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from statistics import median
from typing import Any

import torch

from study.plan import Plan, PlannedTrial, Resources
from study.progress import Phase
from study.report import epochs_of
from study.stages import tests_stages
from study.store import Store
from study.summary import Found
from trainables.datasets import split_of
from trainables.evaluation import evaluate
from trainables.evaluation.passes import copied_images, images_shown
from trainables.evaluation.sets import DistortedSets, bytes_of, room
from trainables.evaluation.shown import is_attack, shown
from trainables.fit import Training, data_set, task_of
from trainables.methods import described
from trainables.models import models
from trainables.recipe import Component, Condition, Recipe, Scratch, Split

FLOAT_BYTES = 4
COPIES = 1
"""Of the weights that a finished trial keeps, besides those of stages."""
FILE_BYTES = 9_000
"""Of a small Parquet file: schema, column descriptions and statistics."""
FILES = 5
"""Tables that a finished trial has a file in."""
CELL_BYTES = 60
"""Of a row of `evaluations`, packed."""
COUNT_BYTES = 2
"""Of what is counted of one image at one stage, with its index and class."""
PILOT_SECONDS = 2.0
"""For which each kind of unit is timed, after as long again to warm up."""
PILOT_IMAGES = 10
"""Images by which the making of a test set is timed."""
CACHE_BYTES = 2**30
ENDED_WELL = ("done", "diverged")


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

    @classmethod
    def of(cls, phase: Phase, recipe: Recipe) -> "Kind":
        """Evaluation costs the same after every method."""
        if phase == "evaluate":
            return cls(phase, recipe.data.name, recipe.model, "", 1, 0)
        name, times = recipe.method.name, described(recipe.method).forward_passes()
        return cls(phase, recipe.data.name, recipe.model, name, times, recipe.batch_size)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """A unit, or the part of one, that was timed."""

    kind: Kind
    images: int
    """Training images seen, or test images times conditions."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What is left to pay for a study."""

    seconds_left: float | None
    """Of one worker; None where a kind of unit has never been timed."""
    reason: str
    """Where the seconds come from, or why there are none."""
    workers: int
    train_images: int
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


def cost(plan: Plan, found: Found, timings: Collection[Timing], source: str, making: float = 0.0) -> Cost:
    """Of everything in `plan` that the store does not have; `source` says where the timings come from.

    `making` are the seconds that all distorted test sets take to make, 0 where they are not known.
    """
    plan, speeds = plan.expected(), _speeds(timings)
    left = tuple(_work_left(plan, found))
    seconds = [_seconds(kind, images, speeds) for kind, images in left]
    evaluations = sum(kind.phase == "evaluate" for kind, _ in left)
    known = [one for one in seconds if one is not None]
    complete = len(known) == len(seconds)
    recipe = plan.trials[0].recipe
    set_bytes, set_room = sum(map(bytes_of, plan.conditions)), _room_here(plan)
    times = min(workers_here(plan), evaluations) if set_bytes <= set_room else evaluations
    return Cost(
        seconds_left=sum(known) + making * times if complete else None,
        reason=source if complete else "nothing like it has run in this store",
        workers=workers_here(plan),
        train_images=image_count(recipe.data, "train"),
        epochs_by_passes=_epochs_by_passes(plan),
        checkpoint_bytes=_checkpoint_bytes(plan),
        table_bytes=_table_bytes(plan),
        set_bytes=set_bytes,
        set_room=set_room,
    )


def _work_left(plan: Plan, found: Found) -> Iterator[tuple[Kind, int]]:
    """(kind, images) of every unit that is still to run."""
    conditions = {condition.condition_id: condition for condition in plan.conditions}
    for trial in plan.unique_trials():
        if trial.trial_id not in found.trained:
            yield Kind.of("train", trial.recipe), train_images(trial.recipe)
        missing = set(conditions).difference(found.evaluated.get(trial.trial_id, ()))
        if missing:
            yield Kind.of("evaluate", trial.recipe), test_images([conditions[one] for one in missing])


@cache
def image_count(data: Component, split: Split) -> int:
    return len(split_of(data_set(data), split))


def train_images(recipe: Recipe) -> int:
    """Images that the training sees, each as often as it does."""
    return recipe.all_shown(image_count(recipe.data, "train"))


def test_images(conditions: Iterable[Condition]) -> int:
    """Images that an evaluation under `conditions` shows to the network, each time that it does."""
    return sum(map(images_shown, conditions))


def _epochs_by_passes(plan: Plan) -> dict[int, float]:
    found: dict[int, float] = {}
    for trial in plan.unique_trials():
        times, recipe = described(trial.recipe.method).forward_passes(), trial.recipe
        found[times] = found.get(times, 0) + epochs_of(recipe, image_count(recipe.data, "train"))
    return found


Speeds = Mapping[Kind, float]
"""Seconds an image."""


def _speeds(timings: Iterable[Timing]) -> Speeds:
    known: dict[Kind, list[float]] = {}
    for timing in timings:
        if timing.images:
            known.setdefault(timing.kind, []).append(timing.seconds / timing.images)
    return {kind: median(speeds) for kind, speeds in known.items()}


def _seconds(kind: Kind, images: int, speeds: Speeds) -> float | None:
    """As the same kind took; else as another method on the same model and data, by forward passes."""
    if kind in speeds:
        return images * speeds[kind]
    alike = [
        speed / other.passes
        for other, speed in speeds.items()
        if kind.phase == "train" and replace(other, method=kind.method, passes=kind.passes) == kind
    ]
    return images * median(alike) * kind.passes if alike else None


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


def pilot(plan: Plan, clock: Callable[[], float] = time.perf_counter) -> tuple[Timing, ...]:
    """Times one trial of every method, model and data set for a few seconds, and one evaluation; keeps nothing."""
    plan = plan.expected()
    kinds = {Kind.of("train", trial.recipe): trial for trial in plan.trials}
    trained = tuple(_timed_training(kind, trial, clock) for kind, trial in kinds.items())
    return (*trained, _timed_evaluation(plan, clock))


def _timed_training(kind: Kind, trial: PlannedTrial, clock: Callable[[], float]) -> Timing:
    training = Training(replace(trial.recipe, start=Scratch(), epochs=10**6, iterations=None), None, device())
    training.advance(clock() + PILOT_SECONDS, clock)
    before, began = training.images_seen, clock()
    while clock() < began + PILOT_SECONDS and not training.finished:
        training.advance(began + PILOT_SECONDS, clock)
    return Timing(kind=kind, images=training.images_seen - before, seconds=clock() - began)


def _timed_evaluation(plan: Plan, clock: Callable[[], float]) -> Timing:
    """The second of two rounds: the distorted images are there by then, as they are for every trial but the first."""
    recipe = replace(plan.trials[0].recipe, start=Scratch())
    weights = dict(Training(recipe, None, torch.device("cpu")).model.state_dict())
    practical = {sweep.condition_ids[sweep.levels.index(sweep.practical)] for sweep in plan.sweeps}
    told = [
        one
        for one in plan.conditions
        if one.condition_id in practical or (one.family == "clean" and one.split == "test")
    ]
    sets = DistortedSets(CACHE_BYTES)
    for _ in range(2):
        began = clock()
        list(evaluate(recipe, weights, told, sets, device()))
    return Timing(kind=Kind.of("evaluate", recipe), images=test_images(told), seconds=clock() - began)


def making(plan: Plan, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds that all distorted test sets of a plan take to make: each condition's first images, timed twice."""
    return sum(_timed_making(one, clock) for one in plan.conditions if not is_attack(one))


def _timed_making(condition: Condition, clock: Callable[[], float]) -> float:
    images, how = split_of(data_set(condition.data), condition.split), shown(condition)
    some = min(PILOT_IMAGES, len(images))
    for _ in range(2):  # what is looked up, filters and plates, is there by the second time
        began = clock()
        how.of(condition, images, device(), 0, some).cpu()
        seconds = clock() - began
    return seconds * len(images) / some


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def workers_here(plan: Plan) -> int:
    """Trials that run at once on this machine."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    largest = _largest(plan)
    by_cpu = int(cpus / largest.cpus) if largest.cpus else cpus
    by_gpu = int(torch.cuda.device_count() / largest.gpus) if largest.gpus else by_cpu
    return max(1, min(by_cpu, by_gpu))


def _largest(plan: Plan) -> Resources:
    return max((trial.resources for trial in plan.trials), key=lambda resources: (resources.gpus, resources.cpus))


def _room_here(plan: Plan) -> int:
    shape = _largest(plan)
    return room(device() if shape.gpus else torch.device("cpu"), shape.cpus, shape.gpus).bytes


def parameter_count(recipe: Recipe) -> int:
    """Numbers in the network's state, counted without memory for them."""
    data = data_set(recipe.data)
    described = models.get(recipe.model.name)(**recipe.model.parameters)
    outputs = task_of(recipe.method).outputs(len(data.class_names))
    with torch.device("meta"):
        network = described.build(data.shape, outputs)
    return sum(tensor.numel() for tensor in network.state_dict().values())


def _checkpoint_bytes(plan: Plan) -> int:
    recipes = {_shape(trial.recipe): trial.recipe for trial in plan.trials}
    counted: Counter[tuple[Component, Component, int]] = Counter()
    for trial in plan.unique_trials():
        counted[_shape(trial.recipe)] += COPIES + len(trial.recipe.stages)
    return sum(FLOAT_BYTES * parameter_count(recipes[key]) * number for key, number in counted.items())


def _shape(recipe: Recipe) -> tuple[Component, Component, int]:
    """Equal for recipes of one network."""
    return recipe.data, recipe.model, _outputs(recipe.method)


@cache
def _outputs(method: Component) -> int:
    """Of its network, as if there were one class."""
    return task_of(method).outputs(1)


def _table_bytes(plan: Plan) -> int:
    """Files, rows, and a bit an image in `predictions`."""
    trials = len(plan.unique_trials())
    cells = trials * len(plan.conditions) * CELL_BYTES
    bits = trials * sum(image_count(one.data, one.split) for one in plan.conditions) // 8
    parts = {"perturbation", "attack", "noise_stability"} & {one.family for one in plan.conditions}
    files = FILES + (plan.measure != "accuracy") + len(parts)  # near-duplicates, flips, attacks, noise stability
    noise = trials * COUNT_BYTES * sum(map(copied_images, filter(tests_stages, plan.conditions)))
    return trials * files * FILE_BYTES + cells + bits + noise
