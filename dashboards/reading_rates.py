"""Corruption errors and flip rates, from their views."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from dashboards.results import Cell, CorruptionMeans, FlipMeans, Of, Rates
from study.plan import Plan
from study.query import Tables

CORRUPTED: Mapping[str, str] = {"ce": "mce", "relative_ce": "relative_mce", "error": "mean_error"}
FLIPPED: Mapping[str, str] = {
    "flip_rate": "mfr",
    "t5d": "mt5d",
    "flip_probability": "mean_flip_probability",
    "top5_distance": "mean_top5_distance",
}
"""A column of the one view → that of its mean in the other."""

Cells = dict[tuple[str, str], Cell]
Row = Mapping[str, Any]
Errors = dict[str, dict[Of, Rates]]
Flips = dict[tuple[str, int], dict[Of, Rates]]


def corruption_errors(tables: Tables, plan: Plan, cells: Cells) -> tuple[Errors, dict[Of, CorruptionMeans]]:
    """Those of `dashboards.results.Results`; of trials that have been evaluated under all of a benchmark."""
    if not any(one.family == "corruption" for one in plan.benchmarks):
        return {name: {} for name in CORRUPTED}, {}
    rows = tables.sql(f"SELECT benchmark, label, trial_id, corruption, seen, {', '.join(CORRUPTED)} FROM ce")
    means = {_of(row): row for row in tables.sql("mce").to_pylist()}
    is_whole = _is_whole(plan, cells)
    whole = [row for row in rows.to_pylist() if is_whole(row["benchmark"], row["trial_id"])]
    main = {one.name: [test.condition_id for test in one.tests if not test.extra] for one in plan.benchmarks}
    return (
        {name: _rates(whole, "corruption", name, means, mean) for name, mean in CORRUPTED.items()},
        {of: _corruption_means(row, _calibration(cells, of[2], main[of[0]])) for of, row in means.items()},
    )


def flip_rates(tables: Tables, plan: Plan, cells: Cells) -> tuple[Flips, dict[tuple[int, Of], FlipMeans]]:
    """Those of `dashboards.results.Results`; of trials that have been evaluated under all of a benchmark."""
    if not any(one.family == "perturbation" for one in plan.benchmarks):
        return {}, {}
    rows = tables.sql(
        f"SELECT benchmark, label, trial_id, perturbation, difficulty, seen, {', '.join(FLIPPED)} FROM flip_rates"
    ).to_pylist()
    means = {(row["difficulty"], _of(row)): row for row in tables.sql("mfr").to_pylist()}
    is_whole = _is_whole(plan, cells)
    found: Flips = {}
    for difficulty in sorted({row["difficulty"] for row in rows}):
        own = {of: row for (at, of), row in means.items() if at == difficulty}
        at = (row for row in rows if row["difficulty"] == difficulty)
        whole = [row for row in at if is_whole(row["benchmark"], row["trial_id"])]
        for name, mean in FLIPPED.items():
            found[name, difficulty] = _rates(whole, "perturbation", name, own, mean)
    return found, {place: _flip_means(row) for place, row in means.items()}


def _of(row: Row) -> Of:
    return row["benchmark"], row["label"], row["trial_id"]


def _is_whole(plan: Plan, cells: Cells) -> Callable[[str, str], bool]:
    """Whether a trial has been evaluated under all of a benchmark: a mean over less is another one."""
    asked = {one.name: [test.condition_id for test in one.tests] for one in plan.benchmarks}

    @cache
    def is_whole(benchmark: str, trial_id: str) -> bool:
        return all((trial_id, condition) in cells for condition in asked[benchmark])

    return is_whole


def _rates(rows: Iterable[Row], test: str, measure: str, means: Mapping[Of, Row], mean: str) -> dict[Of, Rates]:
    members: dict[Of, list[Row]] = {}
    for row in rows:
        members.setdefault(_of(row), []).append(row)
    return {
        of: Rates(
            mean=means[of][mean] if of in means else None,
            values={row[test]: row[measure] for row in found if row[measure] is not None},
            seen=frozenset(row[test] for row in found if row["seen"]),
        )
        for of, found in members.items()
    }


def _corruption_means(row: Row, calibration_error: float | None) -> CorruptionMeans:
    return CorruptionMeans(
        mce=row["mce"], relative_mce=row["relative_mce"], no_relative_ce=row["no_relative_ce"],
        without_seen=row["mce_without_seen"],
        without_noise=row["mce_without_noise"], mean_error=row["mean_error"], calibration_error=calibration_error,
        clean_accuracy=row["clean_accuracy"], images_seen=row["images_seen"], labels_used=row["labels_used"],
        over=row["corruptions"], rendering=row["rendering"],
    )  # fmt: skip


def _calibration(cells: Cells, trial_id: str, conditions: Sequence[str]) -> float | None:
    """The mean over conditions; None while one is missing, and of a trial at chance, which was not run."""
    found = [cells[trial_id, one].calibration_error for one in conditions if (trial_id, one) in cells]
    known = [one for one in found if one is not None]
    return sum(known) / len(known) if len(known) == len(conditions) > 0 else None


def _flip_means(row: Row) -> FlipMeans:
    return FlipMeans(
        mfr=row["mfr"], mt5d=row["mt5d"], without_seen=row["mfr_without_seen"],
        without_noise=row["mfr_without_noise"], flip_probability=row["mean_flip_probability"],
        top5_distance=row["mean_top5_distance"], images_seen=row["images_seen"], labels_used=row["labels_used"],
        over=row["perturbations"],
    )  # fmt: skip
