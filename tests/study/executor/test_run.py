"""A run: what it tells a person, and how often."""

import time
from dataclasses import replace

import pytest
from ray.train._internal.storage import StorageContext

from study.executor import driver
from study.executor.estimate import Estimate
from study.executor.queue import Queue
from study.executor.run import Run
from study.executor.units import StudyUnit, WaitUnit
from tests.study.executor.noop import Log, NoOp
from tests.study.executor.plans import plan, trial
from trainables.tune import Report

SHARED, STREAMED = "19.7 GB of images on the GPU, one copy for its 2 trials", "19.7 GB of images streamed from the host"


def test_where_images_are_kept_is_told_once_a_kind_of_choice() -> None:
    study, log = plan(trial("01"), trial("02"), trial("03")), Log([])
    images = {"train": 10, "validation": 10, "test": 10}
    run = Run(study, Queue(study, (), {}, {}), log, Estimate(images), lambda *_: None)
    run.on_workers(lambda _: 3, None, "3 workers here")
    for place, said in enumerate((SHARED, SHARED, STREAMED)):
        unit = run.next_unit([trial("01").resources] * place)
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
    run.on_workers(lambda _: 8, None, "8 workers here")
    shape = trial("01").resources
    parent = run.next_unit([])
    assert isinstance(parent, StudyUnit)
    run.began(parent)
    assert run.next_unit([shape], {shape: 1}) is None, "one worker is up, and at work"
    assert run.next_unit([shape], {shape: 2}) == WaitUnit(resources=shape)
    run.ended(parent, Report(status="done"))
    asked = [run.next_unit([shape] * out, {shape: 1}) for out in range(5)]
    assert [unit.phase if unit else None for unit in asked] == ["evaluate", "train", "train", "train", None]
    assert run.next_unit([], {}) == WaitUnit(resources=shape), "one worker waits for what others hold"


def test_a_cluster_that_grows_is_asked_for_more_than_it_holds() -> None:
    study = plan(*(trial(f"{i:02x}") for i in range(1, 60)))
    shape = trial("01").resources

    def asked(slots: int, most: int | None, grows: bool) -> int:
        """Units that are handed out while none of them ends."""
        run = Run(study, Queue(study, (), {}, {}), Log([]), Estimate({"train": 10, "test": 10}), lambda *_: None)
        run.on_workers(lambda _: slots, most, "workers", lambda: grows)
        units = 0
        while isinstance(run.next_unit([shape] * units), StudyUnit):
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


@pytest.mark.parametrize("grows", [True, False])
def test_workers_that_wait_for_long_are_let_go_where_nodes_go_with_them(
    monkeypatch: pytest.MonkeyPatch, grows: bool
) -> None:
    """All but the one that works; and once all wait, all but one."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    study = plan(trial("01"), trial("02", "B", parent="01"))
    run = Run(study, Queue(study, (), {}, {}), Log([]), Estimate({"train": 10, "test": 10}), lambda *_: None)
    run.on_workers(lambda _: 3, None, "3 workers", lambda: grows)
    search = driver.PlanSearch(run, NoOp, StorageContext("/nowhere", "run", trial_dir_name="units"))
    search.up[trial("01").resources] = 3
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
    assert search.next_trial() is None, "none waits in their place"
    assert len(search.out) == (1 if grows else 3)
