"""A study launched again: as it was, with more points, with fewer. Only what is missing is computed."""

from pathlib import Path
from typing import Any

import pytest

from study.query import Tables, open_tables
from study.store import Store
from tests.study.launches.tiny import (
    CLASSES,
    NOWHERE,
    TEST_IMAGES,
    TEXT,
    TRAIN_IMAGES,
    attempts,
    files,
    launched,
    planned,
)

pytestmark = pytest.mark.ray

WIDER = TEXT.replace("alpha: [0.1, 1]", "alpha: [0.1, 1, 10]").replace("p: [0.5, 1]", "p: [0.25, 0.5, 1]")
MORE_LEVELS = TEXT.replace("sigma: [0.1, 0.3], practical", "sigma: [0.1, 0.2, 0.3], practical")
NARROWER = TEXT.replace("alpha: [0.1, 1]", "alpha: [1]")
FEWER_LEVELS = TEXT.replace("sigma: [0.1, 0.3], practical", "sigma: [0.3], practical")


def ids(text: str) -> set[str]:
    return {trial.trial_id for trial in planned(text).trials}


def conditions(text: str) -> set[str]:
    return {condition.condition_id for condition in planned(text).conditions}


def asked(store: Path) -> Tables:
    return open_tables(Store.open(store), "tiny")


def column(store: Path, view: str, name: str = "trial_id") -> set[Any]:
    return set(asked(store).sql(f"SELECT {name} FROM {view}")[name].to_pylist())


def new_attempts(store: Path, before: dict[str, bytes]) -> list[dict[str, Any]]:
    """Rows of attempts that were not there before."""
    old = {name.split(".")[1] for name in before if name.startswith("attempts/")}
    return [row for token, row in attempts(store).items() if token not in old]


def test_a_launch_records_what_the_data_are(store: Path) -> None:
    launch = Store.open(store).newest_launch("tiny")
    assert launch is not None
    images = {"train": TRAIN_IMAGES, "validation": 100, "test": TEST_IMAGES}
    assert launch.provenance["data"] == {"images": images, "classes": CLASSES}


def test_the_second_launch_trains_nothing(store: Path, cluster: str) -> None:
    results, checkpoints = files(store / "results"), files(store / "trials")
    assert len([name for name in results if name.startswith("attempts/")]) == 2 * 5
    result, log = launched(TEXT, store, cluster)
    assert result.status == "complete"
    assert log.events == []
    assert files(store / "results") == results
    assert files(store / "trials") == checkpoints


def test_a_wider_grid_trains_its_new_points_only(store: Path, cluster: str) -> None:
    before = files(store / "results")
    result, log = launched(WIDER, store, cluster)
    assert result.status == "complete"
    new = ids(WIDER) - ids(TEXT)
    assert len(new) == 2
    ran = new_attempts(store, before)
    assert sorted((row["trial_id"], row["unit"]) for row in ran) == sorted(
        (trial_id, unit) for trial_id in new for unit in ("evaluate", "train")
    )
    assert {row["images"] for row in ran if row["unit"] == "train"} == {2 * TRAIN_IMAGES}
    assert {event.trial.trial_id for event in log.events if event.trial} == new
    assert before.items() <= files(store / "results").items(), "a committed file never changes"
    assert column(store, "trials") == ids(WIDER)


def test_a_new_test_level_is_evaluated_and_nothing_is_trained(store: Path, cluster: str) -> None:
    before = files(store / "results")
    result, log = launched(MORE_LEVELS, store, cluster)
    assert result.status == "complete"
    told = [(event.change, event.message) for event in log.events if event.change == "started"]
    assert told == [("started", "evaluations: 1")] * 5
    assert [event.change for event in log.events].count("done") == 5
    ran = new_attempts(store, before)
    assert {row["unit"] for row in ran} == {"evaluate"}
    assert sorted(row["trial_id"] for row in ran) == sorted(ids(TEXT))
    assert [row["images"] for row in ran] == [TEST_IMAGES] * 5
    after = files(store / "results")
    assert before.items() <= after.items()
    assert {name.split("/")[0] for name in after.keys() - before.keys()} == {
        "attempts", "conditions", "evaluations", "examples", "predictions",
    }  # fmt: skip
    assert column(store, "evaluations", "condition_id") == conditions(MORE_LEVELS)
    assert asked(store).sql("SELECT level FROM bands WHERE label = 'DA' ORDER BY step")["level"].to_pylist() == [
        None, 0.1, 0.2, 0.3,
    ]  # fmt: skip


def test_a_narrower_grid_leaves_the_views_and_stays_in_the_store(store: Path) -> None:
    before = files(store / "results")
    result, log = launched(NARROWER, store, NOWHERE)
    assert (result.status, log.events) == ("complete", [])
    assert files(store / "results") == before
    (dropped,) = ids(TEXT) - ids(NARROWER)
    for view in ("trials", "evaluations", "epochs", "attempts", "predictions"):
        assert column(store, view) == ids(NARROWER), view
    assert column(store, "all_trials") == {*ids(NARROWER), dropped}
    assert asked(store).sql("SELECT trials FROM bands WHERE label = 'ST'")["trials"].to_pylist() == [1, 1, 1]

    launched(TEXT, store, NOWHERE)
    assert column(store, "trials") == ids(TEXT)


def test_a_dropped_test_level_leaves_the_views_and_stays_in_the_store(store: Path) -> None:
    before = files(store / "results")
    result, log = launched(FEWER_LEVELS, store, NOWHERE)
    assert (result.status, log.events) == ("complete", [])
    assert files(store / "results") == before
    (dropped,) = conditions(TEXT) - conditions(FEWER_LEVELS)
    for view in ("evaluations", "predictions"):
        assert column(store, view, "condition_id") == conditions(FEWER_LEVELS), view
    assert column(store, "bands", "level") == {None, 0.3}
    assert dropped in set(Store.open(store).read("evaluations")["condition_id"].to_pylist())
