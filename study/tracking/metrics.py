"""The metrics of a trial's run: hyperparameters that are numbers, epochs, and the headlines of its evaluation."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from study.plan import Sweep
from study.tracking.records import Point, points
from study.tracking.tables import Tables, TrialRows
from trainables.recipe import Family, Measure

MEANS: Mapping[Family, Mapping[str, str]] = {
    "corruption": {
        "mce": "mce",
        "relative_mce": "relative_mce",
        "mce_without_seen": "mce_without_seen",
        "mce_without_noise": "mce_without_noise",
        "mean_corruption_error": "mean_error",
    },
    "perturbation": {"mfr": "mfr", "mt5d": "mt5d", "mean_flip_probability": "mean_flip_probability"},
}
"""Family of a benchmark → metric → column of its view of means."""


def hyperparameter_points(tables: Tables, trial_id: str, at: int) -> tuple[Point, ...]:
    """`hp.alpha`: the numbers among the params once more, since MLflow sorts and compares params as texts."""
    entries = tables.entries[trial_id]
    named = {_name(entry, tables.ambiguous): entry["number"] for entry in entries if entry["number"] is not None}
    return points(named, 0, at)


def _name(entry: Mapping[str, Any], ambiguous: frozenset[str]) -> str:
    """`hp.alpha`; `hp.method.epsilon` where the study has parameters of that name of several owners."""
    return f"hp.{entry['owner']}.{entry['name']}" if entry["name"] in ambiguous else f"hp.{entry['name']}"


def past_epochs(tables: Tables, rows: TrialRows, began: int) -> Iterator[Point]:
    """Every epoch in the tables, at the time at which that share of the training was done."""
    for row in rows.epochs:
        at = rows.moment(row["epoch"] / len(rows.epochs))
        terms = {term["name"]: term["value"] for term in row["terms"]}
        yield from epoch_points({**row, "terms": terms}, began if at is None else at, tables.plan.measure)


def epoch_points(epoch: Mapping[str, Any], at: int, measure: Measure) -> tuple[Point, ...]:
    """One finished epoch: the fields of `trainables.records.Epoch`. Its number is the step."""
    n = epoch["validation_n"]
    values = {
        **{f"train.{name}": value for name, value in epoch["terms"].items()},
        "train.loss": epoch["loss"],
        "val.loss": epoch["validation_loss"],
        f"val.{key_of(measure)}": epoch["validation_correct"] / n if n else math.nan,
        "learning_rate": epoch["learning_rate"],
    }
    return points(values, epoch["epoch"], at)


def key_of(measure: Measure) -> str:
    """`triplet_ranking_score`"""
    return measure.replace(" ", "_")


def headlines(tables: Tables, rows: TrialRows) -> tuple[Point, ...]:
    """`test.clean`, and of each sweep `test.<distortion>.practical` and, once it is whole, `test.<distortion>.mean`.

    The mean is over the levels of the sweep, without `clean`. Of benchmarks that it has been put to, `test.mce` and
    the others of MEANS, as the views have them: ratios, where the papers print percent.
    """
    accuracies = {condition_id: cell["correct"] / cell["n"] for condition_id, cell in rows.cells.items()}
    clean = tables.plan.conditions[0].condition_id
    values = {"test.clean": accuracies[clean]} if clean in accuracies else {}
    for sweep in tables.plan.sweeps:
        values |= _swept(sweep, accuracies)
    for family, found in rows.benchmarks.items():
        measured = {name: found.mean[column] for name, column in MEANS[family].items()}
        values |= {f"test.{name}": value for name, value in measured.items() if value is not None}
    return points(values, 0, rows.ended or tables.launched)


def _swept(sweep: Sweep, accuracies: Mapping[str, float]) -> dict[str, float]:
    found = [accuracies[one] for one in sweep.condition_ids if one in accuracies]
    practical = sweep.condition_ids[sweep.levels.index(sweep.practical)]
    values = {}
    if practical in accuracies:
        values[f"test.{sweep.test_distortion}.practical"] = accuracies[practical]
    if len(found) == len(sweep.condition_ids):
        values[f"test.{sweep.test_distortion}.mean"] = math.fsum(found) / len(found)
    return values
