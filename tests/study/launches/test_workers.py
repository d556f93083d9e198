"""What a worker computes depends on the trial alone: not on what it ran before, nor on who runs it."""

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from ray import tune

from study.executor.cluster import connected
from study.store import Store
from tests.study.launches.alone import finish, open_sessions, run, unit, worker
from tests.study.launches.tiny import TEXT, planned, results
from trainables.checkpoint import parse
from trainables.tune import StudyTrainable

pytestmark = pytest.mark.ray


def fresh(store: Path, *told: str) -> None:
    """The units in a new process."""
    subprocess.run([sys.executable, "-m", "tests.study.launches.alone", str(store), *told], check=True, timeout=120)


@pytest.fixture(scope="module")
def with_parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the trained baseline; not to be changed."""
    store = tmp_path_factory.mktemp("parent")
    fresh(store, "train:Baseline")
    return store


def rows_of(store: Path, trial_id: str) -> dict[str, pa.Table]:
    return {name: table.filter(pc.equal(table["trial_id"], trial_id)) for name, table in results(store).items()}


@pytest.mark.parametrize(
    ("before", "then"),
    [
        (("train:ST", "evaluate:ST"), "DA"),
        (("train:DA", "evaluate:DA", "evaluate:Baseline"), "ST"),
    ],
)
def test_a_warm_worker_computes_what_a_fresh_process_does(
    with_parent: Path, tmp_path: Path, before: tuple[str, ...], then: str
) -> None:
    alone, warm = (Path(shutil.copytree(with_parent, tmp_path / name)) for name in ("alone", "warm"))
    fresh(alone, f"train:{then}", f"evaluate:{then}")
    run(warm, *before, f"train:{then}", f"evaluate:{then}")
    trial_id = unit(planned(TEXT), f"train:{then}").trial.trial_id
    expected, found = rows_of(alone, trial_id), rows_of(warm, trial_id)
    assert {name: len(table) for name, table in expected.items()} == {
        "trials": 1, "epochs": 2, "evaluations": 3, "predictions": 3,
    }  # fmt: skip
    assert found["trials"]["weights_hash"].to_pylist() == expected["trials"]["weights_hash"].to_pylist()
    assert found == expected


def test_a_training_stopped_between_any_two_steps_goes_on_as_if_it_had_not(with_parent: Path, tmp_path: Path) -> None:
    """As a launch that is told to stop does: the worker saves in mid-epoch, another process goes on from there."""
    plain, stopped = (Path(shutil.copytree(with_parent, tmp_path / name)) for name in ("plain", "stopped"))
    plan = planned(TEXT)
    training = unit(plan, "train:ST")
    run(plain, "train:ST")
    steps = random.Random(6).choice([3, 5, 7])
    first = worker(plan, stopped, training, slice_seconds=0.0)
    for _ in range(steps):
        assert not first.step()["done"]
    first.cleanup()
    (saved,) = stopped.glob(f"trials/{training.trial.trial_id}/*/last.ckpt")
    state = parse(saved.read_bytes())
    assert (len(state["epochs"]), state["step"]) == (0, steps)
    torch.manual_seed(0)
    finish(worker(plan, stopped, training))
    assert rows_of(stopped, training.trial.trial_id) == rows_of(plain, training.trial.trial_id)


def test_a_plain_tuner_runs_a_unit_to_its_commit(with_parent: Path, cluster: str, tmp_path: Path) -> None:
    """The contract of `StudyTrainable`: it needs a unit and sessions, not our searcher."""
    tuned, alone = (Path(shutil.copytree(with_parent, tmp_path / name)) for name in ("tuned", "alone"))
    plan = planned(TEXT)
    training = unit(plan, "train:DA")
    opened = open_sessions(plan, tuned)
    with connected(cluster, Store.open(tuned)):
        prepared = tune.with_parameters(
            StudyTrainable, open_session=opened, conditions=opened.conditions, slice_seconds=1.0
        )
        tuner = tune.Tuner(
            tune.with_resources(prepared, {"cpu": 1}),
            param_space={"unit": training},
            run_config=tune.RunConfig(storage_path=str(tmp_path / "tune"), verbose=0),
        )
        ended = tuner.fit()[0]
    assert ended.error is None
    assert ended.metrics is not None
    assert ended.metrics["report"].status == "done"
    assert Store.open(tuned).is_trained(training.trial.trial_id)
    assert Store.open(tuned).leases() == ()
    run(alone, "train:DA")
    assert rows_of(tuned, training.trial.trial_id) == rows_of(alone, training.trial.trial_id)


def test_epochs_are_told_as_they_end_and_after_an_interruption_from_the_first(
    with_parent: Path, tmp_path: Path
) -> None:
    store = Path(shutil.copytree(with_parent, tmp_path / "store"))
    training = unit(planned(TEXT), "train:ST")
    interrupted = worker(planned(TEXT), store, training, slice_seconds=0.0)
    told: tuple[int, ...] = ()
    while not told:
        told += tuple(epoch.epoch for epoch in interrupted.step()["report"].epochs)
    assert told == (1,)
    interrupted.cleanup()
    resumed = worker(planned(TEXT), store, training, slice_seconds=0.0)
    reports = [resumed.step()["report"]]
    while reports[-1].status == "running":
        reports.append(resumed.step()["report"])
    assert [epoch.epoch for epoch in reports[0].epochs] == [1]
    epochs = [epoch for report in reports for epoch in report.epochs]
    rows = rows_of(store, training.trial.trial_id)["epochs"].to_pylist()
    assert [(epoch.epoch, epoch.loss) for epoch in epochs] == [(row["epoch"], row["loss"]) for row in rows]
