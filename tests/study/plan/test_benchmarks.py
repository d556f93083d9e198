"""Planned benchmarks: what divides, what is skipped, what was seen, and what a search may look at."""

from pathlib import Path

import pytest

from study.plan import Plan, PlannedTrial, Skipped
from study.planning import drawn_trials, make_plan, shown
from study.store import Store
from tests.study.search import peaked
from tests.study.spec.demo import loaded
from trainables.methods import methods
from trainables.normalisation import MAIN_CORRUPTIONS
from trainables.recipe import Component, Condition

FINGERPRINT = "0123456789abcdef" * 2
LINES = "evaluate:\n  corruptions: {extras: true, severities: [1, 3]}\n  perturbations: {}\n  #"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return make_plan(loaded(tmp_path_factory.mktemp("spec"), ("evaluate: ", LINES)), FINGERPRINT)


def test_conditions_are_those_of_the_benchmarks_without_what_is_skipped(plan: Plan) -> None:
    for benchmark, family, count in zip(plan.benchmarks, ("corruption", "perturbation"), (18 * 2, 10), strict=True):
        own = [one for one in plan.conditions if one.family == family]
        assert [test.condition_id for test in benchmark.tests] == [one.condition_id for one in own]
        assert [test.name for test in benchmark.tests] == [one.steps[0].name for one in own]
        assert len(own) == count
        assert benchmark.family == family
    skipped = plan.benchmarks[0].skipped
    reason = "an image of one channel has no saturation to change"
    assert skipped == tuple(
        Skipped(name="saturate", label="saturate", parameter="severity", level=level, reason=reason) for level in (1, 3)
    )


def test_the_baseline_divides_unless_a_label_is_named(plan: Plan, tmp_path: Path) -> None:
    assert [one.normalizer for one in plan.benchmarks] == ["Baseline", "Baseline"]
    renamed = [("Baseline:    ", "Plain: "), ("from:       Baseline", "from:       Plain   ")]
    named = LINES.replace("{extras: true, ", "{normalize_by: Plain, ")
    again = make_plan(loaded(tmp_path, ("evaluate: ", named), *renamed), FINGERPRINT)
    assert [one.normalizer for one in again.benchmarks] == ["Plain", "Plain"]


def test_which_corruptions_are_noise(plan: Plan) -> None:
    for benchmark in plan.benchmarks:
        assert {test.name for test in benchmark.tests if test.noise} == {
            test.name for test in benchmark.tests if "noise" in test.name
        }


def test_a_plan_with_benchmarks_comes_back_from_the_store(plan: Plan) -> None:
    store = Store.open("memory://planned-benchmarks")
    store.record_launch(plan, "study: …", {})
    launch = store.newest_launch(plan.study)
    assert launch is not None
    assert launch.plan == plan


def test_a_trial_has_seen_what_it_trains_on(plan: Plan) -> None:
    seen = {(trial.train_distortion, trial.shown) for trial in plan.trials}
    assert seen == {
        (None, ()),
        ("gaussian_noise", ("gaussian_noise",)),
        ("rotation", ("rotate",)),
        ("fgsm", ()),
    }


@pytest.mark.parametrize(
    ("method", "parameters", "expected"),
    [
        ("standard", {}, set()),
        ("augmix", {}, {"rotate", "shear", "translate"}),
        ("augmix", {"all_operations": True}, {"rotate", "shear", "translate", "brightness", "contrast", "saturate"}),
        ("noise_injection", {}, {"gaussian_noise", "speckle_noise"}),
        ("noise_injection", {"multiplicative": 0.0}, {"gaussian_noise"}),
        ("noisy_feature_mixup", {"alpha": 0.0}, set()),
        ("noisymix", {}, {"gaussian_noise", "speckle_noise", "rotate", "shear", "translate"}),
        ("noisymix", {"sparsity": 1.0, "augmix": False}, set()),
    ],
)
def test_a_method_has_seen_what_it_shows_of_itself(
    plan: Plan, method: str, parameters: dict[str, float], expected: set[str]
) -> None:
    recipe = plan.trials[0].recipe
    described = methods.get(method)
    assert set(shown(_with(recipe, Component.of(described.__module__.rpartition(".")[2], parameters)))) == expected


def _with(recipe: object, method: Component) -> object:
    from dataclasses import replace

    return replace(recipe, method=method)  # type: ignore[type-var]


def test_a_distortion_that_changes_nothing_shows_nothing(tmp_path: Path) -> None:
    still = make_plan(loaded(tmp_path, ("sigma:   [0.1, 0.3]", "sigma:   [0, 0.3]")), FINGERPRINT)
    noisy = [trial for trial in still.trials if trial.train_distortion == "gaussian_noise"]
    assert {bool(trial.shown) for trial in noisy} == {True, False}
    assert all(bool(trial.shown) == (_sigma(trial) > 0) for trial in noisy)


def _sigma(trial: PlannedTrial) -> float:
    sigma = trial.recipe.distortions[0].parameters["sigma"]
    assert isinstance(sigma, (int, float))
    return sigma


SEARCH = [("clean, robust", "clean, corruptions.mean"), ("evaluate: ", "evaluate:\n  corruptions: {only: [fog]}\n  #")]


def test_a_search_looks_at_the_extra_corruptions_on_validation_images_and_never_at_the_main_ones(
    tmp_path: Path,
) -> None:
    plan = make_plan(peaked.spec(tmp_path, *SEARCH), peaked.FINGERPRINT)
    conditions = {one.condition_id: one for one in plan.conditions}
    watched = [one for one in plan.conditions if one.split == "validation" and one.family == "corruption"]
    objective = plan.searches[0].objectives[1]
    assert [conditions[one] for one in objective.validation] == watched
    assert [_place(conditions[one]) for one in objective.test] == [_place(one) for one in watched]
    assert {conditions[one].split for one in objective.test} == {"test"}
    names = {one.steps[0].name for one in watched}
    assert names == {"gaussian_blur", "spatter", "speckle_noise"}  # the digits are grey: no saturate
    assert len(watched) == 3 * 5
    assert not names & set(MAIN_CORRUPTIONS)
    assert {test.name for test in plan.benchmarks[0].tests if not test.extra} == {"fog"}


def _place(condition: Condition) -> tuple[str, float | None]:
    return condition.test_distortion, condition.level


def test_a_drawn_trial_says_what_it_has_seen(tmp_path: Path) -> None:
    search = make_plan(peaked.spec(tmp_path), peaked.FINGERPRINT).searches[0]
    (trial,) = drawn_trials(search, {"method.alpha": 1.0, "distortion.sigma": 0.2})
    assert trial.shown == ("gaussian_noise",)


def test_without_corruptions_there_is_no_such_objective(tmp_path: Path) -> None:
    from study.spec import SpecError

    with pytest.raises(SpecError, match=r"no objective is called 'corruptions.mean'"):
        peaked.spec(tmp_path, SEARCH[0])
