"""Laws of the queue: every unit ends, in an order its dependencies allow, whatever fails on the way."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from study.executor.failures import ALIKE, LONGEST_WAIT, RETRIES
from study.executor.queue import HELD_SECONDS, Failure, Queue
from study.plan import Plan, Resources
from tests.study.executor.plans import plan, trial

USER = Failure(failure="user", error="ValueError: no", traceback_hash="abc")
OTHER = Failure(failure="user", error="KeyError: no", traceback_hash="def")
GONE = Failure(failure="infrastructure", error="worker died", traceback_hash="")

FAMILY = plan(trial("01"), trial("02", "B", parent="01"), trial("03", "B", parent="01"))


def queue(of: Plan, **given: object) -> Queue:
    return Queue(of, given.get("trained", ()), given.get("evaluated", {}), given.get("failed", {}))  # type: ignore[arg-type]


def test_a_child_waits_for_its_parent_and_an_evaluation_for_its_trial() -> None:
    line = queue(FAMILY)
    first = line.take()
    assert first is not None
    assert str(first) == "train 01"
    assert line.take() is None
    line.done(first)
    assert [str(line.take()) for _ in range(3)] == ["evaluate 01", "train 02", "train 03"]
    assert line.take() is None


def test_what_is_committed_is_not_run_again() -> None:
    assert queue(
        FAMILY, trained={"01", "02", "03"}, evaluated={name: {"c0ffee"} for name in ("01", "02", "03")}
    ).finished


def test_a_new_condition_is_evaluated_without_training() -> None:
    line = queue(FAMILY, trained={"01", "02", "03"}, evaluated={"01": {"c0ffee"}, "02": {"other"}})
    assert {str(line.take()) for _ in range(2)} == {"evaluate 02", "evaluate 03"}


def test_a_launch_that_only_evaluates_leaves_every_step_of_training() -> None:
    line = queue(FAMILY, trained={"01", "02"}, evaluated={"01": {"c0ffee"}})
    assert line.leave_training() == 1
    assert str(line.take()) == "evaluate 02"
    assert line.take() is None
    assert line.state("03") == "left"


def test_children_of_a_failed_parent_are_blocked_and_the_others_finish() -> None:
    line = queue(plan(trial("01"), trial("02", "B", parent="01"), trial("03", "C")))
    first = line.take()
    assert first is not None
    verdict = line.fail(first, USER)
    assert [blocked.trial_id for blocked in verdict.blocked] == ["02"]
    assert (line.state("01"), line.state("02"), line.state("03")) == ("failed", "blocked", "left")
    assert str(line.take()) == "train 03"


def test_each_class_of_failure_has_its_own_tries() -> None:
    now = [0.0]
    line = Queue(plan(trial("01")), (), {}, {}, clock=lambda: now[0])
    for _ in range(RETRIES["infrastructure"]):
        unit = line.take()
        assert unit is not None
        assert line.fail(unit, GONE).retrying
        now[0] += LONGEST_WAIT
    unit = line.take()
    assert unit is not None
    assert not line.fail(unit, GONE).retrying
    assert line.state("01") == "failed"
    assert line.finished


def test_what_keeps_failing_for_the_machine_is_tried_again_ever_later_until_minutes_have_passed() -> None:
    now = [0.0]
    line = Queue(plan(trial("01")), (), {}, {}, clock=lambda: now[0])
    waits = []
    for _ in range(RETRIES["infrastructure"]):
        unit = line.take()
        assert unit is not None
        line.fail(unit, GONE)
        began = now[0]
        while not line.ready:
            assert not line.finished
            now[0] += 0.5
        waits.append(now[0] - began)
    assert waits == [0, 2, 4, 8, 16, 32, 60, 60]


def test_an_arm_in_which_nothing_works_is_stopped_after_its_last_trial_failed_too() -> None:
    line = queue(plan(*(trial(f"{i:02x}") for i in range(1, 11)), trial("ff", "B")))
    tried = []
    while (unit := line.take()) is not None:
        tried.append(unit.trial.trial_id)
        if unit.trial.label == "B":
            line.done(unit)
        else:
            line.fail(unit, USER)
    assert tried[: ALIKE + 1] == ["01", "02", "03", "0a"]
    assert line.counts["A"]["failed"] == ALIKE + 1
    assert line.counts["A"]["blocked"] == 10 - ALIKE - 1
    assert line.state("ff") == "done"


def test_an_arm_of_which_half_fails_goes_on() -> None:
    line = queue(plan(*(trial(f"{i:02x}") for i in range(1, 11))))
    while (unit := line.take()) is not None:
        if unit.phase == "train" and int(unit.trial.trial_id, 16) <= 5:
            line.fail(unit, USER)
        else:
            line.done(unit)
    assert (line.counts["A"]["failed"], line.counts["A"]["done"]) == (5, 5)


def test_failures_that_differ_do_not_stop_an_arm() -> None:
    line = queue(plan(*(trial(f"{i:02x}") for i in range(1, 7))))
    for failure in (USER, OTHER, USER, OTHER):
        unit = line.take()
        assert unit is not None
        assert line.fail(unit, failure).blocked == ()


def test_failures_of_earlier_launches_stand() -> None:
    line = queue(FAMILY, failed={"01": USER})
    assert line.finished
    assert (line.state("01"), line.state("02")) == ("failed", "blocked")


def test_a_held_trial_is_asked_for_again_later() -> None:
    now = [0.0]
    line = Queue(plan(trial("01")), (), {}, {}, clock=lambda: now[0])
    unit = line.take()
    assert unit is not None
    line.hold(unit, "somebody")
    assert line.state("01") == "held"
    assert line.take() is None
    assert not line.finished
    now[0] = HELD_SECONDS + 1
    assert line.take() == unit


def test_a_unit_of_one_shape_is_asked_for() -> None:
    big, small = Resources(cpus=2), Resources(cpus=1)
    line = queue(plan(trial("01", resources=big), trial("02", resources=small), trial("03", resources=big)))
    assert line.shapes() == line.shapes_left() == [big, small]
    assert [str(line.take(big)) for _ in range(3)] == ["train 01", "train 03", "None"]
    assert line.shapes() == [small]
    assert [str(line.take()), line.shapes()] == ["train 02", []]


def test_a_limit_keeps_the_first_trials_of_the_plan() -> None:
    line = queue(FAMILY)
    line.limit(2)
    ran = []
    while (unit := line.take()) is not None:
        ran.append(str(unit))
        line.done(unit)
    assert ran == ["train 01", "evaluate 01", "train 02", "evaluate 02"]


@given(st.integers(0, 2**32))
def test_whatever_happens_every_trial_ends_and_the_counts_add_up(seed: int) -> None:
    luck = random.Random(seed)
    names = [f"{i:02x}" for i in range(1, 13)]
    trials = [
        trial(name, luck.choice("AB"), parent=luck.choice(names[:i]) if i and luck.random() < 0.6 else None)
        for i, name in enumerate(names)
    ]
    clock = itertools.count(0.0, LONGEST_WAIT)
    line = Queue(plan(*trials), (), {}, {}, clock=lambda: next(clock))
    out = []
    for _ in range(10_000):
        unit = line.take()
        if unit is not None:
            assert unit.needs is None or unit.needs in line.trained
            out.append(unit)
        if not out:
            break
        ended = out.pop(luck.randrange(len(out)))
        luck.choice([line.done, line.again, lambda unit: line.fail(unit, luck.choice([USER, OTHER, GONE]))])(ended)
    assert line.finished
    assert sum(line.total.values()) == len(names) == sum(sum(counts.values()) for counts in line.counts.values())
    assert set(+line.total) <= {"done", "failed", "blocked"}
