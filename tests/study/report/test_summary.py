"""How far a study is, in counts."""

from pathlib import Path

import pytest

from study.plan import Plan
from study.summary import Found, Summary, summarise
from tests.study.hand_made import CONDITIONS, TRIALS, small_plan


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return small_plan(tmp_path)


def of(plan: Plan, **found: object) -> Summary:
    return summarise(plan, Found(**{"evaluated": {}, **found}))  # type: ignore[arg-type]


def test_nothing_is_done_in_an_empty_store(plan: Plan) -> None:
    summary = of(plan)
    assert (summary.trials.total, summary.trials.done, summary.trials.left) == (TRIALS, 0, TRIALS)
    assert (summary.evaluations, summary.evaluations_done) == (TRIALS * CONDITIONS, 0)
    assert not summary.complete


def test_everything_is_done_when_all_is_trained_and_evaluated(plan: Plan) -> None:
    ids = [trial.trial_id for trial in plan.trials]
    conditions = frozenset(condition.condition_id for condition in plan.conditions)
    summary = of(plan, trained=ids, evaluated=dict.fromkeys(ids, conditions))
    assert summary.complete
    assert summary.trials.left == 0


def test_a_failed_parent_blocks_its_children(plan: Plan) -> None:
    summary = of(plan, failed={plan.trials[0].trial_id})
    assert (summary.trials.failed, summary.trials.blocked) == (1, TRIALS - 1)
    assert summary.by_method["DA"].blocked == 2


def test_a_trained_trial_whose_evaluation_failed_is_failed(plan: Plan) -> None:
    one = plan.trials[0].trial_id
    assert of(plan, trained={one}, failed={one}).trials.failed == 1
    whole = {one: frozenset(condition.condition_id for condition in plan.conditions)}
    assert of(plan, trained={one}, evaluated=whole, failed={one}).trials.failed == 0


def test_diverged_trials_are_done(plan: Plan) -> None:
    one = plan.trials[0].trial_id
    summary = of(plan, trained={one}, diverged={one})
    assert (summary.trials.done, summary.trials.diverged) == (1, 1)


def test_running_and_held_trials_are_not_left(plan: Plan) -> None:
    one, other = plan.trials[0].trial_id, plan.trials[1].trial_id
    summary = of(plan, running={one}, held={other})
    assert (summary.trials.running, summary.trials.held, summary.trials.left) == (1, 1, TRIALS - 2)


def test_conditions_of_other_studies_do_not_count(plan: Plan) -> None:
    one = plan.trials[0].trial_id
    summary = of(plan, trained={one}, evaluated={one: {"elsewhere", plan.conditions[0].condition_id}})
    assert summary.evaluations_done == 1


def test_the_json_has_the_shape_that_plan_and_status_promise(plan: Plan) -> None:
    told = of(plan).to_json()
    assert told["study"] == "small"
    assert told["evaluations"] == {"total": TRIALS * CONDITIONS, "done": 0}
    numbers = {
        "total",
        "done",
        "running",
        "failed",
        "diverged",
        "blocked",
        "held",
        "pruned",
        "evaluations",
        "evaluations_done",
    }
    assert set(told["trials"]) == {*numbers, "by_stage", "by_method", "by_distortion"}
    assert {key: group["total"] for key, group in told["trials"]["by_stage"].items()} == {"0": 1, "1": TRIALS - 1}
    assert {key: group["total"] for key, group in told["trials"]["by_method"].items()} == {
        "Baseline": 1,
        "ST": 6,
        "DA": 2,
    }
    assert set(told["trials"]["by_distortion"]) == {"nothing", "gaussian_noise", "rotation"}
    assert all(set(group) == numbers for group in told["trials"]["by_method"].values())
