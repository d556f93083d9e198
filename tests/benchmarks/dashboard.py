"""What the dashboard of a large study takes: a store of the size of grid_tifs with made-up results, and its page."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

import dashboards
from dashboards.page import plotly_script
from dashboards.reading import PNG_BEGINS, PNG_ENDS
from study.plan import Plan, PlannedTrial, Sweep
from study.planning import make_plan
from study.spec import load
from study.store import Store
from study.store.examples import example_name
from tests.benchmarks.figures import Figure
from tests.study.plan.tifs import GRID_TIFS
from trainables.recipe import Condition
from trainables.records import Cell, Epoch, Outcome

FURTHER, SEVERITIES = 15, 5
"""Test distortions beside those of the grid, as a benchmark of corruptions adds them."""
N, CLASSES = 10_000, 200
PICTURE = 22_000
"""Bytes of a picture of 96 × 96 pixels that no compression makes smaller."""


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="study-bench-") as folder:
        plan = _plan(Path(folder))
        store = Store.open(Path(folder) / "store")
        _fill(store, plan)
        path = Path(folder) / "page.html"
        began = time.perf_counter()
        dashboards.write_page(store, plan.study, path)
        seconds = time.perf_counter() - began
        megabytes = path.stat().st_size / 1e6
    what = f"the dashboard of {len(plan.trials)} trials × {len(plan.conditions)} conditions"
    yield Figure(what=f"{what}: built", ours=seconds, unit="s", bound=30)
    yield Figure(
        what=f"{what}: its size", ours=megabytes, unit="MB", bound=15, peer=len(plotly_script()) / 1e6,
        peer_name="plotly.js alone",
    )  # fmt: skip


def _plan(folder: Path) -> Plan:
    spec = folder / "grid_tifs.yaml"
    spec.write_text(GRID_TIFS)
    plan = make_plan(load(spec), "0" * 32)
    added = [(k, s) for k in range(FURTHER) for s in range(1, SEVERITIES + 1)]
    conditions = tuple(_condition(plan.conditions[0], k, severity) for k, severity in added)
    sweeps = tuple(_sweep(k) for k in range(FURTHER))
    return replace(plan, conditions=plan.conditions + conditions, sweeps=plan.sweeps + sweeps)


def _condition(clean: Condition, k: int, severity: int) -> Condition:
    return replace(
        clean, condition_id=_id(k, severity), family="sweep", test_distortion=f"corruption_{k}", parameter="severity",
        level=float(severity),
    )  # fmt: skip


def _sweep(k: int) -> Sweep:
    levels = tuple(map(float, range(1, SEVERITIES + 1)))
    return Sweep(
        test_distortion=f"corruption_{k}", parameter="severity", unit="", symbol="", levels=levels, practical=3.0,
        condition_ids=tuple(_id(k, int(severity)) for severity in levels),
    )  # fmt: skip


def _id(k: int, severity: int) -> str:
    return f"{k:08x}{severity:08x}"


def _fill(store: Store, plan: Plan) -> None:
    draws = np.random.default_rng(0)
    code = {"commit": "0" * 40, "dirty": False}
    store.record_launch(plan, GRID_TIFS, {"code": code, "data": {"classes": CLASSES, "images": {"test": N}}})
    for trial in plan.unique_trials():
        store.commit_training(trial, _outcome(trial))
        cells = [_cell(condition, draws) for condition in plan.conditions]
        store.commit_cells(trial.trial_id, plan.conditions, cells)
    for condition in plan.conditions:
        attack = plan.baseline_id if condition.test_distortion == "fgsm" else None
        store.keep_example(example_name(condition.condition_id, attack), PNG_BEGINS + draws.bytes(PICTURE) + PNG_ENDS)


def _outcome(trial: PlannedTrial) -> Outcome:
    epochs = tuple(
        Epoch(epoch=k, loss=1 / k, terms={"clean": 1 / k, "stability": 0.1}, validation_loss=1 / k,
              validation_correct=5000 + 100 * k, validation_n=N, learning_rate=0.01)
        for k in range(1, trial.recipe.epochs + 1)
    )  # fmt: skip
    return Outcome(
        planned_epochs=len(epochs),
        epochs=epochs, selected_epoch=len(epochs), diverged_epoch=None,
        validation_correct=epochs[-1].validation_correct, validation_n=N, parameter_count=1, weights_hash="f" * 64,
        images_seen=N, labels_used=N,
    )  # fmt: skip


def _cell(condition: Condition, draws: np.random.Generator) -> Cell:
    right = draws.random(N) < draws.uniform(0.3, 0.8)
    return Cell(
        condition_id=condition.condition_id, n=N, correct=int(right.sum()), top5_correct=N, loss_sum=1.0,
        confidence_sum=1.0, at_chance=False, correct_bits=np.packbits(right).tobytes(),
    )  # fmt: skip
