"""A searched study with results made by hand, whole, in a store."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from study.plan import Plan, PlannedTrial
from study.search import resumed
from study.store import Store
from tests.study.hand_made import attempt, launched, outcome
from tests.study.search import peaked
from trainables.recipe import Condition
from trainables.records import Cell


def search_to_the_end(store: Store, plan: Plan) -> Plan:
    """Every point drawn, trained and evaluated, as by one worker; the plan with them."""
    launched(store, plan, peaked.SEARCH)
    for trial in plan.trials:
        commit(store, trial, plan)
    searches = resumed(plan, store, ())
    trained = {trial.trial_id for trial in plan.trials}
    while shapes := searches.shapes(trained):
        for one in searches.draw(shapes[0], trained):
            commit(store, one.trial, plan)
            searches.learn(one.trial.trial_id, peaked.accuracies(one.trial.recipe, plan))
    searches.close()
    return store.with_points(plan)


def commit(store: Store, trial: PlannedTrial, plan: Plan) -> None:
    store.commit_training(trial, outcome(None))
    store.commit_cells(trial.trial_id, plan.conditions, [cell(trial, one) for one in plan.conditions])
    for unit in ("train", "evaluate"):
        store.record_attempt(attempt(trial, unit, "done"))


def cell(trial: PlannedTrial, condition: Condition) -> Cell:
    right = bits(trial, condition)
    return Cell(
        condition_id=condition.condition_id, n=len(right), correct=int(right.sum()), top5_correct=None, loss_sum=1.0,
        confidence_sum=1.0, at_chance=False, correct_bits=np.packbits(right).tobytes(),
    )  # fmt: skip


def bits(trial: PlannedTrial, condition: Condition) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which images are right: those that are right under one condition tend to be under another."""
    hardness = _hardness()
    order = np.argsort(hardness + 0.2 * np.roll(hardness, int(condition.condition_id[:4], 16)))
    right = np.zeros(peaked.IMAGES, dtype=np.bool_)
    right[order[: round(peaked.IMAGES * peaked.accuracy(trial.recipe, condition))]] = True
    return right


@cache
def _hardness() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(0).random(peaked.IMAGES)


def made(folder: Path, points: int = 8) -> tuple[Store, Plan]:
    """A store with `search_mnist` whole in it."""
    store = Store.open(folder)
    plan = peaked.plan(folder, ("trials:     16", f"trials:     {points}"), ("tpe  ", "random  "))
    return store, search_to_the_end(store, replace(plan))
