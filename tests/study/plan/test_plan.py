"""The plan: counts, order, ids, and which line of a study moves which id."""

import hashlib
import itertools
from pathlib import Path

import pytest

from study import identity
from study.plan import Plan, Resources
from study.planning import data_set, make_plan
from study.spec import load
from tests.study.plan.tifs import GRID_TIFS
from tests.study.spec.demo import loaded
from trainables.attacks import attacks
from trainables.distortions import distortions
from trainables.methods import methods
from trainables.models import models
from trainables.recipe import Parent, Scratch, WeightsFile

FINGERPRINT = "0123456789abcdef" * 2


def planned(folder: Path, *replaced: tuple[str, str]) -> Plan:
    return make_plan(loaded(folder, *replaced), FINGERPRINT)


def counts(plan: Plan) -> dict[str, int]:
    labels = [trial.label for trial in plan.trials]
    return {label: labels.count(label) for label in dict.fromkeys(labels)}


@pytest.fixture(scope="module")
def demo() -> Plan:
    return make_plan(load("demo_mnist"), FINGERPRINT)


def trial_ids(plan: Plan) -> set[str]:
    return {trial.trial_id for trial in plan.trials}


def condition_ids(plan: Plan) -> list[str]:
    return [condition.condition_id for condition in plan.conditions]


def test_the_demo_has_37_trials_and_962_evaluations(demo: Plan) -> None:
    assert counts(demo) == {"Baseline": 1, "ST": 18, "ST sym": 6, "DA": 8, "AT": 4}
    assert len(trial_ids(demo)) == len(demo.trials) == 37
    assert len(set(condition_ids(demo))) == len(demo.conditions) == 26
    assert len(demo.trials) * len(demo.conditions) == 962
    assert sum(trial.recipe.epochs for trial in demo.trials) == 80


def test_the_cifar_study_has_309_trials_two_on_a_gpu() -> None:
    plan = make_plan(load("cifar10_resnet18"), FINGERPRINT)
    assert counts(plan) == {"Baseline": 3, "ST": 108, "ST sym": 108, "DA": 72, "AT": 18}
    assert len(trial_ids(plan)) == len(plan.trials) == 309
    assert {trial.resources for trial in plan.trials} == {Resources(cpus=2, gpus=0.5)}


def test_grid_tifs_has_296_trials(tmp_path: Path) -> None:
    path = tmp_path / "grid_tifs.yaml"
    path.write_text(GRID_TIFS)
    plan = make_plan(load(path), FINGERPRINT)
    assert counts(plan) == {"Baseline": 1, "ST": 105, "ST sym": 105, "DA": 70, "DA 20 epochs": 8, "AT": 7}
    assert len(trial_ids(plan)) == len(plan.trials) == 296
    assert len(plan.conditions) == 1 + 54
    assert sum(trial.recipe.epochs for trial in plan.trials) == 3060
    in_sequence = [trial for trial in plan.trials if trial.train_distortion == "rotation then gaussian_noise"]
    assert len(in_sequence) == 96


def test_planning_twice_gives_the_same_plan(demo: Plan) -> None:
    assert make_plan(load("demo_mnist"), FINGERPRINT) == demo


def test_parents_come_before_their_children(demo: Plan) -> None:
    seen: set[str] = set()
    for trial in demo.trials:
        start = trial.recipe.start
        assert isinstance(start, Parent) == (trial.stage == 1)
        assert not isinstance(start, Parent) or start.trial_id in seen
        seen.add(trial.trial_id)


def test_a_chain_of_starts_has_a_stage_each(tmp_path: Path) -> None:
    chain = "  Late: {method: standard, from: Middle}\n  Middle: {method: standard}\n  Baseline:   "
    plan = planned(tmp_path, ("  Baseline:   ", chain))
    stages = {trial.label: trial.stage for trial in plan.trials}
    assert (stages["Baseline"], stages["Middle"], stages["Late"]) == (0, 1, 2)
    assert [trial.stage for trial in plan.trials] == sorted(trial.stage for trial in plan.trials)


