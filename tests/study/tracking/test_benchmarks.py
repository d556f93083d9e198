"""What a run shows of benchmarks: means once they are whole, and what they are over."""

from pathlib import Path
from uuid import uuid4

import pytest

from study.store import Store
from study.tracking.children import child
from study.tracking.exporter import OWN
from study.tracking.parent import study_run
from study.tracking.tables import Tables
from tests.study.hand_made import TEXT, attempt, cell, launched, small_plan, train
from tests.study.tracking.mirror import RENDERERS

LINES = "evaluate:\n  corruptions: {only: [fog, gaussian_noise, saturate], severities: [1, 5]}"


@pytest.fixture
def store() -> Store:
    return Store.open(f"memory://{uuid4().hex}")


def studied(store: Store, folder: Path, cells: int) -> Tables:
    """Every trial trained; the baseline evaluated whole, others under the first `cells` conditions."""
    text = TEXT.replace("evaluate:", LINES)
    plan = small_plan(folder, text)
    launched(store, plan, text)
    for place, trial in enumerate(plan.unique_trials()):
        train(store, trial)
        tested = plan.conditions if place == 0 else plan.conditions[:cells]
        correct = 80 if place == 0 else 90
        store.commit_cells(trial.trial_id, tested, [cell(one.condition_id, correct) for one in tested])
        store.record_attempt(attempt(trial, "evaluate", "done"))
    newest = store.newest_launch(plan.study)
    assert newest is not None
    tables = Tables(store, newest)
    tables.read()
    return tables


def test_a_run_has_the_means_with_what_they_are_over(store: Store, tmp_path: Path) -> None:
    tables = studied(store, tmp_path, cells=100)
    trial = next(trial for trial in tables.plan.trials if trial.train_distortion == "gaussian_noise")
    made = child(tables, trial.trial_id, RENDERERS, {}, False)
    assert made is not None
    means = {name: value for name, value in made.latest.items() if "mce" in name or "corruption" in name}
    assert means == pytest.approx(
        {
            "test.mce": 0.5,
            "test.mce_without_seen": 0.5,
            "test.mce_without_noise": 0.5,
            "test.mean_corruption_error": 0.1,
            **{f"test.corruption.{name}.error": 0.1 for name in ("fog", "gaussian_noise")},
            **{f"test.corruption.{name}.ce": 0.5 for name in ("fog", "gaussian_noise")},
        }
    ), "clean is as hard as corrupted for the baseline: nothing to be relative to"
    assert made.tags["corruptions"] == "2 of 15: gaussian_noise, fog"
    assert (made.tags["corruptions.normalizer"], made.tags["corruptions.seen"]) == ("Baseline", "gaussian_noise")
    assert {name for name in made.tags if name.startswith("corruptions")} <= OWN
    (table,) = [file for file in made.artifacts if file.path == "corruption_errors.csv"]
    header, *rows = table.content().decode().splitlines()
    assert header.startswith("benchmark,corruption,severities,error,normalizer_error,ce,")
    assert [row.split(",")[1:6] for row in rows] == [
        ["gaussian_noise", "2", "0.1", "0.2", "0.5"],
        ["fog", "2", "0.1", "0.2", "0.5"],
    ]


def test_a_run_has_no_mean_before_it_is_whole(store: Store, tmp_path: Path) -> None:
    tables = studied(store, tmp_path, cells=6)
    made = child(tables, tables.plan.trials[1].trial_id, RENDERERS, {}, True)
    assert made is not None
    assert not any("mce" in name for name in made.latest)
    assert "corruptions" not in made.tags


def test_what_is_new_of_the_baseline_concerns_every_run(store: Store, tmp_path: Path) -> None:
    tables = studied(store, tmp_path, cells=6)
    baseline, other, *_ = tables.trials
    assert set(tables.touched({baseline})) == set(tables.trials)
    assert set(tables.touched({other})) == {other}


def test_the_studys_run_says_what_it_is_put_to_and_what_not(store: Store, tmp_path: Path) -> None:
    tables = studied(store, tmp_path, cells=6)
    params = study_run(tables, {}, False, None).params
    assert params["evaluate.corruptions"] == "imagenet_c at 32 px; divided by Baseline"
    assert params["skipped.corruptions"] == "saturate: an image of one channel has no saturation to change"
