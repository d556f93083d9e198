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
PARTS: Mapping[Family, Mapping[str, str]] = {
    "corruption": {"error": "error", "ce": "ce"},
    "perturbation": {"flip_probability": "flip_probability", "flip_rate": "flip_rate"},
}
"""The same of the view of what they are over."""


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
    the others of MEANS, as the views have them: ratios, where the papers print percent; and of each of their parts
    `test.corruption.fog.error` and `.ce`, `test.perturbation.tilt.flip_probability` and `.flip_rate`. Of adversarial
    quality `test.fgs.paper.success_rate` and so on, `test.pgd.0.03137.accuracy`; means are over the successes. Of noise
    stability `test.noise_stability.25.changed`, whose steps are the stages of the training.
    """
    accuracies = {condition_id: cell["correct"] / cell["n"] for condition_id, cell in rows.cells.items()}
    clean = tables.plan.conditions[0].condition_id
    values = {"test.clean": accuracies[clean]} if clean in accuracies else {}
    for sweep in tables.plan.sweeps:
        values |= _swept(sweep, accuracies)
    for family, benchmark in rows.benchmarks.items():
        values |= {f"test.{name}": value for name, value in _measured(benchmark.mean, MEANS[family])}
        for part in benchmark.parts:
            if part.get("difficulty", 1) != 1:
                continue
            of = f"test.{family}.{part[family]}"
            values |= {f"{of}.{name}": value for name, value in _measured(part, PARTS[family])}
    for condition in tables.plan.conditions:
        if condition.condition_id in rows.attacks and condition.condition_id in accuracies:
            attack = rows.attacks[condition.condition_id]
            variant = attack["variant"] or f"{condition.level:.4g}"
            found = {"accuracy": accuracies[condition.condition_id], **dict(_quality(attack))}
            values |= {f"test.{attack['attack']}.{variant}.{name}": value for name, value in found.items()}
    at = rows.ended or tables.launched
    return (*points(values, 0, at), *_stable(rows, at))


def _measured(row: Mapping[str, Any], columns: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    """Metric and value, of those that there are."""
    yield from ((name, row[column]) for name, column in columns.items() if row[column] is not None)


def _stable(rows: TrialRows, at: int) -> Iterator[Point]:
    """The share of noisy copies that get another label: a metric a strength, a step a stage."""
    for row in rows.stability:
        if row["changed"] is not None:
            yield from points({f"test.noise_stability.{row['sigma']:g}.changed": row["changed"]}, row["stage"], at)


def _quality(attack: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Of a row of `attacks`, what there is: rates over the attempts, means over the successes."""
    if attack["attempts"]:
        yield "success_rate", attack["successes"] / attack["attempts"]
        if attack["blank"] is not None:
            yield "blank_share", attack["blank"] / attack["attempts"]
    for name in ("linf", "pass", "pass_unaligned") if attack["successes"] else ():
        total = attack[f"{name}_sum"]
        if total is not None:
            yield f"{name}_mean", total / attack["successes"]


def _swept(sweep: Sweep, accuracies: Mapping[str, float]) -> dict[str, float]:
    found = [accuracies[one] for one in sweep.condition_ids if one in accuracies]
    practical = sweep.condition_ids[sweep.levels.index(sweep.practical)]
    values = {}
    if practical in accuracies:
        values[f"test.{sweep.test_distortion}.practical"] = accuracies[practical]
    if len(found) == len(sweep.condition_ids):
        values[f"test.{sweep.test_distortion}.mean"] = math.fsum(found) / len(found)
    return values
