"""The tiny study: LeNets with dropout and momentum on 200 digits, trained for real in seconds."""

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from study.launch import LaunchOptions, Result, launch
from study.plan import Plan
from study.planning import data_set, make_plan
from study.spec import Spec, load
from study.store import Store
from tests.study.executor.noop import Log

TEXT = """\
study: tiny
title: Real training on few digits
data: {name: mnist_5k, train: 200, validation: 100, test: 100}
model: {name: lenet, dropout: 0.5}
train: {from: Baseline, epochs: 2, batch_size: 20, optimizer: {sgd: {lr: 0.01, momentum: 0.9}}}
distortions:
  gaussian_noise: {sigma: [0.3]}
methods:
  Baseline: {method: standard, from: scratch, epochs: 3}
  ST: {method: stability_training, alpha: [0.1, 1], distortion: gaussian_noise}
  DA: {method: data_augmentation, p: [0.5, 1], distortion: gaussian_noise}
evaluate:
  sweeps:
    gaussian_noise: {sigma: [0.1, 0.3], practical: 0.3}
"""
"""1 + 2 + 2 trials × 3 conditions."""
LONG = (
    TEXT.replace("epochs: 2, batch_size: 20", "epochs: 20, batch_size: 10")
    .replace("epochs: 3}", "epochs: 20}")
    .replace("lr: 0.01", "lr: 0.002")
    .replace("alpha: [0.1, 1]", "alpha: [1]")
    .replace("p: [0.5, 1]", "p: [1]")
)
"""1 + 1 + 1 trials of 20 epochs, seconds each: long enough to be killed in."""
TRAIN_IMAGES, TEST_IMAGES, CLASSES = 200, 100, 10

RESULTS = ("trials", "epochs", "evaluations", "predictions")
"""The tables that hold results only: nothing in them depends on when, where or in how many attempts."""
NOWHERE = "ray://nowhere"
"""An address that is refused at once, for launches that must not need a cluster."""


def spec(text: str) -> Spec:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.yaml"
        path.write_text(text)
        return load(path)


def planned(text: str) -> Plan:
    read = spec(text)
    return make_plan(read, data_set(read).fingerprint())


def launched(text: str, store: Path, address: str, *, limit: int | None = None) -> tuple[Result, Log]:
    """By one worker: another takes longer to start than all there is to do."""
    log = Log([])
    options = LaunchOptions(address=address, limit=limit, max_concurrent=1)
    return launch(spec(text), Store.open(store), options, log), log


def results(store: Path) -> dict[str, pa.Table]:
    """The result tables, in the order of their keys."""
    opened = Store.open(store, create=False)
    return {name: opened.read(name) for name in RESULTS}


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def attempts(store: Path) -> dict[str, dict[str, Any]]:
    """By attempt token."""
    return {row["attempt"]: row for row in Store.open(store).read("attempts").to_pylist()}
