"""A worker's death: what is recorded of it, and whose fault it counts as."""

import ctypes
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from ray.exceptions import ActorDiedError, RayActorError

from study.executor.deaths import death, tail_of
from study.executor.estimate import Estimate
from study.executor.failures import LONGEST_WAIT, RETRIES, Death
from study.executor.queue import Queue
from study.executor.run import IDLE_DEATHS, Run
from study.executor.units import StudyUnit
from study.launch import LaunchOptions
from study.store import Store
from tests.study.executor.noop import Log, NoOp
from tests.study.executor.plans import one_node, plan, trial
from tests.study.executor.small_study import launch_small
from trainables.recipe import Recipe
from trainables.tune import Report, Session, Slices

CRASH = """\
:job_id:01000000
a warning of image 17
*** SIGSEGV received at time=1795360458 on cpu 1 ***
[2026-11-22 15:14:18,215 E 7857 7857] logging.cc:474: *** SIGSEGV received at time=1795360458 on cpu 1 ***
Fatal Python error: Segmentation fault

Stack (most recent call first):
  File "bang.py", line 7 in loss
  File "fit.py", line 9 in step

Extension modules: torch._C, and many more
"""


def ended(said: str) -> ActorDiedError:
    """Ray's error, as it reads."""
    error = ActorDiedError()
    error.error_msg = f"{ActorDiedError.BASE_ERROR_MSG}\n\tclass_name: X\n\tpid: 7857\n\tip: 192.0.2.7\n{said}"
    return error


def test_of_standard_error_the_workers_own_last_lines_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "worker-ab-01-7857.err"
    path.write_text("x" * 100_000 + "\n" + "early\n" * 200 + CRASH)
    lines = tail_of(path).splitlines()
    assert len(lines) == 79
    assert (lines[-1], lines[-7]) == ('  File "fit.py", line 9 in step', "a warning of image 17")
    assert not any("logging.cc" in line or "Extension" in line or "job_id" in line for line in lines)


@pytest.mark.parametrize(
    ("error", "said", "failure"),
    [
        (ended("The actor is dead. Worker exits with an exit code 9."), "exit code 9", "infrastructure"),
        (ended("The actor is dead. End of file. Some common causes"), "kill -9 leaves no word", "infrastructure"),
        (ended("Task was killed due to the node running low on memory."), "low on memory", "out_of_memory"),
        (RayActorError(preempted=True), "its node was preempted", "preempted"),
        (ended("The actor died because its node has died."), "its node has died", "infrastructure"),
    ],
)
def test_a_death_is_classed_and_said_in_a_line(error: Exception, said: str, failure: str) -> None:
    found = death(error)
    assert found.failure == failure
    assert said in found.error
    assert "\n" not in found.error
    if not isinstance(error, RayActorError) or not error.preempted:
        assert found.error.endswith("(process 7857 on 192.0.2.7)")


KILLED = Death(failure="infrastructure", error="killed", host="here", last_words="a warning")
CRASHED = replace(KILLED, error="SIGSEGV", last_words=CRASH)


def test_a_crash_has_a_hash_of_its_stack_alone() -> None:
    assert KILLED.crash_hash == ""
    elsewhere = replace(CRASHED, last_words=CRASH.replace("image 17", "another image").replace("1795", "1801"))
    assert CRASHED.crash_hash == elsewhere.crash_hash != ""
    cut_short = CRASH.partition("\nExtension")[0]
    whole = replace(CRASHED, last_words=f"{cut_short}\n  File 9\n  File 10")
    assert replace(CRASHED, last_words=cut_short).crash_hash == whole.crash_hash
    assert replace(CRASHED, last_words=CRASH.replace("bang.py", "jpeg.py")).crash_hash != CRASHED.crash_hash


@pytest.mark.parametrize(("death", "deaths"), [(KILLED, RETRIES["infrastructure"] + 1), (CRASHED, 2)])
def test_a_crash_in_the_same_place_is_not_tried_again_as_often_as_a_kill(death: Death, deaths: int) -> None:
    study, log, lost = plan(trial("01")), Log([]), []
    now = count(0.0, LONGEST_WAIT)
    queue = Queue(study, (), {}, {}, clock=lambda: next(now))
    run = Run(study, queue, log, Estimate({"train": 10, "test": 10}), lambda _, death, __: lost.append(death))
    run.on_workers(lambda: one_node(1), None, "1 worker here")
    while isinstance(unit := run.next_unit(Counter()), StudyUnit):
        run.began(unit)
        run.reported(unit, Report(status="running"))
        run.died(unit, death)
    assert len(lost) == deaths
    assert queue.failures["01"].failure == lost[-1].failure == ("infrastructure" if death is KILLED else "user")


class Crashing(NoOp):
    """Reads at address 0."""

    def _pretend_training(self, recipe: Recipe, session: Session, until: int | None) -> Slices:
        ctypes.string_at(0)
        return super()._pretend_training(recipe, session, until)


@pytest.mark.ray
def test_what_a_crashed_worker_last_wrote_is_in_the_record_of_its_attempt(cluster: str, tmp_path: Path) -> None:
    alone = LaunchOptions(address=cluster, max_concurrent=1)
    result = launch_small(plan(trial("01")), tmp_path, Log([]), alone, Crashing)
    assert result.failures["01"].failure == "user"
    rows = Store.open(tmp_path).read("attempts").sort_by("started").to_pylist()
    assert [row["failure_class"] for row in rows] == ["infrastructure", "user"]
    for row in rows:
        assert "worker died: SIGSEGV (process " in row["error"]
        assert "string_at" in row["traceback"]
        assert row["host"] in row["error"]
        assert row["traceback_hash"] == rows[0]["traceback_hash"] != ""


def test_workers_that_never_begin_are_told_of_and_end_in_a_failure() -> None:
    study, log = plan(trial("01")), Log([])
    now = count(0.0, LONGEST_WAIT)
    queue = Queue(study, (), {}, {}, clock=lambda: next(now))
    run = Run(study, queue, log, Estimate({"train": 10, "test": 10}), lambda *_: None)
    run.on_workers(lambda: one_node(1), None, "1 worker here")
    deaths = 0
    while isinstance(unit := run.next_unit(Counter()), StudyUnit):
        run.died(unit, KILLED)
        deaths += 1
    assert deaths == IDLE_DEATHS + RETRIES["infrastructure"] + 1
    assert queue.failures["01"].failure == "infrastructure"
    (notice,) = (event.message for event in log.events if event.change == "notice")
    assert notice.startswith(f"{IDLE_DEATHS} workers in a row have died before they began")