def test_units_of_one_resource_shape_stand_together(tmp_path: Path) -> None:
    two = "resources: {cpus: 2}, alpha"
    plan = planned(tmp_path, ("alpha", two), ("mu:", "resources: {cpus: 2}, mu:"))
    assert [shape for shape, _ in itertools.groupby(trial.resources for trial in plan.trials)] == [
        Resources(cpus=1, gpus=0),
        Resources(cpus=2, gpus=0),
    ]


def test_clean_is_the_first_condition_and_sweeps_run_from_easy_to_hard(demo: Plan) -> None:
    clean, *others = demo.conditions
    assert (clean.family, clean.test_distortion, clean.level, clean.steps) == ("clean", "clean", None, ())
    assert all(condition.split == "test" for condition in demo.conditions)
    assert [own_id for sweep in demo.sweeps for own_id in sweep.condition_ids] == [one.condition_id for one in others]
    thumbnail = demo.sweeps[-1]
    assert (thumbnail.levels, thumbnail.practical, thumbnail.unit) == ((22, 14, 10, 7, 5), 10, "px")
    for sweep in demo.sweeps:
        told = [(one.level, one.parameter) for one in others if one.test_distortion == sweep.test_distortion]
        assert told == [(level, sweep.parameter) for level in sweep.levels]
        assert sweep.practical in sweep.levels


def test_what_is_called_baseline_is_the_baseline_and_else_the_first_that_could_be(tmp_path: Path) -> None:
    chain = "  Early: {method: standard, from: scratch, epochs: 8}\n  Baseline:   "
    plan = planned(tmp_path, ("  Baseline:   ", chain))
    assert [trial.label for trial in plan.baseline] == ["Baseline"]
    first = planned(tmp_path, ("  Baseline:   ", "  Base:   "), ("from:       Baseline", "from:       Base"))
    assert [trial.label for trial in first.baseline] == ["Base"]
    both = planned(
        tmp_path, ("  Baseline:   ", chain.replace("Baseline", "Plain")), ("from:       Baseline", "from: Plain")
    )
    assert [trial.label for trial in both.baseline] == ["Early"]


def test_replicates_start_from_their_own_parent_or_the_only_one(tmp_path: Path) -> None:
    three = planned(tmp_path, ("epochs:     2", "epochs: 2\n  replicates: 3"))
    parents = [trial.trial_id for trial in three.trials if trial.label == "Baseline"]
    assert len(three.trials) == len(trial_ids(three)) == 3 * 37
    for trial in three.trials:
        if isinstance(trial.recipe.start, Parent):
            assert trial.recipe.start.trial_id == parents[trial.recipe.replicate]
    one = planned(tmp_path, ("mu:", "replicates: 2, mu:"))
    starts = {trial.recipe.start for trial in one.trials if trial.label == "AT"}
    assert len(starts) == 1
    assert counts(one)["AT"] == 8


def test_replicate_0_is_the_trial_without_replicates(demo: Plan, tmp_path: Path) -> None:
    assert trial_ids(demo) < trial_ids(planned(tmp_path, ("epochs:     2", "epochs: 2\n  replicates: 3")))


def test_weights_from_a_file_are_known_by_their_content(tmp_path: Path) -> None:
    start = ("from: scratch", "from: {weights: start.pt}")
    weights = tmp_path / "start.pt"
    weights.write_bytes(b"weights")
    first = planned(tmp_path, start)
    begun = first.trials[0].recipe.start
    assert isinstance(begun, WeightsFile)
    assert begun.fingerprint == hashlib.sha256(b"weights").hexdigest()
    weights.write_bytes(b"other")
    assert trial_ids(planned(tmp_path, start)).isdisjoint(trial_ids(first))
    assert first.trials[0].stage == 0


def test_one_trial_may_stand_under_two_labels(tmp_path: Path) -> None:
    twin = "  Twin: {method: standard, from: scratch, epochs: 8}\n  Baseline:   "
    plan = planned(tmp_path, ("  Baseline:   ", twin))
    assert (len(plan.trials), len(plan.unique_trials())) == (38, 37)
    assert plan.unique_trials()[0].label == "Twin"


