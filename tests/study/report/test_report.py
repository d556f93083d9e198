"""What screens will show, as data: the plan's table, the end's table, changes between launches, failures."""

import dataclasses
from pathlib import Path

import pytest

from study.plan import Plan
from study.report import (
    Naming,
    Share,
    ancestors,
    changes,
    end_table,
    failures,
    figure,
    first_line,
    plan_table,
    registered_symbol,
)
from tests.study.hand_made import CONDITIONS, TEXT, TRIALS, small_plan
from trainables.recipe import Component


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return small_plan(tmp_path)


def test_a_trial_is_told_apart_by_what_varies_under_its_label_and_by_its_training_level(plan: Plan) -> None:
    named = Naming(plan, registered_symbol)
    told = {trial.label: named.settings(trial) for trial in plan.trials}
    assert told["Baseline"] == ()
    assert [(one.name, one.symbol) for one in told["ST"]] == [("alpha", "α"), ("degrees", "ρ")]
    assert [one.name for one in told["DA"]] == ["sigma"], "p is 1 throughout"


def test_a_name_shared_by_method_and_distortion_is_qualified(plan: Plan) -> None:
    def with_epsilon(place: int) -> Component:
        return Component.of("bang", {"epsilon": float(place)})

    attacked = (Component.of("fgsm", {"epsilon": 0.1}),)
    trials = tuple(
        dataclasses.replace(
            trial, label="BANG", recipe=dataclasses.replace(trial.recipe, method=with_epsilon(k), distortions=attacked)
        )
        for k, trial in enumerate(plan.trials[:2])
    )
    settings = Naming(dataclasses.replace(plan, trials=trials)).settings(trials[1])
    assert [one.name for one in settings] == ["method.epsilon", "fgsm.epsilon"]


def test_the_plan_table_counts_every_trial_once_in_its_cell(plan: Plan) -> None:
    table = plan_table(plan, Naming(plan, registered_symbol))
    assert table.labels == ("Baseline", "ST", "DA")
    assert {row.trained_on: dict(row.counts) for row in table.rows} == {
        "nothing": {"Baseline": 1}, "gaussian_noise": {"ST": 4, "DA": 2}, "rotation": {"ST": 2},
    }  # fmt: skip
    assert sum(sum(row.counts.values()) for row in table.rows) == TRIALS
    assert table.over == {"Baseline": (), "ST": (("α", 2),), "DA": ()}
    assert table.stages == (1, TRIALS - 1)


def test_the_end_table_matches_training_and_test_distortion_and_finds_worst_and_best(plan: Plan) -> None:
    cells = {
        (trial.trial_id, condition.condition_id): Share(correct=50 + place, n=100)
        for place, trial in enumerate(plan.unique_trials())
        for condition in plan.conditions
    }
    table = end_table(plan, cells)
    assert [(row.test_distortion, row.train_distortion, row.label, row.trials) for row in table.rows] == [
        ("gaussian_noise", None, "Baseline", 1),
        ("gaussian_noise", "gaussian_noise", "ST", 4),
        ("gaussian_noise", "gaussian_noise", "DA", 2),
    ]
    stability = table.rows[1]
    assert stability.best.share.accuracy - stability.worst.share.accuracy == pytest.approx(stability.width)
    assert stability.worst.share.correct < stability.best.share.correct
    assert (table.n, table.other_pairs) == (100, 3), "2 training × 2 test distortions, one pair shown"


def test_other_pairs_are_those_with_results(plan: Plan) -> None:
    stability = next(trial for trial in plan.trials if trial.label == "ST")
    some = (plan.trials[0], stability)
    cells = {(one.trial_id, condition.condition_id): Share(correct=50, n=100)
             for one in some for condition in plan.conditions}  # fmt: skip
    assert end_table(plan, cells).other_pairs == 1, "gaussian_noise × jpeg"
    assert end_table(plan, {key: share for key, share in cells.items() if key[0] == some[0].trial_id}).other_pairs == 0


def test_trials_without_results_are_left_out_of_the_end_table(plan: Plan) -> None:
    assert end_table(plan, {}).rows == ()


def test_equal_accuracies_give_the_first_trial_of_the_plan(plan: Plan) -> None:
    cells = {(t.trial_id, c.condition_id): Share(correct=50, n=100) for t in plan.trials for c in plan.conditions}
    first = next(trial for trial in plan.trials if trial.label == "ST")
    row = end_table(plan, cells).rows[1]
    assert row.worst.trial == row.best.trial == first


def test_changes_name_the_new_values_and_count_the_new_cells(tmp_path: Path, plan: Plan) -> None:
    wider = small_plan(
        tmp_path, TEXT.replace("alpha: [0.1, 1]", "alpha: [0.1, 1, 10]").replace("[30], p", "[70, 30], p")
    )
    found = changes(plan, wider)
    assert [(group.label, group.trials, group.values) for group in found.groups] == [("ST", 3, (("alpha", (10.0,)),))]
    assert [(one.test_distortion, one.level) for one in found.new_conditions] == [("jpeg", 70.0)]
    assert (found.conditions, found.kept) == (CONDITIONS + 1, TRIALS)
    back = changes(wider, plan)
    assert (back.groups, back.dropped_trials, back.dropped_conditions) == ((), 3, 1)


def test_failures_with_one_traceback_are_one_group(plan: Plan) -> None:
    def row(trial_id: str, digest: str) -> dict[str, object]:
        return {
            "trial_id": trial_id,
            "failure_class": "user",
            "traceback_hash": digest,
            "error": "ValueError: no",
            "tries": 1,
        }

    ids = [trial.trial_id for trial in plan.trials]
    found = failures(plan, [row(ids[1], "a"), row(ids[2], "a"), row(ids[3], "b"), row("elsewhere", "a")])
    assert [(len(group.trials), group.error) for group in found] == [(2, "ValueError: no"), (1, "ValueError: no")]


def test_ancestors_go_back_to_the_weights_that_were_drawn(plan: Plan) -> None:
    assert [one.label for one in ancestors(plan, plan.trials[-1])] == ["Baseline"]
    assert ancestors(plan, plan.trials[0]) == ()


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.316227766017, "0.316"), (60.0, "60"), (0.1, "0.1"), (1e-05, "1e-05"), ("kl", "kl"), (True, "true"), (3, "3")],
)
def test_values_are_written_as_a_person_would(value: float | str, shown: str) -> None:
    assert figure(value) == shown


def test_the_line_that_names_an_error() -> None:
    assert first_line("Traceback (most recent call last):\n  File x\nValueError: no\n") == "ValueError: no"
    assert first_line("CUDA out of memory\nTried to allocate") == "CUDA out of memory"
