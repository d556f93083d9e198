"""Plans as tables, and back exactly."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import get_args

import pyarrow as pa

from study.plan import (
    Benchmark,
    BenchmarkTest,
    Figure,
    Keep,
    Plan,
    PlannedTrial,
    Pruning,
    Resources,
    Skipped,
    Sweep,
    Trained,
)
from study.store.hyperparameters import hyperparameters, symbol
from study.store.recipes import read_components, read_recipe, write_components, write_recipe
from study.store.rows import Row
from study.store.schemas import CONDITIONS, MEMBERSHIP
from trainables.recipe import Condition, Measure


def membership(plan: Plan) -> pa.Table:
    """The plan's trials as a table.

    The study's name and title are its metadata, its measure if that is not accuracy, its figures if it has any, of
    which kind its distortions are, and how its trials are pruned.
    """
    rows = [membership_row(position, trial) for position, trial in enumerate(plan.trials)]
    metadata = {**MEMBERSHIP.schema.metadata, b"study": plan.study.encode(), b"title": plan.title.encode()}
    if plan.measure != "accuracy":
        metadata[b"measure"] = plan.measure.encode()
    if plan.figures:
        metadata[b"figures"] = json.dumps([asdict(figure) for figure in plan.figures]).encode()
    if plan.kinds:
        metadata[b"kinds"] = json.dumps(plan.kinds).encode()
    if plan.prunings:
        metadata[b"prunings"] = json.dumps([asdict(one) for one in plan.prunings]).encode()
    if plan.keep != "best":
        metadata[b"keep"] = plan.keep.encode()
    return pa.Table.from_pylist(rows, schema=MEMBERSHIP.schema.with_metadata(metadata))


def membership_row(position: int, trial: PlannedTrial) -> Row:
    """A row of the membership, in plain values."""
    recipe = trial.recipe
    return {
        "position": position,
        "trial_id": trial.trial_id,
        "label": trial.label,
        "stage": trial.stage,
        "method": recipe.method.name,
        "train_distortion": trial.train_distortion,
        "parameters": [
            {**asdict(one), "symbol": symbol(one.owner, one.component, one.name)} for one in hyperparameters(recipe)
        ],
        "replicate": recipe.replicate,
        **write_resources(trial.resources),
        "recipe": write_recipe(recipe),
        "identity": trial.identity,
        "shown": list(trial.shown),
    }


def write_resources(resources: Resources) -> Row:
    """What was never asked for is left empty, as it is in older launches."""
    further = {"custom": dict(resources.custom), "labels": dict(resources.labels)}
    told = {name: json.dumps(value) if value else None for name, value in further.items()}
    return {"cpus": resources.cpus, "gpus": resources.gpus, "memory": resources.memory, **told}


def read_resources(row: Row) -> Resources:
    """Of a row that `membership_row` made, in this version or an earlier one."""
    custom, labels = (json.loads(row.get(name) or "{}") for name in ("custom", "labels"))
    return Resources(
        cpus=row["cpus"],
        gpus=row["gpus"],
        memory=row.get("memory"),
        custom=tuple(custom.items()),
        labels=tuple((name, tuple(values)) for name, values in labels.items()),
    )


def plan_of(membership: pa.Table, conditions: pa.Table) -> Plan:
    """The plan that the two tables were made from."""
    rows = conditions.to_pylist()
    return Plan(
        study=membership.schema.metadata[b"study"].decode(),
        title=membership.schema.metadata[b"title"].decode(),
        trials=tuple(trial_of(row) for row in membership.to_pylist()),
        conditions=tuple(_condition(row) for row in rows),
        sweeps=tuple(_sweeps(rows)),
        benchmarks=tuple(_benchmarks(conditions)),
        measure=_measure(membership),
        figures=tuple(map(_figure, json.loads(membership.schema.metadata.get(b"figures", b"[]")))),
        kinds=tuple((name, kind) for name, kind in json.loads(membership.schema.metadata.get(b"kinds", b"[]"))),
        prunings=prunings(membership),
        keep=_keep(membership),
    )


def _keep(membership: pa.Table) -> Keep:
    return "last+best" if membership.schema.metadata.get(b"keep") == b"last+best" else "best"


def prunings(membership: pa.Table) -> tuple[Pruning, ...]:
    """How the trials of a plan are pruned."""
    return tuple(Pruning(**one) for one in json.loads(membership.schema.metadata.get(b"prunings", b"[]")))


def _figure(told: Row) -> Figure:
    trained, *also = (
        Trained(train_distortion=one["train_distortion"], labels=tuple(one["labels"]))
        for one in (told["trained"], *told["also"])
    )
    return Figure(
        name=told["name"], trained=trained, test_distortion=told["test_distortion"], also=tuple(also),
        pick_at=tuple(told["pick_at"]),
    )  # fmt: skip


def _measure(membership: pa.Table) -> Measure:
    found = membership.schema.metadata.get(b"measure", b"").decode()
    return next((measure for measure in get_args(Measure) if measure == found), "accuracy")


def trial_of(row: Row) -> PlannedTrial:
    """The trial that a row of the membership was made from."""
    return PlannedTrial(
        trial_id=row["trial_id"],
        label=row["label"],
        stage=row["stage"],
        recipe=read_recipe(row["recipe"]),
        identity=row["identity"],
        resources=read_resources(row),
        shown=tuple(row.get("shown", ())),
    )


def conditions(plan: Plan) -> pa.Table:
    """The plan's conditions as a table, each with its place in its sweep or benchmark.

    What tables have no row for, each benchmark's normaliser and the tests left out of it, is metadata.
    """
    places, benchmarks = dict(_places(plan)), dict(_benchmark_places(plan))
    clean = {"sweep": None, "step": None, "practical": False, "unit": "", "symbol": ""}
    rows = [
        {
            "position": position,
            **vars(condition),
            "data": write_components(condition.data),
            "steps": write_components(*condition.steps),
            **places.get(condition.condition_id, clean | {"step": 0 if condition.family == "clean" else None}),
            **benchmarks.get(condition.condition_id, {}),
        }
        for position, condition in enumerate(plan.conditions)
    ]
    told = [{name: value for name, value in asdict(one).items() if name != "tests"} for one in plan.benchmarks]
    metadata = {**CONDITIONS.schema.metadata, **({b"benchmarks": json.dumps(told).encode()} if told else {})}
    return pa.Table.from_pylist(rows, schema=CONDITIONS.schema.with_metadata(metadata))


def _benchmark_places(plan: Plan) -> Iterator[tuple[str, Row]]:
    for benchmark in plan.benchmarks:
        for test in benchmark.tests:
            described = {"name": test.name, "extra": test.extra, "noise": test.noise}
            yield test.condition_id, {"benchmark": benchmark.name, "normalizer": benchmark.normalizer, **described}


def _places(plan: Plan) -> Iterator[tuple[str, Row]]:
    for position, sweep in enumerate(plan.sweeps):
        for step, (level, condition_id) in enumerate(zip(sweep.levels, sweep.condition_ids, strict=True), start=1):
            practical = level == sweep.practical
            place = {
                "sweep": position,
                "step": step,
                "practical": practical,
                "unit": sweep.unit,
                "symbol": sweep.symbol,
            }
            yield condition_id, place


def _condition(row: Row) -> Condition:
    described = ("condition_id", "split", "family", "test_distortion", "parameter", "level", "seed")
    (data,) = read_components(row["data"])
    return Condition(**{name: row[name] for name in described}, data=data, steps=read_components(row["steps"]))


def _sweeps(rows: list[Row]) -> Iterator[Sweep]:
    swept = sorted((row for row in rows if row["sweep"] is not None), key=lambda row: (row["sweep"], row["step"]))
    for position in sorted({row["sweep"] for row in swept}):
        levels = [row for row in swept if row["sweep"] == position]
        yield Sweep(
            **{name: levels[0][name] for name in ("test_distortion", "parameter", "unit", "symbol")},
            levels=tuple(row["level"] for row in levels),
            practical=next(row["level"] for row in levels if row["practical"]),
            condition_ids=tuple(row["condition_id"] for row in levels),
        )


def _benchmarks(conditions: pa.Table) -> Iterator[Benchmark]:
    rows = conditions.to_pylist()
    for told in json.loads(conditions.schema.metadata.get(b"benchmarks", b"[]")):
        tests = (row for row in rows if row["benchmark"] == told["name"])
        described = ("condition_id", "name", "extra", "noise")
        yield Benchmark(
            **{
                **told,
                "tests": tuple(BenchmarkTest(**{name: test[name] for name in described}) for test in tests),
                "skipped": tuple(Skipped(**one) for one in told["skipped"]),
            }
        )
