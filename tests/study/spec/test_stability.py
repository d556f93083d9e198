"""Checkpoints and noise stability in a study's YAML: what they come to, and every fault by name."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.identity import trial_id, trial_identity
from study.plan import Plan
from study.planning import make_plan
from study.spec import SpecError, load
from trainables.noise_stability import StabilityTest

TEXT = """\
study: stages
data: {name: mnist_5k, train: 200, validation: 100, test: 100}
model: lenet
train: {from: scratch, epochs: 6, batch_size: 20, optimizer: {sgd: {lr: 0.01}}, checkpoints: {every: 2}}
methods:
  Regular: {method: standard}
  BANG: {method: bang, beta: 1, epsilon: 0.8, ratio: 1}
evaluate:
  noise_stability: {sigma: [40, 10]}
"""

BANG = "  BANG: {method: bang, beta: 1, epsilon: 0.8, ratio: 1}\n"


def planned(folder: Path, *changes: tuple[str, str]) -> Plan:
    text = TEXT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = folder / "stages.yaml"
    path.write_text(text)
    return make_plan(load(path), "0" * 32)


def asked_of(plan: Plan) -> list[StabilityTest]:
    return [StabilityTest.of(one) for one in plan.conditions if one.family == "noise_stability"]


def stages_of(plan: Plan) -> dict[str, tuple[int, ...]]:
    return {one.label: one.recipe.stages for one in plan.trials}


def test_every_strength_is_a_condition_with_fewer_draws_than_the_papers(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert [(one.sigma, one.draws, one.per_class, one.spare) for one in asked_of(plan)] == [
        (10.0, 100, 100, 50), (40.0, 100, 100, 50),
    ]  # fmt: skip
    assert {one.stages for one in asked_of(plan)} == {(2, 4, 6)}
    assert stages_of(plan) == {"Regular": (2, 4, 6), "BANG": (2, 4, 6)}
    assert len({one.condition_id for one in plan.conditions}) == 3


def test_stages_may_be_every_so_many(tmp_path: Path) -> None:
    every, listed = (
        planned(tmp_path, ("[40, 10]}", f"[40, 10], stages: {stages}}}")) for stages in ("{every: 3}", "[3, 6]")
    )
    assert {one.stages for one in asked_of(every)} == {one.stages for one in asked_of(listed)} == {(3, 6)}


def test_what_is_kept_changes_no_trial_and_what_is_tested_changes_the_condition(tmp_path: Path) -> None:
    before, after = planned(tmp_path), planned(tmp_path, ("every: 2", "at: [1, 5]"))
    assert [one.trial_id for one in before.trials] == [one.trial_id for one in after.trials]
    assert stages_of(after) == {"Regular": (1, 5, 6), "BANG": (1, 5, 6)}
    tested = [{one.condition_id for one in plan.conditions} for plan in (before, after)]
    assert len(tested[0] & tested[1]) == 1, "clean"
    recipe = before.trials[0].recipe
    assert trial_id(trial_identity(recipe, "0")) == trial_id(trial_identity(replace(recipe, stages=()), "0"))


@pytest.mark.parametrize("change", ["draws: 10", "per_class: 3", "spare: 0", "stages: [4]"])
def test_every_line_moves_the_condition(tmp_path: Path, change: str) -> None:
    plans = [planned(tmp_path), planned(tmp_path, ("[40, 10]}", f"[40, 10], {change}}}"))]
    ids = [{one.condition_id for one in plan.conditions} for plan in plans]
    assert len(ids[0] & ids[1]) == 1


def test_a_method_keeps_its_own_and_what_any_test_needs_of_it(tmp_path: Path) -> None:
    own = ("ratio: 1", "ratio: 1, epochs: 5, checkpoints: {at: [1, 5]}")
    assert stages_of(planned(tmp_path, own)) == {"Regular": (1, 2, 4, 5, 6), "BANG": (1, 2, 4, 5)}
    listed = ("[40, 10]}", "[40, 10], stages: [3]}")
    assert stages_of(planned(tmp_path, listed)) == {"Regular": (2, 3, 4, 6), "BANG": (2, 3, 4, 6)}


def test_one_trial_under_two_labels_keeps_what_both_ask_for(tmp_path: Path) -> None:
    twin = (BANG, "  Twin: {method: standard, checkpoints: {at: 5}}\n")
    plan = planned(tmp_path, twin, ("evaluate:\n  noise_stability: {sigma: [40, 10]}\n", ""))
    assert len(plan.unique_trials()) == 1
    assert stages_of(plan) == {"Regular": (2, 4, 5, 6), "Twin": (2, 4, 5, 6)}


def test_iterations_are_counted_where_the_training_counts_them(tmp_path: Path) -> None:
    plan = planned(tmp_path, ("epochs: 6", "iterations: 30"), ("every: 2", "every: 10"))
    assert {(one.counts, one.stages) for one in asked_of(plan)} == {("iterations", (10, 20, 30))}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("{every: 2}", "{every: 7}", "7  methods.BANG.checkpoints: this training has 6 epochs, and none is kept bef"),
        ("{every: 2}", "{every: 2, at: 3}", "4  train.checkpoints: checkpoints says one of two: {every: 2}, or {at:"),
        ("{every: 2}", "{every: [2, 3]}", "4  train.checkpoints.every: every takes one number"),
        ("{every: 2}", "{evry: 2}", "no line of checkpoints is called 'evry'; did you mean 'every'?"),
        (", checkpoints: {every: 2}", "", "noise_stability: it is about weights in the course of a training, and none"),
        ("{sigma: [40, 10]}", "{draws: 5}", "9  evaluate.noise_stability: sigma must be given: the noise's strength"),
        ("[40, 10]}", "[0]}", "sigma, standard deviation of the noise"),
        ("[40, 10]}", "[40, 10], stages: [7]}", "Regular is trained for 6 epochs, and the first stage tested is 7"),
        ("[40, 10]}", "[40, 10], stages: [5, 7, 8]}", "no method is trained for 7, 8 epochs, the longest"),
        ("[40, 10]}", "[40, 10], draws: 0}", "draws, noisy copies of each image; the paper makes 1,000"),
        ("ratio: 1}", "ratio: 1, iterations: 60}", "but Regular counts epochs and BANG iterations"),
    ],
)  # fmt: skip
def test_faults_name_place_rule_and_way_out(tmp_path: Path, before: str, after: str, said: str) -> None:
    with pytest.raises(SpecError) as error:
        planned(tmp_path, (before, after))
    assert said in str(error.value)


def test_networks_that_rank_have_no_labels_to_change(tmp_path: Path) -> None:
    ranking = [("method: standard", "method: triplet_ranking"), (BANG, "")]
    with pytest.raises(SpecError, match="noise_stability counts changed class labels, and Regular trains embeddings"):
        planned(tmp_path, *ranking)
