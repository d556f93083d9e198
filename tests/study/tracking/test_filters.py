"""What the README says to type into MLflow's search box finds what it says."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from study.plan import Plan
from study.store import Store
from study.tracking.client import Client
from study.tracking.place import Place, own_place
from tests.study.hand_made import TEXT, attempt, cell, launched, small_plan, train
from tests.study.tracking.mirror import sync
from trainables.recipe import Condition
from trainables.records import AttackCounts, Cell, NoiseStability

README = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^\| `((?:tags|metrics|attributes)\..+?)` \| ", README, re.MULTILINE)

FOUND = {
    "tags.label = 'ST'": {1, 2, 3, 4, 5, 6},
    "metrics.hp.alpha > 0.5": {3, 4, 6},
    "metrics.test.gaussian_noise.practical > 0.9 AND tags.train_distortion = 'gaussian_noise'": {1, 2},
    "metrics.test.jpeg.mean > 0.9 AND metrics.test.clean > 0.9": {1, 3},
    "metrics.test.mce < 0.8": {1, 2},
    "metrics.test.fgs.exact.linf_mean > 40": {5, 6, 7},
    'metrics."test.noise_stability.40.changed" < 0.1': {6},
    "metrics.val.accuracy > 0.9": set(),
    "tags.diverged = 'true'": {7},
    "attributes.status = 'FAILED'": {8},
}
"""Filter → the places in the plan of the trials that it finds."""


TESTS = """\
evaluate:
  corruptions: {only: [fog], severities: [1]}
  attacks: {fgs: {rules: [exact]}}
  noise_stability: {sigma: [40], stages: [1], draws: 10, per_class: 1}
"""
MIXED = TEXT.replace("evaluate:\n", TESTS)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return small_plan(tmp_path, MIXED)


@pytest.fixture
def mixed(tmp_path: Path, plan: Plan) -> Store:
    """Trials good, bad, diverged and failed."""
    store = Store.open(tmp_path / "mixed")
    launched(store, plan, MIXED)
    for place, trial in enumerate(plan.trials[:8]):
        train(store, trial, diverged_epoch=1 if place == 7 else None)
        for one in plan.conditions:
            role = "stages" if one.family == "noise_stability" else "best"
            store.commit_cells(trial.trial_id, plan.conditions, [_cell(place, one)], role)
    store.record_attempt(attempt(plan.trials[8], "train", "failed", error="ValueError: no"))
    return store


def _cell(place: int, condition: Condition) -> Cell:
    made = cell(condition.condition_id, _correct(place, condition))
    if condition.family == "attack":
        return replace(made, attacks=(_attacked(10 * place),))
    if condition.family == "noise_stability":
        return replace(made, noise_stability=(_noisy(changed=0 if place == 6 else 3),))
    return made


def _attacked(linf: float) -> AttackCounts:
    return AttackCounts(
        attack="fgs", variant="exact", attempts=50, successes=50, blank=0, linf_sum=50.0 * linf,
        linf_square_sum=0.0, pass_sum=None, pass_square_sum=None, pass_unaligned_sum=25.0,
        pass_unaligned_square_sum=12.5,
    )  # fmt: skip


def _noisy(changed: int) -> NoiseStability:
    return NoiseStability(
        stage=1, counts="epochs", draws=10, classes=10, per_class=1, images=(0, 1), labels=(0, 1), changed=(changed, 0)
    )


def _correct(place: int, condition: Condition) -> int:
    if condition.family == "clean" or condition.test_distortion == "jpeg":
        return 95 if place in (1, 3) else 85
    return 95 if place in (1, 2) else 50


def test_the_readme_shows_the_filters_that_are_tried_here() -> None:
    assert list(FOUND) == SHOWN


def test_each_filter_finds_its_trials(plan: Plan, mixed: Store, connect: Callable[[Place], Client]) -> None:
    client = connect(own_place(mixed))
    sync(mixed, client)
    assert {text: _places(client, plan, text) for text in FOUND} == FOUND


def test_numbers_sort_as_numbers(store: Store, client: Client) -> None:
    sync(store, client)
    experiment = client.experiment("small")
    runs = client.client.search_runs([experiment], "tags.label = 'ST'", order_by=["metrics.hp.alpha DESC"])
    alphas = [run.data.metrics["hp.alpha"] for run in runs]
    assert alphas == sorted(alphas, reverse=True)
    assert len(set(alphas)) == 2


def _places(client: Client, plan: Plan, found: str) -> set[int]:
    experiment = client.client.get_experiment_by_name("small")
    assert experiment is not None
    ids = [trial.trial_id for trial in plan.trials]
    runs = client.client.search_runs([experiment.experiment_id], found)
    return {ids.index(run.data.tags["trial_id"]) for run in runs if "trial_id" in run.data.tags}
