"""Stages: the weights in the course of a training that a test of noise stability needs, and those never kept."""

from collections.abc import Collection, Iterable, Mapping

from study.plan import Plan, PlannedTrial
from study.store import Store
from trainables.noise_stability import StabilityTest
from trainables.recipe import Condition

Lacking = Mapping[str, tuple[int, ...]]
"""Trial id → the stages that a test still needs and that were never kept, ascending."""


def tests_stages(condition: Condition) -> bool:
    """Whether it is about weights in the course of a training."""
    return condition.family == "noise_stability"


def needed(trial: PlannedTrial, conditions: Iterable[Condition]) -> frozenset[int]:
    """The stages of the trial that some of the conditions test."""
    tests = (StabilityTest.of(one) for one in conditions if tests_stages(one))
    return frozenset(stage for test in tests for stage in test.reached(trial.recipe))


def lacking(plan: Plan, store: Store, trained: Collection[str], evaluated: Mapping[str, Collection[str]]) -> Lacking:
    """Of the trained trials, the stages that are missing for cells that are missing.

    A trial that diverged is tested at none: it counts at chance.
    """
    if not any(map(tests_stages, plan.conditions)):
        return {}
    wanting: dict[str, frozenset[int]] = {}
    for trial in plan.unique_trials():
        done = evaluated.get(trial.trial_id, ())
        if trial.trial_id in trained:
            missing_cells = (one for one in plan.conditions if one.condition_id not in done)
            wanting[trial.trial_id] = needed(trial, missing_cells) - {trial.recipe.last_stage}
    wanting = {trial_id: stages for trial_id, stages in wanting.items() if stages}
    kept = store.kept_stages() if wanting else {}
    missing = {trial_id: stages - kept.get(trial_id, frozenset()) for trial_id, stages in wanting.items()}
    found = {trial_id: tuple(sorted(stages)) for trial_id, stages in missing.items() if stages}
    rows = store.read("trials", found.keys()).to_pylist() if found else []
    return {row["trial_id"]: found[row["trial_id"]] for row in rows if not row["diverged"]}
