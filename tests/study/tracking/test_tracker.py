"""The driver's side: it tells, and never waits, whatever becomes of the process that follows."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.plan import Plan
from study.progress import Event, Progress, Running
from study.tracking.news import News, State
from study.tracking.tracker import STARTS, Tracker
from tests.study.hand_made import small_plan
from trainables.records import Epoch

COPIES = "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, open(sys.argv[1], 'wb'))"
"""A follower that writes down what it is told."""
DEAF = 'import time; print(\'{"kind": "behind", "behind": 3, "reason": ""}\', flush=True); time.sleep(60)'
"""One that reads nothing."""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return small_plan(tmp_path)


@pytest.fixture
def deaf() -> Iterator[Tracker]:
    tracker = Tracker([sys.executable, "-c", DEAF])
    yield tracker
    tracker.wait(0.0)
    kill(tracker)


def kill(tracker: Tracker) -> None:
    """The follower, as the system does where memory runs out."""
    assert tracker._process is not None
    tracker._process.kill()
    tracker._process.wait()


def progress(plan: Plan, *epochs: int) -> Progress:
    """The first trials at work, the n-th with so many epochs finished."""
    running = tuple(
        Running(trial=plan.trials[place], phase="train", epoch=1, planned_epochs=3, cells_done=0, cells=4,
                epochs=EPOCHS[:count], validation_accuracy=None,
                images_per_second=None)
        for place, count in enumerate(epochs)
    )  # fmt: skip
    return Progress(study="small", elapsed=0.0, remaining=None, trials_done=0, trials=9, evaluations_done=0,
                    evaluations=36, tallies={}, running=running, workers=2, where="here")  # fmt: skip


def epoch(number: int) -> Epoch:
    return Epoch(epoch=number, loss=1.0, terms={"clean": 1.0}, validation_loss=1.0, validation_correct=9,
                 validation_n=10, learning_rate=0.1)  # fmt: skip


EPOCHS = tuple(epoch(number) for number in range(1, 2_001))


def told(path: Path) -> News:
    """All that the follower was told, as one."""
    news = News()
    for line in path.read_bytes().splitlines():
        news.merge(News.parse(line))
    return news


def test_the_follower_is_told_what_began_and_ended_and_each_epoch_once(plan: Plan, tmp_path: Path) -> None:
    tracker = Tracker([sys.executable, "-c", COPIES, str(tmp_path / "told")])
    first, second = plan.trials[:2]
    for seen in (progress(plan, 0), progress(plan, 1), progress(plan, 1, 0), progress(plan, 3, 2)):
        tracker.changed(seen)
    tracker.happened(Event(change="done", trial=first, message=""), progress(plan))
    tracker.wait(30.0)
    news = told(tmp_path / "told")
    assert news.over
    assert (dict(news.running), news.changed) == ({}, {first.trial_id, second.trial_id})
    assert [one["epoch"] for one in news.epochs[first.trial_id]] == [1, 2, 3]
    assert [one["epoch"] for one in news.epochs[second.trial_id]] == [1, 2]
    assert news.epochs[first.trial_id][0]["terms"] == {"clean": 1.0}


def test_no_process_is_started_before_there_is_anything_to_tell() -> None:
    tracker = Tracker(["/nowhere"])
    tracker.finish()
    assert tracker.wait(0.0) is None


def test_a_follower_that_cannot_be_started_does_not_stop_the_driver(plan: Plan) -> None:
    tracker = Tracker(["/nowhere/python"])
    tracker.changed(progress(plan, 0))
    tracker.changed(progress(plan, 1))
    state = tracker.wait(1.0)
    assert state is not None
    assert (state.kind, "/nowhere/python" in state.reason) == ("failing", True)


def test_a_follower_that_reads_nothing_does_not_stop_the_driver(plan: Plan, deaf: Tracker) -> None:
    """More than a pipe holds many times over; if a write could block, this would not end before the test's limit."""
    for count in range(2_000):
        deaf.changed(progress(plan, count))
    state = deaf.wait(0.1)
    assert state is not None
    assert state == State(kind="behind", behind=3)


def test_a_follower_that_needs_longer_is_left_to_finish(plan: Plan, tmp_path: Path) -> None:
    slow = "import sys, time, pathlib; sys.stdin.read(); time.sleep(1); pathlib.Path(sys.argv[1]).touch()"
    tracker = Tracker([sys.executable, "-c", slow, str(tmp_path / "finished")])
    tracker.changed(progress(plan, 0))
    assert tracker.wait(0.1) == State(kind="starting")
    assert tracker._process is not None
    assert tracker._process.wait(30.0) == 0
    assert (tmp_path / "finished").exists()


def test_a_follower_that_is_killed_is_started_again_and_told_all_that_runs(plan: Plan, tmp_path: Path) -> None:
    tracker = Tracker([sys.executable, "-c", COPIES, str(tmp_path / "told")])
    tracker.changed(progress(plan, 2, 1))
    kill(tracker)
    tracker.changed(progress(plan, 3, 1))
    tracker.wait(30.0)
    first, second = (trial.trial_id for trial in plan.trials[:2])
    news = told(tmp_path / "told")
    assert (set(news.running), news.changed, news.over) == ({first, second}, {first, second}, True)
    assert [one["epoch"] for one in news.epochs[first]] == [1, 2, 3]
    assert [one["epoch"] for one in news.epochs[second]] == [1]


def test_a_follower_that_was_killed_when_the_launch_ends_is_started_again(plan: Plan, tmp_path: Path) -> None:
    tracker = Tracker([sys.executable, "-c", COPIES, str(tmp_path / "told")])
    tracker.changed(progress(plan, 0))
    kill(tracker)
    tracker.wait(30.0)
    assert told(tmp_path / "told").over


def test_a_follower_that_is_killed_twice_is_missed_and_told_why(plan: Plan, deaf: Tracker) -> None:
    for _ in range(STARTS):
        deaf.changed(progress(plan, 0))
        kill(deaf)
    deaf.changed(progress(plan, 1))
    reason = "the process that brings it up to date was killed (signal 9)"
    assert deaf.state == State(kind="ended", reason=reason)
    assert deaf.wait(10.0) == State(kind="ended", reason=reason)


def test_a_follower_that_dies_does_not_stop_the_driver(plan: Plan) -> None:
    tracker = Tracker([sys.executable, "-c", "raise SystemExit(3)"])
    for count in range(50):
        tracker.changed(progress(plan, count))
        time.sleep(0.02)
    state = tracker.wait(10.0)
    assert state is not None
    assert (state.kind, "exit status 3" in state.reason) == ("ended", True)


def test_ctrl_c_in_the_terminal_does_not_reach_the_follower(plan: Plan, deaf: Tracker) -> None:
    deaf.changed(progress(plan, 0))
    assert deaf._process is not None
    assert os.getpgid(deaf._process.pid) != os.getpgid(0)
