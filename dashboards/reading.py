"""Reading a study's results from the store's tables, once, for every page and figure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dashboards.paired import Bits, unpack
from dashboards.reading_rates import Cells, corruption_errors, flip_rates
from dashboards.results import (
    Attacked,
    Cell,
    Epoch,
    NearDuplicates,
    NoisePoint,
    Results,
    Trial,
    attack_sweeps,
    condition_at,
    practical_condition,
    recorded_symbols,
    strong_level,
)
from study.plan import Plan, PlannedTrial
from study.query import Tables, open_tables
from study.report import Naming
from study.standing import look, newest_failures
from study.store import Launch, Store
from study.store.examples import example_name
from study.store.rows import parent
from study.summary import UNDISTORTED, Found, states_of

OF_ONE = ("stage", "counts", "sigma", "images", "draws", "short", "changed")
"""Columns of a point of noise stability, in its order."""
PNG_BEGINS, PNG_ENDS = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
"""A picture cut off by a power failure is left out, as one that was never there."""


def read_results(store: Store, study: str) -> Results:
    """The study as it stands in its newest launch; raises QueryError if it was never launched into `store`."""
    tables = open_tables(store, study)
    assert tables.launch is not None
    plan = tables.launch.plan
    found = look(store, plan)
    ids = frozenset(trial.trial_id for trial in plan.trials)
    cells = _cells(tables)
    errors, error_means = corruption_errors(tables, plan, cells)
    flips, flip_means = flip_rates(tables, plan, cells)
    return Results(
        launch=tables.launch,
        found=found,
        trials=tuple(_trials(tables, tables.launch, found)),
        cells=cells,
        bits=_bits(store, ids, {*map(practical_condition, plan.sweeps), *_read_besides(plan)}),
        epochs=_epochs(tables),
        near_duplicates=_near_duplicates(tables),
        corruption_errors=errors,
        corruption_means=error_means,
        flips=flips,
        flip_means=flip_means,
        attacks=_attacks(tables),
        noise_stability=_noise_points(tables),
        stability_pairs=_noise_pairs(tables),
        attempts=tuple(tables.sql("attempts").to_pylist()),
        failures=tuple(newest_failures(store, plan)),
        examples=_examples(store, plan),
    )


def _read_besides(plan: Plan) -> Iterable[str]:
    """Where images are compared one by one, besides practical levels."""
    return (*_strong(plan), *_picked_at(plan), *_reported(plan))


def _strong(plan: Plan) -> Iterable[str]:
    """Attacks at the level that a trade of weak for strong is told by."""
    return (condition_at(sweep, strong_level(plan, sweep)) for sweep in attack_sweeps(plan))


def _reported(plan: Plan) -> Iterable[str]:
    """The conditions on test images that a search's objectives are reported on."""
    return (one for search in plan.searches for objective in search.objectives for one in objective.test)


def _picked_at(plan: Plan) -> Iterable[str]:
    """The conditions at which the study's figures pick best and worst."""
    sweeps = {sweep.test_distortion: sweep for sweep in plan.sweeps}
    for figure in plan.figures:
        yield from (condition_at(sweeps[figure.test_distortion], level) for level in figure.pick_at)


def _trials(tables: Tables, launch: Launch, found: Found) -> Iterable[Trial]:
    states, naming = states_of(launch.plan, found), Naming(launch.plan, recorded_symbols(launch))
    known = {
        row["trial_id"]: row
        for row in tables.sql(
            "SELECT trial_id, diverged, diverged_epoch, selected_epoch, validation_accuracy, validation_n FROM trials"
        ).to_pylist()
    }
    planned = {(trial.label, trial.trial_id): trial for trial in reversed(launch.plan.trials)}
    for trial in reversed(planned.values()):
        yield _trial(trial, naming, states[trial.trial_id], known.get(trial.trial_id, {}))


def _trial(trial: PlannedTrial, naming: Naming, state: str, known: Mapping[str, Any]) -> Trial:
    return Trial(
        **{"trial_id": trial.trial_id, **known},
        label=trial.label,
        method=trial.recipe.method.name,
        train_distortion=trial.train_distortion or UNDISTORTED,
        settings=naming.settings(trial),
        state=state,
        parent=parent(trial.recipe.start),
    )


def _cells(tables: Tables) -> Cells:
    rows = tables.sql(
        "SELECT trial_id, condition_id, correct, n, at_chance, calibration_error FROM evaluations WHERE role = 'best'"
    )
    trials, conditions, *rest = (rows[name].to_pylist() for name in rows.column_names)
    return {
        (trial, condition): Cell(*cell) for trial, condition, *cell in zip(trials, conditions, *rest, strict=True)
    }  # fmt: skip


