"""The pilot: a trial of every kind for a few seconds on this machine, an evaluation, and the making of test images."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from study.cost.keeping import device_of, kept, on_gpu, room_here
from study.cost.timings import ENOUGH, Kind, Timing, test_images
from study.fitting import largest
from study.plan import Plan, PlannedTrial
from trainables.datasets import DataSet, split_of
from trainables.evaluation import evaluate
from trainables.evaluation.sets import DistortedSets
from trainables.evaluation.shown import is_attack, shown
from trainables.fit import Training, data_set
from trainables.recipe import Condition, Scratch
from trainables.supply import Supply

PILOT_SECONDS = 2.0
"""For which each kind of unit is timed, after as long again to warm up."""
SLICE_SECONDS = PILOT_SECONDS / (2 * ENOUGH)
"""Of one timing among those of a kind."""
PILOT_IMAGES = 10
"""Images by which the making of a test set is timed."""
Clock = Callable[[], float]


class Watching(Protocol):
    """Is told how far a pilot is."""

    def begins(self, kinds: int, seconds: float) -> None:
        """So many things will be timed, their trainings for `seconds` in all."""

    def times(self, number: int, what: str) -> None:
        """The one of that number, from 1 on, is timed now."""


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """What was measured."""

    timings: tuple[Timing, ...]
    making: Mapping[str, float]
    """Seconds that each condition's test set takes to make."""
    device: str
    """`2 CPU threads`, or the GPU's name."""
    seconds: float
    """That it took."""
    trial_bytes: int | None
    """The most that a trial took on a GPU besides the images that it trains on; None on a CPU."""


def pilot(plan: Plan, watching: Watching, clock: Clock = time.perf_counter) -> Pilot:
    """Times one trial of every method, training distortion, model and data set, and one evaluation; keeps nothing.

    On the device that the plan's trials ask for, which this machine has to have.
    """
    began, plan, device = clock(), plan.expected(), device_of(plan)
    supply = Supply(device, largest(plan).gpus)
    kinds = {Kind.of("train", trial.recipe): trial for trial in plan.trials}
    watching.begins(len(kinds) + 2, 2 * PILOT_SECONDS * len(kinds))
    timed: list[Timing] = []
    for number, (kind, trial) in enumerate(kinds.items(), 1):
        watching.times(number, " on ".join(filter(None, (kind.method, kind.distortion))))
        timed += _timed_training(kind, trial, supply, clock)
    taken = _trial_bytes(plan, supply) if device.type == "cuda" else None
    watching.times(len(kinds) + 1, "evaluation")
    timings = (*timed, *_timed_evaluation(plan, clock))
    watching.times(len(kinds) + 2, "making of test images")
    made = making(plan, clock)
    return Pilot(timings=timings, making=made, device=_named(device), seconds=clock() - began, trial_bytes=taken)


def _named(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else "this machine's CPU"


def _settled(clock: Clock) -> float:
    """The time once the device has done all that it was given."""
    if on_gpu():
        torch.cuda.synchronize()
    return clock()


def _trial_bytes(plan: Plan, supply: Supply) -> int:
    """The peak so far, without the copy of the images, which trials on one GPU share."""
    data = data_set(plan.trials[0].recipe.data)
    copied = image_bytes(data) if supply.residency(data).way == "own" else 0
    return torch.cuda.max_memory_allocated() - copied


def image_bytes(data: DataSet) -> int:
    """Of training and validation images, with all that surrounds them."""
    return split_of(data, "train").pixels.nbytes + split_of(data, "validation").pixels.nbytes


def _timed_training(kind: Kind, trial: PlannedTrial, supply: Supply, clock: Clock) -> Iterator[Timing]:
    """Slices of a training, after one to warm up."""
    recipe = replace(trial.recipe, start=Scratch(), epochs=10**6, iterations=None)
    with Training(recipe, None, supply.device, supply=supply) as training:
        training.advance(clock() + PILOT_SECONDS, clock)
        end = _settled(clock) + PILOT_SECONDS
        while (began := _settled(clock)) < end and not training.finished:
            before = training.images_seen
            training.advance(began + SLICE_SECONDS, clock)
            yield Timing(kind=kind, images=training.images_seen - before, seconds=_settled(clock) - began)


def _timed_evaluation(plan: Plan, clock: Clock) -> Iterator[Timing]:
    """Rounds after the first: the distorted images are there by then, as those that are kept are for all other trials.

    Of conditions whose test sets are kept alone: no round makes any image.
    """
    recipe = replace(plan.trials[0].recipe, start=Scratch())
    weights = dict(Training(recipe, None, torch.device("cpu")).model.state_dict())
    practical = {sweep.condition_ids[sweep.levels.index(sweep.practical)] for sweep in plan.sweeps}
    space = room_here(plan)
    told = kept(
        [
            one
            for one in plan.conditions
            if one.condition_id in practical or (one.family == "clean" and one.split == "test")
        ],
        space,
    )
    if not told:
        return
    sets = DistortedSets(space.memory, space.disk)
    list(evaluate(recipe, weights, told, sets, device_of(plan)))
    end = _settled(clock) + ENOUGH * PILOT_SECONDS
    for _ in range(ENOUGH):
        began = _settled(clock)
        list(evaluate(recipe, weights, told, sets, device_of(plan)))
        yield Timing(kind=Kind.of("evaluate", recipe), images=test_images(told), seconds=_settled(clock) - began)
        if clock() >= end:
            break


def making(plan: Plan, clock: Clock = time.perf_counter) -> dict[str, float]:
    """By condition, the seconds that its test set takes to make: of its first images, timed twice."""
    conditions = (one for one in plan.conditions if not is_attack(one))
    return {one.condition_id: _timed_making(one, device_of(plan), clock) for one in conditions}


def _timed_making(condition: Condition, device: torch.device, clock: Clock) -> float:
    images, how = split_of(data_set(condition.data), condition.split), shown(condition)
    some = min(PILOT_IMAGES, len(images))
    for _ in range(2):  # what is looked up, filters and plates, is there by the second time
        began = clock()
        how.of(condition, images, device, 0, some).cpu()
        seconds = clock() - began
    return seconds * len(images) / some
