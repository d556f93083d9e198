"""Which failures stand, for a launch and for `study status`, where attempts were made by several machines."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from study.launch import Retry, queue_of
from study.plan import Plan, PlannedTrial, Pruning
from study.standing import look, newest_failures
from study.store import AttemptRow, Store
from study.summary import states_of, summarise
from tests.study.executor.test_stages import staged, trained
from tests.study.executor.test_stages import study as study_of_stages
from tests.study.hand_made import attempt, evaluate, finished, launched, small_plan, train

AHEAD, BEHIND = timedelta(hours=1), timedelta(hours=-1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return small_plan(tmp_path)


def failed(trial: PlannedTrial, number: int, unit: str = "train", clock: timedelta = AHEAD, **more: Any) -> AttemptRow:
    """Out of memory, on a node whose clock is wrong."""
    row = attempt(trial, unit, "failed", number, "OutOfMemoryError: on a node")
    return replace(row, failure_class="out_of_memory", started=row.started + clock, **more)


def lost(trial: PlannedTrial, name: str = "lost-0001-aaaa", unit: str = "train") -> AttemptRow:
    return failed(trial, 1, unit, status="lost", attempt=name)


def standing(store: Store, plan: Plan, retry: Retry | None = None) -> set[str]:
    """Who is failed for a launch; `study status` says the same unless a launch tries again what it counts."""
    return set(queue_of(plan, store, retry).failures)


@pytest.mark.parametrize("unit", ["train", "evaluate"])
@pytest.mark.parametrize("made", ["failed", "lost"])
def test_what_is_done_has_not_failed_whatever_its_attempts_say(store: Store, plan: Plan, unit: str, made: str) -> None:
    finished(store, plan)
    one = plan.trials[3]
    store.record_attempt(failed(one, 0, unit) if made == "failed" else lost(one, unit=unit))
    store.record_attempt(failed(plan.trials[4], 9, unit))
    assert standing(store, plan) == set()
    assert queue_of(plan, store, None).finished
    assert newest_failures(store, plan) == []
    assert look(store, plan).failed == frozenset()
    assert summarise(plan, look(store, plan)).complete


@pytest.mark.parametrize("unit", ["train", "evaluate"])
def test_the_later_attempt_decides_and_not_the_later_clock(store: Store, plan: Plan, unit: str) -> None:
    recovered, broken = plan.trials[0], plan.trials[1]
    launched(store, plan)
    for trial in (recovered, broken) if unit == "evaluate" else ():
        train(store, trial)
    store.record_attempt(failed(recovered, 2, unit))
    store.record_attempt(attempt(recovered, unit, "stopped", 3))
    store.record_attempt(attempt(broken, unit, "stopped", 2))
    store.record_attempt(failed(broken, 3, unit, BEHIND))
    assert standing(store, plan) == {broken.trial_id}
    assert standing(store, plan, retry="oom") == set()
    (row,) = newest_failures(store, plan)
    assert (row["trial_id"], row["tries"]) == (broken.trial_id, 1)
    assert look(store, plan).failed == {broken.trial_id}


def test_a_death_since_takes_back_a_failure_and_does_not_outlive_the_attempt_after_it(store: Store, plan: Plan) -> None:
    again, stopped, once = plan.trials[0], plan.trials[1], plan.trials[2]
    launched(store, plan)
    for trial in (again, stopped, once):
        store.record_attempt(failed(trial, 1))
    store.record_attempt(replace(lost(again, "lost-0002-aaaa"), started=attempt(again, "train", "done").started))
    store.record_attempt(lost(stopped, "lost-0002-aaaa"))
    store.record_attempt(attempt(stopped, "train", "stopped", 3))
    assert standing(store, plan) == {once.trial_id}
    assert {row["trial_id"]: (row["status"], row["tries"]) for row in newest_failures(store, plan)} == {
        again.trial_id: ("lost", 2), once.trial_id: ("failed", 1),
    }  # fmt: skip


def test_a_worker_that_died_on_having_committed_leaves_the_rest_to_do_and_no_failure(store: Store, plan: Plan) -> None:
    trial = plan.trials[0]
    launched(store, plan)
    train(store, trial)
    store.record_attempt(lost(trial))
    assert states_of(plan, look(store, plan))[trial.trial_id] == "done"
    store.record_attempt(failed(trial, 2, "evaluate"))
    assert standing(store, plan) == {trial.trial_id}
    evaluate(store, trial, plan.conditions, 90)
    assert standing(store, plan) == set()


def test_a_training_that_is_to_be_done_again_for_its_stages_can_fail(store: Store) -> None:
    one = staged()
    plan = study_of_stages(one)
    trained(store, one, 1, 2)
    store.record_attempt(failed(one, 2))
    assert standing(store, plan) == set()
    for attempt_name, role in store.list_checkpoints(one.trial_id):
        if role == "stage-1":
            store.delete_checkpoint(one.trial_id, attempt_name, role)
    assert standing(store, plan) == {one.trial_id}


def test_who_was_given_up_has_not_failed_where_another_study_went_on_with_it(store: Store, plan: Plan) -> None:
    rule = Pruning(label="ST", min_epochs=1, reduction_factor=3)
    pruning = replace(plan, prunings=(rule,))
    one = plan.trials[1]
    launch = store.record_launch(pruning, "study: small", {})
    store.record_attempt(failed(one, 4))
    assert standing(store, pruning) == {one.trial_id}
    store.record_pruned(launch.study, launch.number, {one.trial_id: 1})
    assert standing(store, pruning) == set()
    assert look(store, pruning).failed == frozenset()
    assert standing(store, plan) == {one.trial_id}
    store.record_promotion(pruning.study, one.trial_id, 1)
    assert standing(store, pruning) == {one.trial_id}, "it was let go on, and failed here"
