"""How fast a whole study is brought into MLflow, and one RPC a metric, as Tune's callback logs, in the same run."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dashboards.still import still
from study.plan import Plan
from study.planning import make_plan
from study.spec import load
from study.store import Store
from study.tracking.client import Client
from study.tracking.curves import Renderers
from study.tracking.place import Place, own_place
from study.tracking.sync import Sync
from study.tracking.tables import Tables
from tests.benchmarks.figures import Figure
from tests.postgres import MlflowServer, binaries, postgresql
from tests.study.hand_made import FINGERPRINT, cell, launched
from trainables.records import Cell, Epoch, Outcome

TRIALS, CONDITIONS, EPOCHS = 300, 100, 10
PEER_RUNS = 5
BOUND = 60.0
"""Seconds: what this project promises on two cores."""
SPEC = """\
study: many
data: mnist_5k
model: lenet
train: {from: Baseline, epochs: 10, batch_size: 50, optimizer: {sgd: {lr: 0.01}}}
distortions:
  gaussian_noise: {sigma: {linear: [0.1, 1, 13]}}
methods:
  Baseline: {method: standard, from: scratch}
  ST: {method: stability_training, alpha: {log: [0.01, 10, 23]}, distortion: gaussian_noise}
evaluate:
  sweeps:
    gaussian_noise: {sigma: {linear: [0.01, 0.99, 50]}, practical: 0.01}
    jpeg: {quality: {linear: [98, 2, 49]}, practical: 98}
"""
"""1 + 23 × 13 trials, 1 + 50 + 49 conditions."""


def measure() -> Iterator[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="study-bench-"))
    try:
        store = _filled(folder)
        yield from _compared("the store's own database", store, own_place(store))
        with _server(folder / "server") as address:
            yield from _compared("a server over HTTP", store, Place(uri=address))
        if binaries() is not None:
            with _over_postgresql(folder / "postgresql") as address:
                yield from _compared("a server over PostgreSQL", store, Place(uri=address))
    finally:
        shutil.rmtree(folder)


def _compared(where: str, store: Store, place: Place) -> Iterator[Figure]:
    client = Client(place)
    client.experiment("many")  # a database is made once
    peer = _one_call_a_metric(client)
    seconds = _sync(store, client)
    what = f"{TRIALS} trials × {CONDITIONS} conditions into {where}"
    scaled = f"one RPC a metric: {TRIALS + 1} × the mean of {PEER_RUNS} runs"
    yield Figure(what=what, ours=seconds, unit="s", peer=peer * (TRIALS + 1), peer_name=scaled, bound=BOUND)
    yield Figure(what="the same once more: nothing to do", ours=_sync(store, client), unit="s")


def _sync(store: Store, client: Client) -> float:
    began = time.perf_counter()
    launch = store.newest_launch("many")
    assert launch is not None
    Sync(Tables(store, launch), client, Renderers(curves=still)).everything({}, False)
    return time.perf_counter() - began


def _one_call_a_metric(client: Client) -> float:
    """Seconds a run that logs as many metrics and params as ours, one by one."""
    mlflow = client.client
    experiment = client.experiment("peer")
    began = time.perf_counter()
    for _ in range(PEER_RUNS):
        run = mlflow.create_run(experiment).info.run_id
        for number in range(25):
            mlflow.log_param(run, f"param {number}", number)
        for epoch in range(EPOCHS):
            for name in ("train.loss", "train.clean", "train.stability", "val.loss", "val.accuracy", "learning_rate"):
                mlflow.log_metric(run, name, 0.5, step=epoch)
        for number in range(7):
            mlflow.log_metric(run, f"test.{number}", 0.5)
        mlflow.set_terminated(run)
    return (time.perf_counter() - began) / PEER_RUNS


def _filled(folder: Path) -> Store:
    (folder / "many.yaml").write_text(SPEC)
    plan = make_plan(load(folder / "many.yaml"), FINGERPRINT)
    assert (len(plan.trials), len(plan.conditions)) == (TRIALS, CONDITIONS)
    store = Store.open(folder / "store")
    launched(store, plan, SPEC)
    for trial in plan.trials:
        store.commit_training(trial, _outcome())
        store.commit_cells(trial.trial_id, plan.conditions, _cells(plan))
    return store


def _cells(plan: Plan) -> list[Cell]:
    return [cell(condition.condition_id, 50) for condition in plan.conditions]


def _outcome() -> Outcome:
    epochs = tuple(
        Epoch(epoch=number, loss=1 / number, terms={"clean": 0.5, "stability": 0.5}, validation_loss=0.5,
              validation_correct=90, validation_n=100, learning_rate=0.01)
        for number in range(1, EPOCHS + 1)
    )  # fmt: skip
    return Outcome(
        planned_epochs=EPOCHS,
        epochs=epochs, selected_epoch=EPOCHS, diverged_epoch=None, validation_correct=90, validation_n=100,
        parameter_count=1, weights_hash="0" * 64, images_seen=100, labels_used=100,
    )  # fmt: skip


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """An `mlflow server` on a free port of this machine, with a database and files of its own."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
             "--artifacts-destination", str(folder / "artifacts"), "--port", str(port)],
            stdout=log, stderr=log, env={"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        try:
            while not _answers(address):
                time.sleep(0.5)
            yield address
        finally:
            process.terminate()
            process.wait()


@contextmanager
def _over_postgresql(folder: Path) -> Iterator[str]:
    """The set-up for several users."""
    folder.mkdir()
    with postgresql() as database:
        server = MlflowServer(folder, database.uri)
        try:
            server.start()
            yield server.address
        finally:
            server.kill()


def _answers(address: str) -> bool:
    with suppress(OSError):
        return bool(urllib.request.urlopen(f"{address}/health", timeout=5).status)
    return False