def _bits(store: Store, ids: frozenset[str], conditions: set[str]) -> dict[tuple[str, str], Bits]:
    rows = store.read("predictions", ids)
    kept = rows.filter([one in conditions for one in rows["condition_id"].to_pylist()]) if len(rows) else rows
    return {
        (row["trial_id"], row["condition_id"]): unpack(row["correct_bits"], row["n"])
        for row in kept.to_pylist()
        if row["role"] == "best"
    }


def _epochs(tables: Tables) -> dict[str, tuple[Epoch, ...]]:
    found: dict[str, list[Epoch]] = {}
    for row in tables.sql("epochs").to_pylist():
        terms = {name: value for name, value in row["terms"].items() if value is not None}
        found.setdefault(row["trial_id"], []).append(
            Epoch(
                row["epoch"],
                row["validation_accuracy"],
                row["loss"],
                row["validation_loss"],
                terms,
            )
        )
    return {trial_id: tuple(epochs) for trial_id, epochs in found.items()}


def _near_duplicates(tables: Tables) -> dict[tuple[str, str], tuple[NearDuplicates, ...]]:
    found: dict[tuple[str, str], dict[float, NearDuplicates]] = {}
    for row in tables.sql(
        "SELECT trial_id, condition_id, threshold, precision, recall FROM near_duplicates "
        "WHERE practical AND role = 'best' AND split = 'test' ORDER BY threshold"
    ).to_pylist():
        key, threshold = (row["trial_id"], row["condition_id"]), row["threshold"]
        found.setdefault(key, {})[threshold] = NearDuplicates(threshold, row["precision"], row["recall"])
    return {key: tuple(thresholds.values()) for key, thresholds in found.items()}


def _attacks(tables: Tables) -> dict[str, dict[str, Attacked]]:
    found: dict[str, dict[str, Attacked]] = {}
    for row in tables.sql("SELECT * FROM attacks WHERE role = 'best' AND split = 'test'").to_pylist():
        linf, aligned, unaligned = (
            (row[f"{name}_mean"], row[f"{name}_std"]) for name in ("linf", "pass", "pass_unaligned")
        )
        found.setdefault(row["trial_id"], {})[row["condition_id"]] = Attacked(
            attack=row["test_attack"], variant=row["variant"], epsilon=row["epsilon"], settings=row["settings"],
            accuracy=row["accuracy"], success_rate=row["success_rate"], blank_share=row["blank_share"],
            linf=linf, aligned=aligned, unaligned=unaligned,
        )  # fmt: skip
    return found


def _noise_points(tables: Tables) -> dict[str, tuple[NoisePoint, ...]]:
    found: dict[str, list[NoisePoint]] = {}
    for trial_id, *values in _distinct_rows(tables, "noise_stability", OF_ONE):
        found.setdefault(trial_id, []).append(NoisePoint(*values))
    return {trial_id: tuple(points) for trial_id, points in found.items()}


def _noise_pairs(tables: Tables) -> dict[tuple[str, str], tuple[NoisePoint, ...]]:
    found: dict[tuple[str, str], list[NoisePoint]] = {}
    columns = ("baseline_id", *OF_ONE, "baseline_changed")
    for trial_id, baseline_id, *values in _distinct_rows(tables, "stability_pairs", columns):
        found.setdefault((trial_id, baseline_id), []).append(NoisePoint(*values))
    return {pair: tuple(points) for pair, points in found.items()}


def _distinct_rows(tables: Tables, view: str, columns: Sequence[str]) -> Iterable[tuple[Any, ...]]:
    """Those of `trial_id` and some columns; of a trial under several labels, each once."""
    return dict.fromkeys(zip(*_columns(tables, view, ("trial_id", *columns)), strict=True))


def _columns(tables: Tables, view: str, names: Sequence[str]) -> list[list[Any]]:
    rows = tables.sql(f"SELECT {', '.join(names)} FROM {view}")
    return [rows[name].to_pylist() for name in names]


def _examples(store: Store, plan: Plan) -> dict[str, bytes]:
    """A distortion's picture is the same for every model, an attack's is the one against the baseline."""
    there = store.examples()
    names = {one.condition_id: example_name(one.condition_id, plan.baseline_id) for one in plan.conditions}
    chosen = {
        condition: next((name for name in (condition, attacked) if name in there), None)
        for condition, attacked in names.items()
    }
    read = {condition: store.read_example(name) for condition, name in chosen.items() if name is not None}
    return {condition: png for condition, png in read.items() if png.startswith(PNG_BEGINS) and png.endswith(PNG_ENDS)}
