"""Rows: what training, evaluation and attempts say, in the columns of `study.store.schemas`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from study.plan import PlannedTrial
from study.progress import Phase
from study.store.hyperparameters import hyperparameters
from study.store.recipes import start_kind
from trainables.recipe import Condition, Parent, Role, Start, WeightsFile
from trainables.records import Cell, Outcome

Row = dict[str, Any]
Ended = Literal["done", "diverged", "halted", "failed", "lost", "stopped"]


@dataclass(frozen=True, kw_only=True)
class AttemptRow:
    """How one run of one unit went: everything about it that is not a result. Columns of the table `attempts`."""

    trial_id: str
    attempt: str
    unit: Phase
    status: Ended
    failure_class: str | None = None
    error: str | None = None
    traceback_hash: str | None = None
    traceback: str | None = None
    started: datetime
    """Aware: its time zone is known."""
    seconds: float
    device_seconds: float | None = None
    peak_memory: int | None = None
    """Bytes."""
    host: str
    device: str
    images: int
    versions: Mapping[str, str | None]


def attempt_row(attempt: AttemptRow) -> Row:
    return {**vars(attempt), "versions": json.dumps(dict(attempt.versions), sort_keys=True)}


def trial_row(trial: PlannedTrial, outcome: Outcome) -> Row:
    recipe = trial.recipe
    return {
        "trial_id": trial.trial_id,
        "method": recipe.method.name,
        "parameters": [asdict(one) for one in hyperparameters(recipe)],
        "train_distortion": trial.train_distortion,
        "replicate": recipe.replicate,
        "diverged": outcome.diverged_epoch is not None,
        "diverged_epoch": outcome.diverged_epoch,
        "model": recipe.model.name,
        "data": recipe.data.name,
        "start": start_kind(recipe.start),
        "parent": parent(recipe.start),
        "epochs": outcome.planned_epochs,
        "batch_size": recipe.batch_size,
        "selected_epoch": outcome.selected_epoch,
        "validation_correct": outcome.validation_correct,
        "validation_n": outcome.validation_n,
        "parameter_count": outcome.parameter_count,
        "weights_hash": outcome.weights_hash,
        "identity": trial.identity,
        "images_seen": outcome.images_seen,
        "labels_used": outcome.labels_used,
    }


def parent(start: Start) -> str | None:
    """The trial, or the fingerprint of the file, that the weights come from."""
    if isinstance(start, Parent):
        return start.trial_id
    return start.fingerprint if isinstance(start, WeightsFile) else None


def epoch_rows(trial_id: str, outcome: Outcome) -> Iterator[Row]:
    for epoch in outcome.epochs:
        terms = [{"name": name, "value": value} for name, value in sorted(epoch.terms.items())]
        yield {"trial_id": trial_id, **vars(epoch), "terms": terms}


def evaluation_rows(
    trial_id: str, role: Role, conditions: Mapping[str, Condition], cells: Sequence[Cell]
) -> Iterator[Row]:
    for cell in cells:
        condition = conditions[cell.condition_id]
        described = {
            name: getattr(condition, name) for name in ("split", "family", "test_distortion", "parameter", "level")
        }
        confidences = [vars(one) for one in cell.confidences]
        yield {"trial_id": trial_id, "role": role, **described, **vars(cell), "confidences": confidences}


def part_rows(trial_id: str, role: Role, cells: Sequence[Cell], part: str) -> Iterator[Row]:
    """The entries of a part, of `PARTS`, that cells have; those of noise stability are of one stage each."""
    for cell in cells:
        for one in getattr(cell, part):
            own = getattr(one, "role", role)
            yield {"trial_id": trial_id, "role": own, "condition_id": cell.condition_id, **vars(one)}


def prediction_rows(trial_id: str, role: Role, cells: Sequence[Cell]) -> Iterator[Row]:
    """Cells without bits (a trial at chance was not run) have no row."""
    for cell in cells:
        if cell.correct_bits is not None:
            yield {"trial_id": trial_id, "role": role, **vars(cell)}