def test_widening_a_grid_keeps_the_ids_of_the_old_points(demo: Plan, tmp_path: Path) -> None:
    wider = planned(tmp_path, ("[0.1, 0.3]}", "[0.1, 0.2, 0.3]}"), ("[30, 60]", "{step: [30, 90, 30]}"))
    assert trial_ids(demo) < trial_ids(wider)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("study: demo_mnist", "study: another"),
        ("title: Stability", "title: My stability"),
        ("  ST sym:", "  Symmetric:"),
        ("evaluate: ", "resources: {cpus: 2, gpus: 0.5}\nevaluate: "),
        ("evaluate: ", "figures: {1a: {train: fgsm, test: fgsm}}\nevaluate: "),
        ("practical: 30}\n    fgsm", "practical: 45}\n    fgsm"),
        ("[0.1, 0.2, 0.3, 0.4, 0.6]", "[0.2, 0.3]"),
        ("    jpeg:           {quality: [90, 50, 30, 10, 5],           practical: 30} ", ""),
        ("  sweeps:", "  seed: 3\n  sweeps:"),
        ("alpha: {log: [0.01, 10, 3]}", "alpha: [0.01, 0.316227766017, 10]"),
        ("data:  mnist_5k", "data: {name: mnist_5k, test: 1500}"),
    ],
)  # fmt: skip
def test_what_says_nothing_about_training_moves_no_trial(demo: Plan, tmp_path: Path, old: str, new: str) -> None:
    assert trial_ids(planned(tmp_path, (old, new))) == trial_ids(demo)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("data:  mnist_5k", "data: {name: mnist_5k, train: 1000}"),
        ("model: lenet", "model: small_cnn"),
        ("model: lenet", "model: {name: lenet, dropout: 0.5}"),
        ("batch_size: 128", "batch_size: 64"),
        ("lr: 0.01", "lr: 0.02"),
        ("momentum: 0.9", "momentum: 0.8"),
        ("nesterov: true", "nesterov: false"),
        ("nesterov: true", "weight_decay: 0.0001"),
        ("best_validation", "last"),
        ("select: ", "precision: bfloat16\n  select: "),
        ("select: ", "compile: true\n  select: "),
        ("select: ", "threads: 2\n  select: "),
        ("from: scratch, epochs: 8", "from: scratch, epochs: 9"),
    ],
)
def test_what_trains_the_baseline_otherwise_moves_every_trial(demo: Plan, tmp_path: Path, old: str, new: str) -> None:
    assert trial_ids(planned(tmp_path, (old, new))).isdisjoint(trial_ids(demo))


@pytest.mark.parametrize(
    ("old", "new", "label"),
    [
        ("alpha: {log: [0.01, 10, 3]}, distortion: all", "alpha: 3, distortion: all", "ST"),
        ("divergence: kl", "divergence: l2", "ST"),
        ("p: {linear: [0.5, 1, 2]}", "p: 0.25", "DA"),
        ("distortion: [gaussian_noise, rotation]", "distortion: fgsm", "DA"),
        ("{epsilon: [0.05, 0.1]}", "{epsilon: 0.2}", "AT"),
        ("{epsilon: [0.05, 0.1]}", "{epsilon: [0.05, 0.1], clamp: false}", "AT"),
        ("mu: {", "epochs: 5, mu: {", "AT"),
        ("mu: {", "from: scratch, mu: {", "AT"),
        ("mu: {", "optimizer: {sgd: {lr: 1}}, mu: {", "AT"),
        ("method: adversarial_training, mu: {linear: [0, 0.5, 2]}", "method: data_augmentation, p: 1", "AT"),
    ],
)
def test_what_trains_one_method_otherwise_moves_its_trials(
    demo: Plan, tmp_path: Path, old: str, new: str, label: str
) -> None:
    changed = planned(tmp_path, (old, new))
    mine = {trial.trial_id for trial in changed.trials if trial.label == label}
    assert mine
    assert mine.isdisjoint(trial_ids(demo))


