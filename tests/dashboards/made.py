"""A study of which every result is made by a rule: bands that cross the baseline, trials that diverge, a 5 × 5 grid."""

import random
from pathlib import Path
from uuid import uuid4

import numpy as np
import torch

from dashboards.reading import read_results
from dashboards.results import Results
from study.plan import Plan, PlannedTrial
from study.planning import make_plan
from study.spec import load
from study.store import AttemptRow, Store
from study.store.examples import example_name
from tests.study.hand_made import NOON
from trainables.pictures import png
from trainables.recipe import Condition
from trainables.records import Cell, Epoch, Outcome

TEXT = """\
study: made
title: Made <b>up</b> & then some
data: {name: mnist_5k, train: 200, validation: 100, test: 400}
model: lenet
train: {from: Baseline, epochs: 3, batch_size: 50, optimizer: {sgd: {lr: 0.01}}}
distortions:
  gaussian_noise: {sigma: {log: [0.05, 0.8, 5]}}
  rotation: {degrees: [30, 60]}
methods:
  Baseline: {method: standard, from: scratch}
  ST: {method: stability_training, alpha: {log: [0.01, 10, 5]}, distortion: gaussian_noise}
  DA: {method: data_augmentation, p: [0.5, 1], distortion: [gaussian_noise, rotation]}
  <i>AT</i>: {method: data_augmentation, p: 0.25, distortion: rotation}
evaluate:
  sweeps:
    gaussian_noise: {sigma: [0.1, 0.3, 0.6], practical: 0.3}
    jpeg: {quality: [90, 30, 5], practical: 30}
    fgsm: {epsilon: [0.001, 0.01, 0.1], practical: 0.01}
figures:
  1a: {train: gaussian_noise, test: gaussian_noise, methods: [ST, DA], pick_at: [0.3, 0.6]}
  2c: {train: rotation, test: jpeg, methods: [DA], also: {train: gaussian_noise, methods: [ST]}}
"""
"""1 + 25 + 10 + 4 + 2 trials × 10 conditions of 400 images in ten classes."""
N, CLASSES = 400, 10
AT_CHANCE, DIVERGED_LATE = 7, 8
"""Places in the plan, among the trials of ST."""
PNG = png(torch.linspace(0, 1, 28 * 28).reshape(1, 28, 28))


def planned(folder: Path, text: str = TEXT) -> Plan:
    path = folder / "made.yaml"
    path.write_text(text)
    return make_plan(load(path), "0" * 32)


def made(folder: Path, text: str, trials: int | None = None) -> Results:
    """The results of a study of one's own."""
    plan, store = planned(folder, text), in_memory()
    finished(store, plan, text, trials)
    return read_results(store, plan.study)


def in_memory() -> Store:
    """A store of its own that waits for no disk."""
    return Store.open(f"memory://{uuid4().hex}")


def finished(store: Store, plan: Plan, text: str = TEXT, trials: int | None = None) -> None:
    """The first `trials` of the plan, or all of them, trained and evaluated."""
    data = {"images": {"train": 200, "test": N}, "classes": CLASSES}
    code = {"commit": "abcdef0123456789", "dirty": False}
    store.record_launch(plan, text, {"code": code, "data": data, "versions": {"torch": "2.15.0"}})
    for place, trial in enumerate(plan.unique_trials()[:trials]):
        train(store, trial, place)
        evaluate(store, plan, trial, place)
    for condition in plan.conditions if trials is None else ():
        attack = plan.baseline_id if condition.test_distortion == "fgsm" else None
        store.keep_example(example_name(condition.condition_id, attack), PNG)


def train(store: Store, trial: PlannedTrial, place: int) -> None:
    """Three epochs; the ones that diverge stop in the second, or the first."""
    finite = {AT_CHANCE: 0, DIVERGED_LATE: 1}.get(place, 3)
    epochs = tuple(
        Epoch(epoch=k, loss=1 / k, terms={"stability": 0.1 * k}, validation_loss=1 / k,
              validation_correct=80 + place % 7 + k, validation_n=100, learning_rate=0.01)
        for k in range(1, finite + 1)
    )  # fmt: skip
    store.commit_training(
        trial,
        Outcome(
            planned_epochs=3,
            epochs=epochs,
            selected_epoch=finite or None,
            diverged_epoch=None if finite == 3 else finite + 1,
            validation_correct=epochs[-1].validation_correct if epochs else None,
            validation_n=100,
            parameter_count=1,
            weights_hash="f" * 64 if epochs else None,
            images_seen=9000,
            labels_used=9000,
        ),
    )
    store.record_attempt(attempt(trial, "diverged" if finite < 3 else "done"))


def evaluate(store: Store, plan: Plan, trial: PlannedTrial, place: int) -> None:
    chance = place == AT_CHANCE
    cells = [cell(one, trial, step, chance) for step, one in enumerate(plan.conditions)]
    store.commit_cells(trial.trial_id, plan.conditions, cells)


def cell(condition: Condition, trial: PlannedTrial, step: int, chance: bool) -> Cell:
    """Images right by a coin of a bias that falls with the step, drawn anew for each trial and condition."""
    coin = random.Random(f"{trial.trial_id} {condition.condition_id}")
    bias = 0.96 - 0.04 * (step % 4) - 0.25 * coin.random() * (step % 4) / 3
    right = np.array([coin.random() < bias for _ in range(N)], np.uint8)
    correct = round(N / CLASSES) if chance else int(right.sum())
    return Cell(
        condition_id=condition.condition_id, n=N, correct=correct, top5_correct=N, loss_sum=None if chance else 1.0,
        confidence_sum=None if chance else 1.0, at_chance=chance,
        correct_bits=None if chance else np.packbits(right).tobytes(),
    )  # fmt: skip


def attempt(trial: PlannedTrial, status: str) -> AttemptRow:
    return AttemptRow(
        trial_id=trial.trial_id, attempt="0001-aaaa", unit="train", status=status,  # type: ignore[arg-type]
        started=NOON, seconds=4.0, host="engine", device="cpu", images=400, versions={},
    )  # fmt: skip
