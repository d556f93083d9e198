"""A run: what it tells a person, and how often."""

import time
from collections import Counter
from dataclasses import replace

import pytest
from ray.air.execution import ResourceRequest
from ray.train._internal.storage import StorageContext

from study.executor import driver
from study.executor.estimate import Estimate
from study.executor.nodes import Nodes
from study.executor.queue import Queue
from study.executor.run import Run
from study.executor.units import StudyUnit, WaitUnit
from study.plan import Resources
from tests.study.executor.noop import Log, NoOp
from tests.study.executor.plans import one_node, plan, trial
from trainables.tune import Report

SHARED, STREAMED = "19.7 GB of images on the GPU, one copy for its 2 trials", "19.7 GB of images streamed from the host"


def test_where_images_are_kept_is_told_once_a_kind_of_choice() -> None:
    study, log = plan(trial("01"), trial("02"), trial("03")), Log([])
    images = {"train": 10, "validation": 10, "test": 10}
    run = Run(study, Queue(study, (), {}, {}), log, Estimate(images), lambda *_: None)
    run.on_workers(lambda: one_node(3), None, "3 workers here")
    for place, said in enumerate((SHARED, SHARED, STREAMED)):
        unit = run.next_unit(Counter([trial("01").resources] * place))
        assert isinstance(unit, StudyUnit)
        run.began(unit)
        slice_of = Report(status="running", residency=said)
        run.reported(unit, slice_of)
        run.reported(unit, replace(slice_of, residency=""))
        run.ended(unit, replace(slice_of, status="done"))
    assert [event.message for event in log.events if event.change == "notice"] == [SHARED, STREAMED]


def test_workers_that_are_up_wait_for_work_and_none_is_started_to_wait() -> None:
    study = plan(trial("01"), *(trial(name, "B", parent="01") for name in ("02", "03", "04")))
    run = Run(study, Queue(study, (), {}, {}), Log([]), Estimate({"train": 10, "test": 10}), lambda *_: None)
    run.on_workers(lambda: one_node(8), None, "8 workers here")
    shape = trial("01").resources
    parent = run.next_unit(Counter())
    assert isinstance(parent, StudyUnit)
    run.began(parent)
    assert run.next_unit(Counter([shape]), up=lambda: Counter([shape])) is None, "one worker is up, and at work"
    assert run.next_unit(Counter([shape]), up=lambda: Counter([shape, shape])) == WaitUnit(resources=shape)
    run.ended(parent, Report(status="done"))
    asked = [run.next_unit(Counter([shape] * out), up=lambda: Counter([shape])) for out in range(5)]
    assert [unit.phase if unit else None for unit in asked] == ["evaluate", "train", "train", "train", None]
    assert run.next_unit(Counter()) == WaitUnit(resources=shape), "one worker waits for what others hold"


def test_a_cluster_that_grows_is_asked_for_more_than_it_holds() -> None:
    study = plan(*(trial(f"{i:02x}") for i in range(1, 60)))
    shape = trial("01").resources

    def asked(slots: int, most: int | None, grows: bool) -> int:
        """Units that are handed out while none of them ends."""
        run = Run(study, Queue(study, (), {}, {}), Log([]), Estimate({"train": 10, "test": 10}), lambda *_: None)
        run.on_workers(lambda: one_node(slots, grows), most, "workers")
        units = 0
        while isinstance(run.next_unit(Counter([shape] * units)), StudyUnit):
            units += 1
        return units

    assert [asked(slots, None, grows=False) for slots in (1, 8)] == [1, 8]
    assert [asked(slots, None, grows=True) for slots in (1, 8)] == [5, 16]
    assert asked(8, 10, grows=True) == 10, "never more than --max-concurrent"
    assert asked(100, None, grows=True) == 59, "never more than there is work"


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def workers_up(search: driver.PlanSearch, number: int) -> Counter[ResourceRequest]:
    """So many of one CPU are up from the first unit on; what is changed of it, the search sees."""
    up: Counter[ResourceRequest] = Counter({driver.room_for(Resources()): number})
    search.workers = lambda: up if search.out else Counter()
    return up


