"""A run: what it tells a person, and how often."""

from dataclasses import replace

from study.executor.estimate import Estimate
from study.executor.queue import Queue
from study.executor.run import Run
from study.executor.units import StudyUnit, WaitUnit
from tests.study.executor.noop import Log
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
