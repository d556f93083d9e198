"""A trial that counts iterations, through a worker and the store."""

from pathlib import Path

from study.store import Store
from tests.study.launches.alone import unit, worker
from tests.study.launches.tiny import TEXT, planned
from trainables.tune import Report

COUNTED = TEXT.replace("epochs: 3}", "iterations: 25}").replace("epochs: 2,", "iterations: 12,")
"""Of 200 images in batches of 20: two epochs and a half, then one and a fifth."""


def reports(store: Path, label: str) -> list[Report]:
    """What a worker says of a trial's training, a slice a step."""
    plan = planned(COUNTED)
    running, told = worker(plan, store, unit(plan, f"train:{label}"), slice_seconds=0.0), []
    while not told or told[-1].status == "running":
        told.append(running.step()["report"])
    return told


def test_the_worker_tells_the_share_and_the_store_keeps_the_epochs(tmp_path: Path) -> None:
    told = reports(tmp_path, "Baseline")
    shares = [report.share for report in told]
    assert shares == sorted(shares)
    assert len(set(shares)) > 20
    assert (told[-1].status, told[-1].share, told[-1].epoch, told[-1].images) == ("done", 1.0, 3, 500)
    told = reports(tmp_path, "ST")
    assert (told[-1].status, told[-1].epoch, told[-1].images) == ("done", 2, 240)
    store = Store.open(tmp_path)
    trials = {row["method"]: row for row in store.read("trials").to_pylist()}
    assert {name: row["epochs"] for name, row in trials.items()} == {"standard": 3, "stability_training": 2}
    assert '"iterations":25' in trials["standard"]["identity"]
    assert '"epochs"' not in trials["standard"]["identity"]
    assert len(store.read("epochs")) == 5
