"""What a study may cost, from what was timed."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from study.cli.plan_screen import plan_facts
from study.cost import (
    PILOT_IMAGES,
    Cost,
    Kind,
    Timing,
    cost,
    history,
    making,
    parameter_count,
    pilot,
    piloting,
    workers_here,
)
from study.cost import test_images as images_shown
from study.plan import Plan, PlannedTrial, Resources
from study.report import Naming, plan_table
from study.standing import look
from study.store import Store
from study.summary import Found, summarise
from tests.study.hand_made import TRIALS, finished, small_plan
from trainables.evaluation.sets import DistortedSets, Room
from trainables.recipe import Component, Condition
from trainables.supply import Supply

NOTHING = Found(evaluated={})
IMAGES = 200
"""Training images; one epoch a trial."""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return small_plan(tmp_path)


def timing(plan: Plan, place: int, phase: str, seconds: float) -> Timing:
    """A trial's unit whose every image took `seconds`."""
    kind = Kind.of("train" if phase == "train" else "evaluate", plan.trials[place].recipe)
    return Timing(kind=kind, images=100, seconds=100 * seconds)


def test_nothing_is_known_before_anything_has_run(plan: Plan) -> None:
    told = cost(plan, NOTHING, (), "")
    assert told.seconds_left is None
    assert told.reason == "nothing like it has run in this store"
    assert told.train_images == IMAGES


def test_training_alone_does_not_tell_what_evaluation_takes(plan: Plan) -> None:
    assert cost(plan, NOTHING, [timing(plan, 0, "train", 1e-3)], "").seconds_left is None


def test_epochs_are_counted_by_the_passes_of_their_methods(plan: Plan) -> None:
    assert cost(plan, NOTHING, (), "").epochs_by_passes == {1: 3, 2: 6}


def test_iterations_count_as_the_epochs_they_are(plan: Plan) -> None:
    """6 updates of 50 among 200 images are an epoch and a half."""
    first, *rest = plan.trials
    counted = replace(plan, trials=(replace(first, recipe=replace(first.recipe, epochs=None, iterations=6)), *rest))
    told = cost(counted, NOTHING, [timing(plan, 0, "train", 1.0), timing(plan, 0, "evaluate", 0.0)], "")
    assert told.epochs_by_passes == {1: 3.5, 2: 6}
    assert told.seconds_left == pytest.approx(IMAGES * (1.5 + 6 * 2 + 2))


def test_units_cost_what_their_kind_took(plan: Plan) -> None:
    timings = [timing(plan, 0, "train", 1e-3), timing(plan, 1, "train", 3e-3), timing(plan, 7, "train", 1.5e-3),
               timing(plan, 0, "evaluate", 1e-4)]  # fmt: skip
    expected = IMAGES * (1 * 1e-3 + 6 * 3e-3 + 2 * 1.5e-3) + TRIALS * 4 * 100 * 1e-4
    told = cost(plan, NOTHING, timings, "measured")
    assert told.seconds_left == pytest.approx(expected)
    assert told.reason == "measured"


def test_a_method_that_never_ran_costs_what_another_took_for_each_pass(plan: Plan) -> None:
    timings = [timing(plan, 0, "train", 1e-3), timing(plan, 0, "evaluate", 0.0)]
    assert cost(plan, NOTHING, timings, "").seconds_left == pytest.approx(IMAGES * 1e-3 * (1 + 6 * 2 + 2))


def test_a_training_distortion_costs_what_it_took_and_another_stands_in_where_it_was_not_timed(plan: Plan) -> None:
    """The first trial of ST is on noise; JPEG, which goes through the host, is another kind."""
    noise = plan.trials[1].recipe
    jpeg = replace(noise, distortions=(Component.of("jpeg", {"quality": 50}),))
    there = replace(plan, trials=(plan.trials[0], replace(plan.trials[1], recipe=jpeg)))
    base = [timing(plan, 0, "train", 0.0), timing(plan, 0, "evaluate", 0.0)]
    slow = Timing(kind=Kind.of("train", jpeg), images=1, seconds=5e-3)
    fast = timing(plan, 1, "train", 3e-3)
    assert cost(there, NOTHING, [*base, fast, slow], "").seconds_left == pytest.approx(IMAGES * 5e-3)
    assert cost(there, NOTHING, [fast, base[1]], "").seconds_left == pytest.approx(IMAGES * 3e-3 * 1.5)


def test_a_range_is_told_where_every_kind_was_timed_often_enough(plan: Plan) -> None:
    alone = replace(plan, trials=plan.trials[:1], conditions=plan.conditions[:1])
    trained = [timing(plan, 0, "train", 1e-3 * (10 + k)) for k in range(21)]
    evaluated = [timing(plan, 0, "evaluate", 1e-3)] * 5
    told = cost(alone, NOTHING, [*trained, *evaluated], "")
    assert told.seconds_left == pytest.approx(IMAGES * 20e-3 + 100 * 1e-3)
    assert told.seconds_range == pytest.approx((IMAGES * 11e-3 + 0.1, IMAGES * 29e-3 + 0.1))
    assert cost(alone, NOTHING, [*trained, *evaluated[1:]], "").seconds_range is None


