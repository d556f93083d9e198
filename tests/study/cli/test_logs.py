"""`study logs`, `study stop` and what `study status` says of a launch, from its logbook and its lease."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from study.plan import Plan
from study.store import Owner, Store
from study.store import logbook as module
from study.store.logbook import Logbook, LogLine
from tests.study.cli.conftest import Type
from tests.study.clocks import clock_ahead
from tests.study.hand_made import TEXT, attempt, launched


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.05)


@contextmanager
def at_work(store: Store, plan: Plan, heeds: bool = True, hours_ahead: float = 0.0) -> Iterator[Logbook]:
    """A launch by this process, which ends when it is asked to, or at the end; it began by another clock."""
    launched(store, plan, TEXT)
    owner = Owner.here("study launch small")
    lease = store.acquire("study/small", owner)
    with clock_ahead(hours_ahead):
        log = Logbook(store.objects, "small", owner, lease.generation)
    log.begin()
    log.found(cluster="head:6379", job="study-small-1", where="2 workers on 2 nodes (2 CPUs, no GPU)")
    trial = plan.trials[0]
    log.write(LogLine(at=datetime.now(UTC), change="started", message="", trial_id=trial.trial_id, label="Baseline",
                      train_distortion="-", trials=9))  # fmt: skip
    over = threading.Event()

    def heed() -> None:
        while not over.wait(0.05) and not (heeds and log.asked_to_stop()):
            pass
        log.end("stopped", f"0 of 9 trials; by {log.asked_to_stop()}")
        lease.release()

    thread = threading.Thread(target=heed)
    thread.start()
    try:
        yield log
    finally:
        over.set()
        thread.join()


@pytest.fixture
def empty(store: Store) -> Store:
    """The store with the small study, no launch of which has kept lines."""
    return store


def test_status_says_where_a_launch_runs_and_how_the_last_one_ended(study: Type, empty: Store, plan: Plan) -> None:
    with at_work(empty, plan):
        said = study("status", "small").stdout
        assert re.search(
            r"running: launched \d{4}-\d\d-\d\d \d\d:\d\d:\d\d by \S+ on \S+, process \d+, as Ray job", said
        )
        assert "on the cluster at head:6379; 2 workers on 2 nodes (2 CPUs, no GPU)" in said
        assert "  study logs small --follow    study stop small" in said
    said = study("status", "small").stdout
    assert "last launched" in said
    assert re.search(r"^  \S+ \S+  stopped after 0:0\d: 0 of 9 trials", said, re.MULTILINE)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_launch_that_ended_on_a_machine_with_another_clock_is_not_taken_for_the_one_at_work(
    study: Type, empty: Store, plan: Plan, hours: int
) -> None:
    with at_work(empty, plan, hours_ahead=hours):
        pass
    with at_work(empty, plan):
        assert "It is at work." in study("logs", "small").stdout
        assert "running: launched" in study("status", "small").stdout
        answer = study("stop", "small")
        assert answer.exit_code == 0, answer.stdout
        assert "Asked to stop: small, launched" in answer.stdout
    launches = re.findall(r"^small    launched (\S+ \S+)", study("logs", "small", "--all").stdout, re.MULTILINE)
    assert len(launches) == 2
    assert (launches[0] > launches[1]) == (hours > 0)  # the older first, whatever its clock said


def test_stopping_waits_until_the_launch_has_left(study: Type, empty: Store, plan: Plan) -> None:
    with at_work(empty, plan):
        answer = study("stop", "small")
        assert answer.exit_code == 0, answer.stderr
        assert "Asked to stop: small, launched" in answer.stdout
        assert "stopped after" in answer.stdout
    again = study("stop", "small")
    assert again.exit_code == 1
    assert "No launch of small is running in" in again.stdout


def test_a_launch_that_takes_long_is_said_to_be_at_work(study: Type, empty: Store, plan: Plan) -> None:
    with at_work(empty, plan, heeds=False):
        answer = study("stop", "small", "--timeout", "0.1")
        assert answer.exit_code == 3
        assert "It is still at work after 0 s" in answer.stdout
        began = time.monotonic()
        assert study("stop", "small", "--no-wait").exit_code == 0
        assert time.monotonic() - began < 5


def test_logs_of_launches_and_of_one_trial(study: Type, empty: Store, plan: Plan) -> None:
    assert "No launch of small has kept lines" in study("logs", "small").stdout
    trial = plan.trials[0]
    for _ in range(2):
        with at_work(empty, plan):
            pass
    empty.record_attempt(attempt(trial, "train", "failed", 7, "ArithmeticError: no luck"))
    newest = study("logs", "small", "--follow").stdout
    line = rf"^\S+ \S+  started   {trial.trial_id[:8]}  Baseline  -  0/9$"
    assert len(re.findall(line, newest, re.MULTILINE)) == 1
    assert newest.endswith("1 earlier launch:  study logs small --all\n")
    assert len(re.findall(line, study("logs", "small", "--all").stdout, re.MULTILINE)) == 2
    of_one = study("logs", "small", trial.trial_id[:8]).stdout
    assert len(re.findall(line, of_one, re.MULTILINE)) == 2
    assert "ArithmeticError: no luck" in of_one
    other = study("logs", "small", plan.trials[1].trial_id[:8]).stdout
    assert "has said anything of" in other


def test_a_launch_that_was_killed_ended_without_a_word(study: Type, empty: Store, plan: Plan) -> None:
    launched(empty, plan, TEXT)
    log = Logbook(empty.objects, "small", Owner.here("study launch small"), 7)
    log.begin()
    assert "It ended without a word: it was killed, or its machine was lost" in study("logs", "small").stdout
    log.end("failed", "")
