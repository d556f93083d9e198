"""Noise stability over stages, added to a study that was trained without keeping any."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from study.cli.commands import app
from study.launch import LaunchOptions, launch
from study.query import open_tables
from study.store import Store
from tests.study.executor.noop import Log
from tests.study.launches.tiny import TEXT, launched, results, spec

pytestmark = pytest.mark.ray

TESTED = TEXT.replace(
    "evaluate:", "evaluate:\n  noise_stability: {sigma: [50], draws: 4, per_class: 2, spare: 1, stages: [1, 2, 3]}"
)
"""The baseline has three epochs, the four others two."""
TRIALS = 5


def test_stages_never_kept_are_left_until_a_launch_is_told_to_train_again(cluster: str, store: Path) -> None:
    before = results(store)
    first, _ = launched(TESTED, store, cluster)
    assert first.status == "incomplete"
    assert sorted(first.blocked.values()) == [
        *["its weights after 1, 2 epochs were never kept; --retrain trains it again to keep them"] * (TRIALS - 1),
        "its weights after 1, 2, 3 epochs were never kept; --retrain trains it again to keep them",
    ]
    assert results(store) == before
    path = store / "tested.yaml"
    path.write_text(TESTED)
    planned = CliRunner().invoke(app, ["plan", str(path), "--store", str(store)]).output
    assert f"{TRIALS} trials, which were trained without keeping weights on the way" in " ".join(planned.split())
    again = launch(
        spec(TESTED), Store.open(store), LaunchOptions(address=cluster, retrain=True, max_concurrent=1), Log([])
    )
    assert (again.status, again.failures, again.blocked) == ("complete", {}, {})
    after = results(store)
    assert after["trials"] == before["trials"]
    assert after["epochs"] == before["epochs"]
    assert len(after["evaluations"]) == len(before["evaluations"]) + TRIALS
    rows = (
        open_tables(Store.open(store), "tiny").sql("FROM noise_stability ORDER BY label, trial_id, stage").to_pylist()
    )
    assert [(row["label"], row["stage"]) for row in rows] == [
        *[("Baseline", stage) for stage in (1, 2, 3)],
        *[(label, stage) for label in ("DA", "DA", "ST", "ST") for stage in (1, 2)],
    ]
    assert not list(store.glob("trials/*/*/again-*.ckpt"))
    assert not list(store.glob("trials/*/*/last.ckpt"))
    whole, _ = launched(TESTED, store, "ray://nowhere")
    assert whole.status == "complete"
