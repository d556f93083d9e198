"""A small study with results made by hand: what screens and reports are tested on, without training anything."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from study.plan import Plan, PlannedTrial
from study.planning import make_plan
from study.spec import Spec, load
from study.store import AttemptRow, Store
from trainables.recipe import Condition
from trainables.records import Cell, Epoch, Outcome

TEXT = """\
study: small
title: A small study on few digits
data: {name: mnist_5k, train: 200, validation: 100, test: 100}
model: lenet
train: {from: Baseline, epochs: 1, batch_size: 50, optimizer: {sgd: {lr: 0.01}}}
distortions:
  gaussian_noise: {sigma: [0.1, 0.3]}
  rotation: {degrees: [30]}
methods:
  Baseline: {method: standard, from: scratch}
  ST: {method: stability_training, alpha: [0.1, 1], distortion: [gaussian_noise, rotation]}
  DA: {method: data_augmentation, p: 1, distortion: gaussian_noise}
evaluate:
  sweeps:
    gaussian_noise: {sigma: [0.1, 0.3], practical: 0.3}
    jpeg: {quality: [30], practical: 30}
"""
"""1 + 2 × 3 + 2 = 9 trials × 4 conditions."""
TRIALS, CONDITIONS = 9, 4
FINGERPRINT = "0" * 32
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def small_spec(folder: Path, text: str = TEXT) -> Spec:
    path = folder / "small.yaml"
    path.write_text(text)
    return load(path)


def small_plan(folder: Path, text: str = TEXT) -> Plan:
    return make_plan(small_spec(folder, text), FINGERPRINT)


def launched(store: Store, plan: Plan, text: str = TEXT) -> None:
    provenance = {
        "command": "study launch small.yaml", "user": "ada", "host": "engine", "time": "2026-01-01T12:00:00+00:00",
        "code": {"commit": "abcdef0123456789", "dirty": True}, "versions": {"torch": "2.15.0"},
    }  # fmt: skip
    store.record_launch(plan, text, provenance)


def train(store: Store, trial: PlannedTrial, diverged_epoch: int | None = None) -> None:
    """Commits a training of one epoch; a diverged one never had a finite epoch."""
    store.commit_training(trial, outcome(diverged_epoch))
    store.record_attempt(attempt(trial, "train", "done" if diverged_epoch is None else "diverged"))


def outcome(diverged_epoch: int | None) -> Outcome:
    epoch = Epoch(epoch=1, loss=1.0, terms={}, validation_loss=1.0, validation_correct=90, validation_n=100,
                  learning_rate=0.01)  # fmt: skip
    fine = diverged_epoch is None
    return Outcome(
        planned_epochs=1,
        epochs=(epoch,) if fine else (),
        selected_epoch=1 if fine else None,
        diverged_epoch=diverged_epoch,
        validation_correct=90 if fine else None,
        validation_n=100,
        parameter_count=431_080,
        weights_hash="f" * 64 if fine else None,
        images_seen=800,
        labels_used=400,
    )


def evaluate(store: Store, trial: PlannedTrial, conditions: tuple[Condition, ...], correct: int) -> None:
    """`correct` of 100 images under each condition."""
    store.commit_cells(trial.trial_id, conditions, [cell(one.condition_id, correct) for one in conditions])
    store.record_attempt(attempt(trial, "evaluate", "done"))


def cell(condition_id: str, correct: int) -> Cell:
    bits = (1 << 104) - (1 << (104 - correct))
    return Cell(
        condition_id=condition_id, n=100, correct=correct, top5_correct=100, loss_sum=50.0, confidence_sum=80.0,
        at_chance=False, correct_bits=bits.to_bytes(13, "big"),
    )  # fmt: skip


def attempt(trial: PlannedTrial, unit: str, status: str, number: int = 1, error: str | None = None) -> AttemptRow:
    """An attempt of four seconds; with an error, a failed one."""
    return AttemptRow(
        trial_id=trial.trial_id,
        attempt=f"{number:04d}-aaaa",
        unit="train" if unit == "train" else "evaluate",
        status=status,  # type: ignore[arg-type]
        failure_class="user" if error else None,
        error=error,
        traceback_hash="0123456789ab" if error else None,
        traceback=f'Traceback (most recent call last):\n  File "bang.py", line 7, in loss\n{error}' if error else None,
        started=NOON + timedelta(minutes=number),
        seconds=4.0,
        host="engine",
        device="cpu",
        images=400,
        versions={"torch": "2.15.0"},
    )


def finished(store: Store, plan: Plan, text: str = TEXT) -> None:
    """Every trial trained and evaluated: 80 of 100 right for the baseline, one more for each trial after it."""
    launched(store, plan, text)
    for place, trial in enumerate(plan.unique_trials()):
        train(store, trial)
        evaluate(store, trial, plan.conditions, 80 + place)