@pytest.mark.parametrize("grows", [True, False])
def test_workers_that_wait_for_long_are_let_go_where_nodes_go_with_them(
    monkeypatch: pytest.MonkeyPatch, grows: bool
) -> None:
    """All but the one that works; and once all wait, all but one."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    study = plan(trial("01"), trial("02", "B", parent="01"))
    run = Run(study, Queue(study, (), {}, {}), Log([]), Estimate({"train": 10, "test": 10}), lambda *_: None)
    run.on_workers(lambda: one_node(3, grows), None, "3 workers")
    search = driver.PlanSearch(run, NoOp, StorageContext("/nowhere", "run", trial_dir_name="units"))
    up = workers_up(search, 3)
    for number in "123":
        assert search.next_trial() is not None
        search.began(number)
    assert [type(search.out[number]) for number in "123"] == [StudyUnit, WaitUnit, WaitUnit]
    clock.now = driver.IDLE_SECONDS
    assert not any(search.enough_waited(number) for number in "123")
    clock.now += 1
    assert [search.enough_waited(number) for number in "123"] == [False, grows, grows]
    assert [search.lets_go(), search.lets_go()] == [grows, False]
    for number in "23" if grows else "":
        search.on_trial_complete(number, {"report": None})
        up.subtract([driver.room_for(Resources())])
    assert search.next_trial() is None, "none waits in their place"
    assert len(search.out) == (1 if grows else 3)


def test_workers_that_wait_make_room_for_a_unit_of_another_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four fit anywhere and two of the other shape, so two and one at once: but not if those two are on its node."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    anywhere, disk = Resources(), Resources(custom=(("fast_disk", 1.0),))
    study = plan(trial("01"), trial("02", "B", parent="01", resources=disk))
    run = Run(study, Queue(study, (), {}, {}), Log([]), Estimate({"train": 10, "test": 10}), lambda *_: None)
    near, far = Resources(cpus=2), Resources(cpus=2, custom=(("fast_disk", 2.0),))
    run.on_workers(lambda: Nodes(resources=(near, far), local=False), None, "4 workers")
    search = driver.PlanSearch(run, NoOp, StorageContext("/nowhere", "run", trial_dir_name="units"))
    done = {"report": Report(status="done")}
    up = workers_up(search, 2)
    for number, phase in (("1", "train"), ("2", "wait")):
        given = search.next_trial()
        assert given is not None
        assert given.unit.phase == phase
        search.began(number)
    search.on_trial_complete("1", done)
    for number in "34":
        assert search.next_trial() is not None
        if number == "3":
            search.began(number)
            search.on_trial_complete(number, done)
    assert [(type(one), one.resources) for one in search.out.values()] == [(WaitUnit, anywhere), (StudyUnit, disk)]
    assert not search.enough_waited("2"), "the other's worker may only be starting"
    clock.now += driver.ROOM_SECONDS + 1
    for number in "25":
        assert search.enough_waited(number)
        assert search.lets_go()
        search.on_trial_complete(number, {"report": None})
        up.subtract([driver.room_for(anywhere)])
        if number == "2":
            assert search.next_trial() is not None, "the worker that evaluated is up as well"
            search.began("5")
    assert search.next_trial() is None, "none waits in its place"


def test_a_shape_whose_nodes_are_full_keeps_no_other_from_work() -> None:
    """One node in three is what `far` asks for: the other two are never left without work because of it."""
    far = Resources(labels=(("zone", ("far",)),))
    study = plan(*(trial(f"0{i}", resources=far) for i in range(1, 4)), *(trial(f"1{i}", "B") for i in range(3)))
    run = Run(study, Queue(study, (), {}, {}), Log([]), Estimate({"train": 10, "test": 10}), lambda *_: None)
    one, other = Resources(cpus=1), Resources(cpus=1, labels=(("zone", ("far",)),))
    run.on_workers(lambda: Nodes(resources=(one, one, other), local=False), None, "3 workers")
    out: list[Resources] = []
    while (unit := run.next_unit(Counter(out))) is not None:
        assert isinstance(unit, StudyUnit)
        out.append(unit.resources)
    assert out == [far, Resources(), Resources()]


def test_a_unit_that_needs_the_room_of_two_that_wait_ends_the_waiting_of_both() -> None:
    study = plan(trial("01", resources=Resources(cpus=2)))
    run = Run(study, Queue(study, (), {}, {}), Log([]), Estimate({"train": 10, "test": 10}), lambda *_: None)
    run.on_workers(lambda: one_node(2), None, "2 workers")
    search = driver.PlanSearch(run, NoOp, StorageContext("/nowhere", "run", trial_dir_name="units"))
    search.out.update({number: WaitUnit(resources=Resources()) for number in "78"})
    search._occupied["wait"][Resources()] = 2
    assert search.next_trial() is None
    assert [search.enough_waited(number) for number in "78"] == [True, True]
    search.on_trial_complete("7", {"report": None})
    assert run.next_unit(Counter(), Counter([Resources()]), lambda: Counter([Resources()] * 2)) is None, (
        "it is not to wait again"
    )
    search.on_trial_complete("8", {"report": None})
    assert search.next_trial() is not None
