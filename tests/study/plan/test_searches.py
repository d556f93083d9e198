"""Planned searches: what they are, what moves their id, and the trials of a point."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.plan import Plan
from study.planning import drawn_trials
from study.planning.make import make_plan
from tests.study.search.peaked import FINGERPRINT, plan, spec
from trainables.recipe import Parent


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan(tmp_path_factory.mktemp("spec"))


def test_the_shipped_search_is_a_baseline_and_32_points(shipped: Plan) -> None:
    assert [trial.label for trial in shipped.trials] == ["Baseline"]
    assert [(one.label, one.train_distortion, one.points) for one in shipped.searches] == [
        ("ST", "gaussian_noise", 16), ("DA", "gaussian_noise", 16),
    ]  # fmt: skip
    assert [[one.key for one in search.space] for search in shipped.searches] == [
        ["method.alpha", "distortion.sigma"], ["method.p", "distortion.sigma"],
    ]  # fmt: skip
    assert len(shipped.expected().trials) == 33
    assert sum(trial.stands_in for trial in shipped.expected().trials) == 32


def test_objectives_are_of_validation_images_and_of_the_same_on_test_images(shipped: Plan) -> None:
    conditions = {one.condition_id: one for one in shipped.conditions}
    clean, robust = shipped.searches[0].objectives
    for objective, places in ((clean, [("clean", None)]),
                              (robust, [("gaussian_noise", 0.3), ("fgsm", 0.1), ("thumbnail", 10)])):  # fmt: skip
        for split, ids in (("validation", objective.validation), ("test", objective.test)):
            assert [conditions[one].split for one in ids] == [split] * len(ids)
            assert [(conditions[one].test_distortion, conditions[one].level) for one in ids] == places
    assert not set(robust.validation) & set(robust.test)
    assert len(shipped.conditions) == 16 + 4


def test_a_grid_looks_at_no_validation_images(tmp_path: Path) -> None:
    from study.spec import load

    assert {one.split for one in make_plan(load("demo_mnist"), FINGERPRINT).conditions} == {"test"}


@pytest.mark.parametrize(
    ("replaced", "moves"),
    [
        (("trials:     16", "trials:     40"), False),
        (("study: search_mnist", "study: another"), False),
        (("title: Clean", "title: Dirty"), False),
        (("seed:       0", "seed:       1"), True),
        (("sampler:    tpe", "sampler:    random"), True),
        (("sampler:    tpe", "sampler:    {tpe: {n_startup_trials: 3}}"), True),
        (("clean, robust", "clean"), True),
        (("robust]", "gaussian_noise.mean]"), True),
        (("loguniform: [0.01, 10]", "loguniform: [0.01, 1]"), True),
        (("loguniform: [0.01, 10]", "uniform: [0.01, 10]"), True),
        (("epochs:     3", "epochs:     4"), True),
        (("divergence: kl", "replicates: 2, divergence: kl"), True),
        (("practical: 10}", "practical: 7}"), True),
    ],
)
def test_an_id_moves_with_what_determines_the_course_and_with_nothing_else(
    tmp_path: Path, shipped: Plan, replaced: tuple[str, str], moves: bool
) -> None:
    assert (plan(tmp_path, replaced).searches[0].search_id != shipped.searches[0].search_id) == moves


def test_a_point_is_a_trial_a_replicate_with_numbers_to_12_digits(tmp_path: Path) -> None:
    search = plan(tmp_path, ("divergence: kl", "replicates: 2, divergence: kl")).searches[0]
    first, second = drawn_trials(search, {"method.alpha": 0.123456789012345, "distortion.sigma": 1 / 3})
    drawn = {"alpha": 0.123456789012, "divergence": "kl", "detach_clean": False, "concatenate": False}
    assert first.recipe.method.parameters == drawn
    assert first.recipe.distortions[0].parameters == {"sigma": 0.333333333333}
    assert (first.recipe.replicate, second.recipe.replicate) == (0, 1)
    assert replace(second.recipe, replicate=0) == first.recipe
    assert isinstance(first.recipe.start, Parent)
    assert first.trial_id != second.trial_id


def test_a_point_on_a_grid_is_the_grids_trial(tmp_path: Path) -> None:
    point = {"method.alpha": 1.0, "distortion.sigma": 0.1}
    drawn = drawn_trials(plan(tmp_path).searches[0], point)[0]
    grid = make_plan(
        spec(tmp_path, ("{sigma: {uniform: [0.05, 0.5]}}", "{sigma: 0.1}"), ("{loguniform: [0.01, 10]}", "1")),
        FINGERPRINT,
    )
    assert drawn.trial_id in {trial.trial_id for trial in grid.trials}