def test_other_data_moves_everything(demo: Plan) -> None:
    other = make_plan(load("demo_mnist"), "f" * 32)
    assert trial_ids(other).isdisjoint(trial_ids(demo))
    assert set(condition_ids(other)).isdisjoint(condition_ids(demo))


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ("study: demo_mnist", "study: another", False),
        ("lr: 0.01", "lr: 0.02", False),
        ("model: lenet", "model: small_cnn", False),
        ("practical: 30}\n    fgsm", "practical: 45}\n    fgsm", False),
        ("  sweeps:", "  seed: 3\n  sweeps:", True),
        ("data:  mnist_5k", "data: {name: mnist_5k, test: 500}", True),
        ("select: ", "precision: bfloat16\n  select: ", True),
    ],
)
def test_what_moves_a_condition(demo: Plan, tmp_path: Path, old: str, new: str, moved: bool) -> None:
    changed = condition_ids(planned(tmp_path, (old, new)))
    assert set(changed).isdisjoint(condition_ids(demo)) if moved else changed == condition_ids(demo)


def test_another_level_is_another_condition_and_the_others_stay(demo: Plan, tmp_path: Path) -> None:
    wider = planned(tmp_path, ("[15, 30, 45, 60, 90]", "[0, 15, 30, 45, 60, 90]"))
    assert len(set(condition_ids(wider)) - set(condition_ids(demo))) == 1
    assert set(condition_ids(demo)) < set(condition_ids(wider))


def test_thousands_of_trials_have_ids_of_their_own(tmp_path: Path) -> None:
    plan = planned(tmp_path, ("alpha: {log: [0.01, 10, 3]}, d", "alpha: {log: [0.01, 10, 830]}, d"))
    assert len(plan.trials) == 6 * 830 + 19
    assert len(trial_ids(plan)) == len(plan.trials)


def test_the_data_set_is_the_spec_s() -> None:
    found = data_set(load("demo_mnist", ["data.train=100"]))
    assert found.shape == (1, 28, 28)


def test_scratch_is_where_the_baseline_starts(demo: Plan) -> None:
    assert demo.trials[0].recipe.start == Scratch()


def test_recipes_say_where_the_data_lies_and_ids_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced = ("data:  mnist_5k", "data: {name: mnist, root: here}")
    monkeypatch.chdir(tmp_path)
    first = planned(tmp_path, replaced)
    assert {trial.recipe.data.parameters["root"] for trial in first.trials} == {str(tmp_path / "here")}
    assert {condition.data for condition in first.conditions} == {first.trials[0].recipe.data}
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert trial_ids(planned(tmp_path, replaced)) == trial_ids(first)


def test_a_raised_revision_moves_what_it_touches_and_nothing_else(demo: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    def forget() -> None:
        """Within a process no revision changes, so identities remember them."""
        for remembering in (identity._named, identity._kind, identity._distortion, identity._fragment):
            remembering.cache_clear()

    def moved(component: type) -> tuple[set[str], set[str]]:
        """Labels or training distortions of the trials that moved, and test distortions that did."""
        with monkeypatch.context() as raised:
            raised.setattr(component, "revision", component.revision + 1)
            forget()
            after = make_plan(load("demo_mnist"), FINGERPRINT)
        forget()
        trials = {f"{old.label}, {old.train_distortion}" for old, new in zip(demo.trials, after.trials, strict=True)
                  if old.trial_id != new.trial_id}  # fmt: skip
        return trials, {
            old.test_distortion for old, new in zip(demo.conditions, after.conditions, strict=True)
            if old.condition_id != new.condition_id
        }  # fmt: skip

    everything = {f"{trial.label}, {trial.train_distortion}" for trial in demo.trials}
    assert moved(methods.get("data_augmentation")) == ({"DA, gaussian_noise", "DA, rotation"}, set())
    assert moved(attacks.get("fgsm")) == ({"ST, fgsm", "AT, fgsm"}, {"fgsm"})
    assert moved(distortions.get("rotation")) == ({"ST, rotation", "ST sym, rotation", "DA, rotation"}, {"rotation"})
    assert moved(distortions.get("jpeg")) == (set(), {"jpeg"})
    assert moved(models.get("lenet")) == (everything, set())


def test_a_plan_says_of_which_kind_its_distortions_are(tmp_path: Path) -> None:
    kinds = dict(planned(tmp_path).kinds)
    assert kinds["gaussian_noise"] == "noise"
    assert kinds["rotation"] == "transformative"
    assert kinds["fgsm"] == "attack"
    assert " then " not in "".join(kinds)
