"""A study that prunes, with real training: what it gives up, another study finishes, bit for bit."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import optuna
import pytest
from typer.testing import CliRunner

from study.cli.commands import app
from study.plan import Drawn
from study.query import open_tables
from study.store import Store
from study.tracking.client import Client
from study.tracking.place import own_place
from tests.study.launches.tiny import NOWHERE, RESULTS, launched, planned
from tests.study.tracking.mirror import close, shown, sync

pytestmark = [pytest.mark.ray, pytest.mark.slow]

WHOLE = """\
study: whole
data: {name: mnist_5k, train: 200, validation: 100, test: 100}
model: {name: lenet, dropout: 0.5}
train: {epochs: 3, batch_size: 20, optimizer: {sgd: {lr: 0.01, momentum: 0.9}}}
distortions:
  gaussian_noise: {sigma: [0.3]}
methods:
  Baseline: {method: standard}
  DA: {method: data_augmentation, p: [0.25, 0.5, 1], distortion: gaussian_noise}
evaluate:
  sweeps:
    gaussian_noise: {sigma: [0.3], practical: 0.3}
"""
SEARCHED = """\
study: searched
data: {name: mnist_5k, train: 200, validation: 100, test: 100}
model: {name: lenet, dropout: 0.5}
train: {epochs: 3, batch_size: 20, optimizer: {sgd: {lr: 0.01}}, prune: {asha: {min_epochs: 1, reduction_factor: 3}}}
distortions:
  gaussian_noise: {sigma: [0.3]}
methods:
  Baseline: {method: standard}
  ST: {method: stability_training, alpha: {loguniform: [0.001, 100]}, distortion: gaussian_noise}
search: {sampler: {tpe: {n_startup_trials: 3}}, trials: 7, objectives: [clean], seed: 0}
evaluate:
  sweeps:
    gaussian_noise: {sigma: [0.3], practical: 0.3}
"""
PRUNED = WHOLE.replace("study: whole", "study: some").replace(
    "train: {", "train: {prune: {asha: {min_epochs: 1, reduction_factor: 3}}, "
)


def rows(store: Path) -> dict[str, list[dict[str, object]]]:
    opened = Store.open(store, create=False)
    return {name: opened.read(name).to_pylist() for name in RESULTS}


def test_a_pruned_trial_is_finished_by_another_study_and_stays_pruned_in_its_own(cluster: str, tmp_path: Path) -> None:
    result, log = launched(PRUNED, tmp_path / "both", cluster)
    assert result.status == "complete"
    store = Store.open(tmp_path / "both")
    launch = store.newest_launch("some")
    assert launch is not None
    assert list(launch.pruned.values()) == [1, 1]
    told = [event for event in log.events if event.change == "pruned"]
    assert launch.pruned.keys() <= {event.trial.trial_id for event in told if event.trial is not None}
    for trial_id in launch.pruned:
        assert [role for _, role in store.list_checkpoints(trial_id)] == ["last"]
        assert not store.is_trained(trial_id)
        assert trial_id not in store.committed().evaluated
    own = rows(tmp_path / "both")
    bands = open_tables(store, "some").sql("SELECT DISTINCT trials, pruned FROM bands").to_pylist()
    assert bands == [{"trials": 1, "pruned": 2}]
    client = Client(own_place(store))
    sync(store, client, "some")
    runs = shown(client, "some")
    close(client)
    assert {run["status"] for run in runs.values()} == {"FINISHED"}
    tagged = sorted(run["tags"]["pruned"] for run in runs.values() if "pruned" in run["tags"])
    assert tagged == ["2", "after 1 of 3 epochs", "after 1 of 3 epochs"]

    finished, _ = launched(WHOLE, tmp_path / "both", cluster)
    assert finished.status == "complete"
    undisturbed, _ = launched(WHOLE, tmp_path / "alone", cluster)
    assert undisturbed.status == "complete"
    assert rows(tmp_path / "both") == rows(tmp_path / "alone")
    assert len(own["trials"]) == 2

    again, _ = launched(PRUNED, tmp_path / "both", NOWHERE)
    assert again.status == "complete"
    assert again.progress.tallies["DA"].pruned == 2
    bands = open_tables(store, "some").sql("SELECT DISTINCT trials, pruned FROM bands").to_pylist()
    assert bands == [{"trials": 1, "pruned": 2}]
    status = CliRunner().invoke(app, ["status", "some", "--store", str(tmp_path / "both")]).output
    assert "some is complete: 4 trials, 2 pruned, 4 evaluations" in " ".join(status.split())
    why = CliRunner().invoke(app, ["why", next(iter(launch.pruned)), "--store", str(tmp_path / "both")])
    assert "pruned after 1 of 3 epochs" in " ".join(why.output.split())


def test_a_search_that_prunes_comes_to_the_same_points_killed_and_not(cluster: str, tmp_path: Path) -> None:
    result, _ = launched(SEARCHED, tmp_path / "alone", cluster)
    assert result.status == "complete"
    alone, pruned = course(tmp_path / "alone")
    assert len(alone) == 7
    assert 4 <= len(pruned) <= 6
    for points in (2, 4, 6):
        killed_after(points, tmp_path / "killed", cluster)
    assert launched(SEARCHED, tmp_path / "killed", cluster)[0].status == "complete"
    assert course(tmp_path / "killed") == (alone, pruned)
    assert rows(tmp_path / "killed") == rows(tmp_path / "alone")
    assert optuna_states(tmp_path / "alone") == {"COMPLETE": 7 - len(pruned), "PRUNED": len(pruned)}


def course(store: Path) -> tuple[list[Drawn], set[str]]:
    """The points that were drawn, each with what its sampler knew, and the trials that are pruned."""
    launch = Store.open(store).newest_launch("searched")
    assert launch is not None
    return list(launch.plan.drawn), set(launch.pruned)


def killed_after(points: int, store: Path, address: str) -> None:
    """Launched until so many points are drawn."""
    spec = store.parent / "searched.yaml"
    spec.write_text(SEARCHED)
    command = [sys.executable, "-m", "study.cli", "launch", str(spec), "--store", str(store), "--address", address]
    launch = subprocess.Popen([*command, "--max-concurrent", "1"], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list(store.glob("studies/*/searches/*/*.json"))) < points:
        assert launch.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    launch.kill()
    launch.wait()


def optuna_states(store: Path) -> dict[str, int]:
    """How many points Optuna's own tools see in each state."""
    journal = optuna.storages.journal.JournalFileBackend(str(store / "studies" / "searched" / "optuna.journal"))
    storage = optuna.storages.JournalStorage(journal)
    (name,) = optuna.get_all_study_names(storage)
    return dict(Counter(trial.state.name for trial in optuna.load_study(study_name=name, storage=storage).trials))


def test_the_plan_says_who_is_compared_when() -> None:
    assert planned(PRUNED).prunings
    assert planned(WHOLE).prunings == ()
    assert {one.trial_id for one in planned(PRUNED).trials} == {one.trial_id for one in planned(WHOLE).trials}
