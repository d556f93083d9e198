"""A trial as a run: from the rows of the result tables to what MLflow is to show."""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from study.plan import PlannedTrial
from study.report import figure, first_line
from study.store.recipes import start_kind
from study.store.rows import parent
from study.tracking.curves import Renderers, curves_of
from study.tracking.inputs import data_inputs
from study.tracking.metrics import headlines, hyperparameter_points, key_of, past_epochs
from study.tracking.records import Artifact, RunRecord, Status, params, tags
from study.tracking.source import source
from study.tracking.tables import Tables, TrialRows
from trainables.recipe import Component, Family

CELL_COLUMNS = (
    "test_distortion", "parameter", "level", "practical", "n", "correct", "accuracy", "standard_error", "baseline",
    "loss", "confidence", "at_chance",
)  # fmt: skip
PARTS: Mapping[Family, str] = {"corruption": "corruption_errors.csv", "perturbation": "flip_rates.csv"}
"""Family of a benchmark → the file of what its means are over."""


def child(
    tables: Tables, trial_id: str, renderers: Renderers, running: Mapping[str, int], live: bool
) -> RunRecord | None:
    """A trial's record; None if nothing has been recorded of it and it is not at work.

    `running`: trial id → when it began, in milliseconds, of those at work now; `live`: whether a launch is.
    """
    rows, trial = tables.rows[trial_id], tables.trials[trial_id]
    status = status_of(tables, trial_id, trial_id in running, live)
    if status is None:
        return None
    name = run_name(tables, trial)
    began = rows.began or running.get(trial_id) or tables.launched
    return RunRecord(
        trial_id=trial_id,
        name=name,
        status=status,
        started=began,
        ended=None if status == "RUNNING" else rows.ended or began,
        tags=tags(dict(_tags(tables, trial, rows, status))),
        params=params(dict(_params(tables, trial))),
        points=(
            *hyperparameter_points(tables, trial_id, began),
            *past_epochs(tables, rows, began),
            *headlines(tables, rows),
        ),
        inputs=data_inputs(tables),
        artifacts=tuple(_artifacts(tables, trial_id, name, renderers)),
        note="",
        whole=rows.trained is not None,
    )


def status_of(tables: Tables, trial_id: str, running: bool, live: bool) -> Status | None:
    """RUNNING while at work or waiting for more; FINISHED once evaluated, diverged or not, and where it was pruned;
    FAILED; KILLED if it was interrupted; None if it never began."""
    rows = tables.rows[trial_id]
    if running:
        return "RUNNING"
    if rows.trained is not None and tables.evaluated(trial_id):
        return "FINISHED"
    if rows.failure is not None:
        return "FAILED"
    if rows.trained is None and not rows.attempts:
        return None
    if live and (rows.trained is not None or rows.halted):
        return "RUNNING"
    return "FINISHED" if is_pruned(tables, trial_id) else "KILLED"


def is_pruned(tables: Tables, trial_id: str) -> bool:
    """Whether the study gave it up: another study, or a later launch, may have trained it to its end."""
    return trial_id in tables.pruned and tables.rows[trial_id].trained is None


def run_name(tables: Tables, trial: PlannedTrial) -> str:
    """`ST · gaussian_noise · α 0.316 · σ 0.3`"""
    settings = (f"{setting.symbol} {figure(setting.value)}" for setting in tables.naming.settings(trial))
    replicate = f"replicate {trial.recipe.replicate}" if trial.recipe.replicate else ""
    return " · ".join(part for part in (trial.label, trial.train_distortion, *settings, replicate) if part)


def _tags(tables: Tables, trial: PlannedTrial, rows: TrialRows, status: Status) -> Iterator[tuple[str, object]]:
    labels = tables.labels[trial.trial_id]
    yield "label", labels[0]
    yield "labels", ", ".join(labels) if len(labels) > 1 else None
    yield "method", trial.recipe.method.name
    yield "train_distortion", trial.train_distortion
    yield "parent", parent(trial.recipe.start)
    yield "replicate", trial.recipe.replicate
    if rows.trained is not None:
        yield "diverged", str(rows.trained["diverged"]).lower()
        yield "diverged_epoch", rows.trained["diverged_epoch"]
        yield "selected_epoch", rows.trained["selected_epoch"]
    if status == "FINISHED" and is_pruned(tables, trial.trial_id):
        yield "pruned", f"after {tables.pruned[trial.trial_id]} of {trial.recipe.epochs} epochs"
    for family, found in rows.benchmarks.items():
        yield f"{family}s", found.mean[f"{family}s"]
        yield f"{family}s.normalizer", found.mean["normalizer"]
        yield f"{family}s.seen", found.mean["seen"]
    if rows.attempts:
        newest = (rows.of("train") or rows.attempts)[-1]
        yield "host", newest["host"]
        yield "device", newest["device"]
    yield from source(tables.launched_by(rows.began)).items()
    if status == "FAILED" and rows.failure is not None:
        yield "failure_class", rows.failure["failure_class"]
        yield "error", first_line(str(rows.failure["error"] or "no reason was recorded"))


