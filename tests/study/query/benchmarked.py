"""Studies on benchmarks, made by hand: their plans, and cells of given counts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

from study.plan import Benchmark, BenchmarkTest, Plan, PlannedTrial
from study.query import Tables, open_tables
from study.store import Store
from tests.study.store import small
from trainables.corruption_errors import Counted
from trainables.recipe import Component, Condition, Family, Scratch
from trainables.records import Cell, Flips

EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate", "shear")

Corrupted = Mapping[str, Sequence[Counted]]
"""Corruption → by severity."""
Moved = Mapping[str, Sequence[Flips]]
"""Perturbation → by difficulty."""


def trial(trial_id: str, label: str, replicate: int = 0) -> PlannedTrial:
    """Of the method `standard`."""
    return small.trial(trial_id, label, Component.of("standard"), start=Scratch(), replicate=replicate)


def plan(
    family: Family, names: Mapping[str, Sequence[int | None]], trials: Sequence[PlannedTrial], normalizer: str | None
) -> Plan:
    """A benchmark of these names at these strengths."""
    tests = [condition(family, name, strength) for name, strengths in names.items() for strength in strengths]
    described = (
        BenchmarkTest(
            condition_id=one.condition_id,
            name=one.test_distortion,
            extra=one.test_distortion in EXTRA,
            noise="noise" in one.test_distortion,
        )
        for one in tests
    )
    benchmark = Benchmark(name="a benchmark", family=family, normalizer=normalizer, tests=tuple(described))
    return replace(
        small.plan(trials, sweeps=()), conditions=(small.clean(), *tests), sweeps=(), benchmarks=(benchmark,)
    )


def condition(family: Family, name: str, strength: int | None) -> Condition:
    return Condition(
        condition_id=f"c-{name}-{strength}",
        data=small.DATA,
        split="test",
        family=family,
        test_distortion=name,
        parameter="severity",
        level=strength,
    )


def commit_errors(
    store: Store, plan: Plan, trial: PlannedTrial, clean: Counted, corrupted: Corrupted, rendering: str | None = None
) -> None:
    """A trained trial's cells; severities from 1 on, each once."""
    cells = [cell("c-clean", clean), *_cells(corrupted, rendering)]
    store.commit_training(trial, small.OUTCOME)
    store.commit_cells(trial.trial_id, plan.conditions, cells)


def _cells(corrupted: Corrupted, rendering: str | None) -> Iterator[Cell]:
    for name, row in corrupted.items():
        for severity, counted in enumerate(row, start=1):
            yield replace(cell(f"c-{name}-{severity}", counted), rendering=rendering)


def commit_flips(store: Store, plan: Plan, trial: PlannedTrial, moved: Moved) -> None:
    """A trained trial's cells, of temporal perturbations."""
    cells = [
        replace(cell(f"c-{name}-None", Counted(n=10, correct=5)), flips=tuple(flips)) for name, flips in moved.items()
    ]
    store.commit_training(trial, small.OUTCOME)
    store.commit_cells(trial.trial_id, plan.conditions, [cell("c-clean", Counted(n=10, correct=8)), *cells])


def cell(condition_id: str, counted: Counted) -> Cell:
    return Cell(
        condition_id=condition_id,
        n=counted.n,
        correct=counted.correct,
        top5_correct=None,
        loss_sum=None,
        confidence_sum=None,
        at_chance=False,
        correct_bits=None,
    )


def empty_store() -> Store:
    return Store.open(f"memory://{uuid4().hex}")


def launched(store: Store, plan: Plan) -> Tables:
    store.record_launch(plan, "study: small", {})
    return open_tables(store, plan.study)
