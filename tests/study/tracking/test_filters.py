"""What the README says to type into MLflow's search box finds what it says."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from study.plan import Plan
from study.store import Store
from study.tracking.client import Client
from study.tracking.place import Place, own_place
from tests.study.hand_made import attempt, cell, launched, small_plan, train
from tests.study.tracking.mirror import sync
from trainables.recipe import Condition

README = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^\| `((?:tags|metrics|attributes)\..+?)` \| ", README, re.MULTILINE)

FOUND = {
    "tags.label = 'ST'": {1, 2, 3, 4, 5, 6},
    "metrics.hp.alpha > 0.5": {3, 4, 6},
    "metrics.test.gaussian_noise.practical > 0.9 AND tags.train_distortion = 'gaussian_noise'": {1, 2},
    "metrics.test.jpeg.mean > 0.9 AND metrics.test.clean > 0.9": {1, 3},
    "metrics.val.accuracy > 0.9": set(),
    "tags.diverged = 'true'": {7},
    "attributes.status = 'FAILED'": {8},
}
"""Filter → the places in the plan of the trials that it finds."""


@pytest.fixture
def mixed(tmp_path: Path) -> Store:
    """Trials good, bad, diverged and failed."""
    store = Store.open(tmp_path / "mixed")
    plan = small_plan(tmp_path)
    launched(store, plan)
    for place, trial in enumerate(plan.trials[:8]):
        train(store, trial, diverged_epoch=1 if place == 7 else None)
        cells = [cell(one.condition_id, _correct(place, one)) for one in plan.conditions]
        store.commit_cells(trial.trial_id, plan.conditions, cells)
    store.record_attempt(attempt(plan.trials[8], "train", "failed", error="ValueError: no"))
    return store


def _correct(place: int, condition: Condition) -> int:
    if condition.family == "clean" or condition.test_distortion == "jpeg":
        return 95 if place in (1, 3) else 85
    return 95 if place in (1, 2) else 50


def test_the_readme_shows_the_filters_that_are_tried_here() -> None:
    assert list(FOUND) == SHOWN


def test_each_filter_finds_its_trials(tmp_path: Path, mixed: Store, connect: Callable[[Place], Client]) -> None:
    client = connect(own_place(mixed))
    sync(mixed, client)
    plan = small_plan(tmp_path)
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