def _params(tables: Tables, trial: PlannedTrial) -> Iterator[tuple[str, object]]:
    recipe = trial.recipe
    yield "method", recipe.method.name
    for entry in tables.entries[trial.trial_id]:
        yield f"{entry['owner']}.{entry['name']}", _text(entry)
    yield "train_distortion", trial.train_distortion
    yield "start", start_kind(recipe.start)
    yield from _component("data", recipe.data)
    yield from _component("model", recipe.model)
    yield from _component("optimizer", recipe.optimizer)
    yield from _component("schedule", recipe.schedule)
    for name in (
        "epochs",
        "iterations",
        "batch_size",
        "shuffle",
        "flip",
        "crop",
        "select",
        "precision",
        "compile",
        "threads",
        "replicate",
    ):
        yield name, _plain(getattr(recipe, name))


def _component(owner: str, component: Component) -> Iterator[tuple[str, object]]:
    yield owner, component.name
    for name, value in component.items:
        yield f"{owner}.{name}", _plain(value)


def _text(entry: Mapping[str, Any]) -> str | None:
    return entry["text"] if entry["number"] is None else f"{entry['number']:.12g}"


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return ", ".join(f"{one:.12g}" for one in value)
    return str(value).lower() if isinstance(value, bool) else f"{value:.12g}" if isinstance(value, float) else value


def _artifacts(tables: Tables, trial_id: str, name: str, renderers: Renderers) -> Iterator[Artifact]:
    rows = tables.rows[trial_id]
    if rows.cells:
        yield Artifact.of("evaluations.csv", _cells_csv(tables, trial_id).encode())
    for family, found in rows.benchmarks.items():
        yield Artifact.of(PARTS[family], _parts_csv(found.parts).encode())
    if rows.trained is not None:
        yield Artifact.of("curves.svg", renderers.curves(curves_of(tables, trial_id, name)).encode())
    if rows.failure is not None and rows.failure["traceback"]:
        yield Artifact.of("traceback.txt", str(rows.failure["traceback"]).encode())


def _cells_csv(tables: Tables, trial_id: str) -> str:
    """One line a test condition, in the plan's order; accuracies in [0, 1], under the name of the study's measure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([key_of(tables.plan.measure) if name == "accuracy" else name for name in CELL_COLUMNS])
    practical = {sweep.condition_ids[sweep.levels.index(sweep.practical)] for sweep in tables.plan.sweeps}
    baseline = tables.baseline - {trial_id}
    for condition in tables.plan.conditions:
        cell = tables.rows[trial_id].cells.get(condition.condition_id)
        if cell is not None:
            reference = tables.accuracy(baseline, condition.condition_id)
            writer.writerow(_cell(cell, condition.condition_id in practical, reference))
    return text.getvalue()


def _parts_csv(parts: Sequence[Mapping[str, Any]]) -> str:
    """The rows of a view, without what the run itself says."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [name for name in parts[0] if name not in ("trial_id", "label")]
    writer.writerow(columns)
    writer.writerows(["" if row[name] is None else _rounded(row[name]) for name in columns] for row in parts)
    return text.getvalue()


def _cell(cell: Mapping[str, Any], practical: bool, baseline: float | None) -> list[object]:
    n, accuracy = cell["n"], cell["correct"] / cell["n"]
    values = [
        cell["test_distortion"], cell["parameter"], cell["level"], practical, n, cell["correct"], accuracy,
        math.sqrt(accuracy * (1 - accuracy) / n), baseline, _mean(cell["loss_sum"], n),
        _mean(cell["confidence_sum"], n), cell["at_chance"],
    ]  # fmt: skip
    return ["" if value is None else _rounded(value) for value in values]


def _mean(total: float | None, n: int) -> float | None:
    return None if total is None else total / n


def _rounded(value: object) -> object:
    """Numbers to six digits, and words for booleans: MLflow's preview leaves `true` blank."""
    return (
        ("yes" if value else "no") if isinstance(value, bool) else f"{value:.6g}" if isinstance(value, float) else value
    )
