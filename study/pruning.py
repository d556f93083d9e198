"""Pruning: the brackets of a plan as the store knows them, rebuilt at every launch, and whom a launch gave up."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from study.executor.brackets import Brackets, Scores
from study.executor.rungs import Score
from study.plan import Plan
from study.pruners import rung_epochs
from study.store import Launch, Store
from study.store.patience import patiently


def brackets_of(plan: Plan, store: Store, trained: Collection[str], failed: Collection[str]) -> Brackets:
    """Where the launches before left them."""
    if not plan.prunings:
        return Brackets(plan)
    brackets = Brackets(plan, lambda trial_id: patiently(lambda: _scores(store.epochs(trial_id))))
    halted = _halted(store, plan.study)
    pruned = given_up(plan, store)
    brackets.recall(halted, _of_trained(plan, store, trained, halted), failed, pruned, store.promotions(plan.study))
    return brackets


def given_up(plan: Plan, store: Store) -> Mapping[str, int]:
    """Trial id → how long it was trained, of those that the newest launch by the same rules gave up."""
    newest = store.newest_launch(plan.study) if plan.prunings else None
    return newest.pruned if newest is not None and newest.prunings == plan.prunings else {}


def left_to_others(plan: Plan, store: Store) -> frozenset[str]:
    """Those given up, but for whom this study let go on since."""
    pruned = given_up(plan, store)
    return frozenset(one for one, _ in pruned.items() - store.promotions(plan.study)) if pruned else frozenset()


def keep_promotions(plan: Plan, store: Store, brackets: Brackets) -> None:
    """Write down who goes on before it does, so that a relaunch does not decide it anew."""
    if plan.prunings:
        brackets.note(lambda trial_id, epochs: patiently(lambda: store.record_promotion(plan.study, trial_id, epochs)))


def record_given_up(store: Store, launch: Launch, brackets: Brackets) -> None:
    """Write down whom the launch gives up: trials in whose brackets nothing is left to train."""
    pruned = brackets.pruned()
    if pruned != launch.pruned:
        patiently(lambda: store.record_pruned(launch.study, launch.number, pruned))


def _halted(store: Store, study: str) -> Mapping[str, Scores]:
    """Trial id → how it stood where it halted."""
    found: defaultdict[str, dict[int, Score]] = defaultdict(dict)
    for row in store.rungs(study).to_pylist():
        found[row["trial_id"]][row["epochs"]] = _score(row)
    return found


def _of_trained(
    plan: Plan, store: Store, trained: Collection[str], halted: Mapping[str, Scores]
) -> Mapping[str, Scores]:
    """Trial id → how it stood after each epoch; nothing where all is known from its halts."""
    rules = {one.label: one for one in plan.prunings}
    own = [trial for trial in plan.trials if trial.label in rules and trial.trial_id in trained]
    lacking = {
        trial.trial_id
        for trial in own
        for rung in rung_epochs(
            rules[trial.label].min_epochs, rules[trial.label].reduction_factor, trial.recipe.epochs or 0
        )
        if rung not in halted.get(trial.trial_id, {})
    }
    rows = defaultdict(list)
    for row in store.read("epochs", lacking).to_pylist() if lacking else ():
        rows[row["trial_id"]].append(row)
    return {trial_id: _scores(rows[trial_id]) for trial_id in trained}


def _scores(rows: Iterable[Mapping[str, Any]]) -> Scores:
    return {row["epoch"]: _score(row) for row in rows}


def _score(row: Mapping[str, Any]) -> Score:
    return row["validation_correct"] / row["validation_n"], -row["validation_loss"]