def test_gpu_hours_are_told_where_trials_need_gpus(plan: Plan) -> None:
    timings = [timing(plan, 0, "train", 1.0), timing(plan, 0, "evaluate", 0.5)]
    assert cost(plan, NOTHING, timings, "").gpu_seconds is None
    alone = replace(plan, conditions=plan.conditions[:1], trials=(on_gpus(plan, 0.5),))
    told = cost(alone, NOTHING, timings, "", making={alone.conditions[0].condition_id: 8.0})
    assert told.gpu_seconds == {"train": IMAGES * 0.5, "evaluate": 100 * 0.25 + 4}
    assert "GPU-hours" in dict(screen(alone, told))
    assert dict(screen(alone, told))["memory"].startswith(
        "235.2 kB of training and validation images; where they live is decided on the GPU's memory"
    )


def test_a_plan_says_where_images_will_be_where_a_gpu_is_here(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of full-size Tiny ImageNet on 24 GB: streamed, and no copy for anybody."""
    monkeypatch.setattr("study.cost.keeping.on_gpu", lambda: True)
    monkeypatch.setattr("study.cost.room_here", lambda _: Room(memory=1, disk=0))
    monkeypatch.setattr("study.cost.image_bytes", lambda _: 19_660_800_000)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=24e9))
    alone = replace(plan, conditions=plan.conditions[:1], trials=(on_gpus(plan, 0.5),))
    timings = [timing(plan, 0, "train", 1.0), timing(plan, 0, "evaluate", 0.5)]
    said = dict(screen(alone, cost(alone, NOTHING, timings, "", trial_bytes=2 * 10**9)))["memory"]
    assert said.startswith("19.7 GB of training and validation images streamed from the host: they do not fit into")
    assert said.endswith("; and 2.0 GB a trial besides")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=80e9))
    assert "one copy for its 2 trials" in dict(screen(alone, cost(alone, NOTHING, timings, "")))["memory"]


def test_a_trial_that_fits_nowhere_here_has_no_worker_here_and_the_plan_says_why(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    timings = [timing(plan, 0, "train", 1.0), timing(plan, 0, "evaluate", 0.5)]
    alone = replace(plan, trials=(on_gpus(plan, 1),))
    for module in ("study.cost.here", "study.cli.plan_screen.here"):
        monkeypatch.setattr(module, lambda: Resources(cpus=2, gpus=0))
    told = cost(alone, NOTHING, timings, "")
    assert told.workers == 0
    said = dict(screen(alone, told))
    assert "on one worker elsewhere" in said["time"]
    assert said["beware"].startswith(
        "a launch here would refuse: a trial needs 1 CPU and 1 GPU on one node; this machine has 2 CPUs and no GPU: "
        "give --set resources.gpus=0 --set resources.cpus=1, or"
    )
    assert workers_here(plan) == 2
    assert "beware" not in dict(screen(plan, cost(plan, NOTHING, timings, "")))


def on_gpus(plan: Plan, gpus: float) -> PlannedTrial:
    return replace(plan.trials[0], resources=Resources(cpus=1, gpus=gpus))


def screen(plan: Plan, told: Cost) -> Iterator[tuple[str, str]]:
    return plan_facts(plan, plan_table(plan, Naming(plan)), summarise(plan, NOTHING), told, "./study-store")


def test_another_model_tells_nothing(plan: Plan) -> None:
    other = replace(timing(plan, 0, "train", 1e-3).kind, batch_size=7)
    timings = [Timing(kind=other, images=1, seconds=1.0), timing(plan, 0, "evaluate", 0.0)]
    assert cost(plan, NOTHING, timings, "").seconds_left is None


def test_history_is_every_unit_that_ended_well(tmp_path: Path, plan: Plan) -> None:
    store = Store.open(tmp_path / "store")
    finished(store, plan)
    timings = history(store)
    assert len(timings) == 2 * TRIALS
    assert {one.seconds for one in timings} == {4.0}
    whole = cost(plan, look(store, plan), timings, "")
    assert whole.seconds_left == 0


def test_bytes_and_workers(plan: Plan) -> None:
    told = cost(plan, NOTHING, (), "")
    assert parameter_count(plan.trials[0].recipe) == 431_080
    assert told.checkpoint_bytes == TRIALS * 4 * 431_080
    assert told.table_bytes > TRIALS * 1000
    assert workers_here(plan) >= 1


def test_a_method_costs_as_many_passes_as_its_parameters_ask_for(plan: Plan) -> None:
    def kind(weight: float) -> Kind:
        method = Component.of("noisymix", {"jsd_weight": weight})
        return Kind.of("train", replace(plan.trials[0].recipe, method=method))

    assert (kind(0.0).passes, kind(12.0).passes) == (1, 3)
    slow = [Timing(kind=kind(12.0), images=100, seconds=0.3), timing(plan, 0, "evaluate", 0.0)]
    assert cost(plan, NOTHING, slow, "").seconds_left == pytest.approx(IMAGES * 1e-3 * (1 + 6 * 2 + 2))


def moving(plan: Plan) -> Condition:
    """A perturbation of the plan's images: 31 frames each."""
    return replace(
        plan.conditions[0], condition_id="moving", family="perturbation", test_distortion="gaussian_noise",
        steps=(Component.of("gaussian_noise", {"difficulty": 1}),),
    )  # fmt: skip


def test_every_frame_of_a_sequence_is_an_image(plan: Plan) -> None:
    clean, sequences = plan.conditions[0], moving(plan)
    assert images_shown([clean]) == 100
    assert images_shown([clean, sequences]) == 32 * 100
    there = replace(plan, conditions=(*plan.conditions, sequences))
    more = cost(there, NOTHING, (), "").table_bytes - cost(plan, NOTHING, (), "").table_bytes
    assert more < TRIALS * 15_000  # a bit a sequence, not one a frame


def test_test_sets_are_kept_as_bytes_or_as_floats_and_attacks_are_not(plan: Plan) -> None:
    """Clean, two levels of noise and one of JPEG."""
    floats = 4 * 4 * 100 * 28 * 28
    assert cost(plan, NOTHING, (), "").set_bytes == floats
    there = replace(plan, conditions=(*plan.conditions, moving(plan)))
    assert cost(there, NOTHING, (), "").set_bytes == floats + 31 * 100 * 28 * 28


def test_each_worker_makes_the_test_sets_once_or_where_they_find_no_room_every_trial_does(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    timings = [timing(plan, 0, "train", 0.0), timing(plan, 0, "evaluate", 0.0)]
    each = {one.condition_id: 3.0 for one in plan.conditions}
    monkeypatch.setattr("study.cost.workers_here", lambda _: 2)
    assert cost(plan, NOTHING, timings, "", making=each).seconds_left == 12.0 * 2
    one_set = 4 * 100 * 28 * 28
    for space, there in (
        (Room(memory=1, disk=0), 0), (Room(memory=one_set, disk=0), 1), (Room(memory=one_set, disk=2 * one_set), 3),
        (Room(memory=one_set, disk=3 * one_set), 4),
    ):  # fmt: skip
        monkeypatch.setattr("study.cost.room_here", lambda _, space=space: space)
        expected = 3.0 * (there * 2 + (4 - there) * TRIALS)
        assert cost(plan, NOTHING, timings, "", making=each).seconds_left == expected


class Watched:
    """What a pilot says of itself."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def begins(self, kinds: int, seconds: float) -> None:
        assert seconds > 0
        self.told.append(kinds)

    def times(self, number: int, what: str) -> None:
        self.told.append((number, what))


@pytest.mark.parametrize("fitting", [2, 3])
def test_a_pilot_evaluates_only_what_a_worker_keeps_and_shares_images_as_trials_will(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, fitting: int
) -> None:
    """Of clean and the practical levels of noise and JPEG as many as there is room for: no round makes an image."""
    made: list[int] = []
    monkeypatch.setattr(piloting, "PILOT_SECONDS", 0.01)
    monkeypatch.setattr(piloting, "room_here", lambda _: Room(memory=fitting * 4 * 100 * 28 * 28, disk=0))
    whole = DistortedSets._made

    def making_one(sets: DistortedSets, *asked: Any) -> Any:
        found = whole(sets, *asked)
        made.append(found is not None)
        return found

    monkeypatch.setattr(DistortedSets, "_made", making_one)
    asked: list[float] = []
    monkeypatch.setattr(piloting, "Supply", lambda device, gpus: asked.append(gpus) or Supply(device, gpus))
    shares = tuple(replace(one, resources=Resources(cpus=1, gpus=0.25)) for one in plan.trials)
    monkeypatch.setattr(piloting, "device_of", lambda _: torch.device("cpu"))
    watching = Watched()
    timings = pilot(replace(plan, trials=shares), watching).timings
    kinds = len({one.kind for one in timings if one.kind.phase == "train"})
    assert watching.told[0] == kinds + 2
    assert [number for number, _ in watching.told[1:]] == list(range(1, kinds + 3))
    assert (2, "stability_training on gaussian_noise") in watching.told
    assert made == [True] * fitting
    assert asked == [0.25]
    assert {one.images for one in timings if one.kind.phase == "evaluate"} == {fitting * 100}


def test_making_is_timed_on_some_images_of_every_condition(plan: Plan) -> None:
    ticks = count()
    each = making(plan, lambda: next(ticks))
    assert each == {one.condition_id: 100 / PILOT_IMAGES for one in plan.conditions}
