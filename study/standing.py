"""Where a study stands: what its store and the live leases say about the trials of a plan."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from study.front import Accuracies, PointResult, point_results
from study.plan import Plan, Search
from study.pruning import given_up, left_to_others
from study.report import Cells, Share
from study.stages import lacking
from study.store import Committed, Store
from study.store.attempts import in_order
from study.summary import Found

FAILED = ("failed", "lost")
"""How an attempt ends that did not bring its unit to its end."""


def look(store: Store, plan: Plan) -> Found:
    """What the store and the live leases say about a plan's trials."""
    ids = frozenset(trial.trial_id for trial in plan.trials)
    committed = store.committed()
    trained = committed.trained & ids
    holders = {held.name.rpartition("/")[2]: held.owner.what for held in store.leases("trial")}
    mine = {one for one, what in holders.items() if what == f"study {plan.study}"}
    return Found(
        trained=trained,
        evaluated={one: committed.evaluated[one] for one in ids if one in committed.evaluated},
        diverged=_diverged(store, trained),
        failed=frozenset(row["trial_id"] for row in newest_failures(store, plan, committed)),
        pruned=given_up(plan, store),
        running=mine & ids,
        held=(set(holders) - mine) & ids,
        lacking=frozenset(lacking(plan, store, trained, committed.evaluated)),
    )


def _diverged(store: Store, trained: frozenset[str]) -> frozenset[str]:
    if not trained:
        return frozenset()
    rows = store.read("trials", trained).select(["trial_id", "diverged"]).to_pylist()
    return frozenset(row["trial_id"] for row in rows if row["diverged"])


def newest_failures(store: Store, plan: Plan, committed: Committed | None = None) -> list[Mapping[str, Any]]:
    """The newest attempt of each unit that is still wanted, where it failed; `tries` counts the unit's failures.

    A unit whose results are all there has not failed, whatever becomes of its attempts: a worker may die on having
    committed them. Nor has one that the study gave up, and that another study went on with. `committed`: where it is
    known already.
    """
    ids = {trial.trial_id for trial in plan.trials} - left_to_others(plan, store)
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    tries: Counter[tuple[str, str]] = Counter()
    for row in in_order(store.read("attempts", ids).to_pylist()):
        unit = row["trial_id"], row["unit"]
        newest[unit] = row
        tries[unit] += row["status"] in FAILED
    failed = [unit for unit, row in newest.items() if row["status"] in FAILED]
    wanted = _wanted(store, plan, committed or store.committed()) if failed else set()
    return [{**newest[unit], "tries": tries[unit]} for unit in failed if unit in wanted]


def _wanted(store: Store, plan: Plan, committed: Committed) -> set[tuple[str, str]]:
    """(trial id, unit) of what the plan wants and the store has not; of stages that were never kept, the training."""
    unkept = lacking(plan, store, committed.trained, committed.evaluated)
    conditions = {condition.condition_id for condition in plan.conditions}
    ids = {trial.trial_id for trial in plan.trials}
    untrained = {(one, "train") for one in ids if one not in committed.trained or one in unkept}
    return untrained | {(one, "evaluate") for one in ids if not conditions <= committed.evaluated.get(one, frozenset())}


def practical_cells(store: Store, plan: Plan) -> Cells:
    """Results at each sweep's practical level; none of a pruned trial, whatever another study made of it."""
    practical = {sweep.condition_ids[sweep.levels.index(sweep.practical)] for sweep in plan.sweeps}
    rows = store.read("evaluations", {trial.trial_id for trial in plan.trials} - given_up(plan, store).keys())
    chosen = rows.select(["trial_id", "condition_id", "role", "correct", "n"]).to_pylist()
    return {
        (row["trial_id"], row["condition_id"]): Share(correct=row["correct"], n=row["n"])
        for row in chosen
        if row["condition_id"] in practical and row["role"] == "best"
    }


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean accuracy over conditions and replicates, on the same images."""

    value: float
    error: float | None
    """One standard error over images, each with its own mean; None where per-image outcomes are missing."""


@dataclass(frozen=True, kw_only=True)
class Front:
    """What one search came to."""

    search: Search
    points: tuple[tuple[PointResult, tuple[Mean, ...]], ...]
    """Those on the front with their objectives on test images, from the most of the first objective on.

    Points that are the same trials stand once.
    """
    baseline: tuple[Mean, ...] | None
    """The same of the study's baseline; None if it has none that is evaluated."""
    baseline_label: str
    validation_n: int
    test_n: int


def fronts(store: Store, plan: Plan) -> tuple[Front, ...]:
    """The front of each search, as far as its points are evaluated."""
    if not plan.searches:
        return ()
    ids = {one for point in plan.drawn for one in point.trial_ids} | {trial.trial_id for trial in plan.baseline}
    rows = [row for row in store.read("evaluations", ids).to_pylist() if row["role"] == "best"]
    accuracies = {(row["trial_id"], row["condition_id"]): row["correct"] / row["n"] for row in rows}
    results = [one for one in point_results(plan, accuracies) if one.front and one.test is not None]
    n = {row["condition_id"]: row["n"] for row in rows}
    shown = {one for result in results for one in result.drawn.trial_ids} | {trial.trial_id for trial in plan.baseline}
    outcomes = _outcomes(store, shown)
    return tuple(_front(search, plan, results, accuracies, outcomes, n) for search in plan.searches)


Outcomes = Mapping[tuple[str, str], npt.NDArray[np.uint8]]
"""(trial id, condition id) → one 0 or 1 an image."""


def _outcomes(store: Store, trial_ids: set[str]) -> Outcomes:
    return {
        (row["trial_id"], row["condition_id"]): np.unpackbits(
            np.frombuffer(row["correct_bits"], dtype=np.uint8), count=row["n"]
        )
        for row in store.read("predictions", trial_ids).to_pylist()
        if row["role"] == "best"
    }


def _front(
    search: Search,
    plan: Plan,
    results: Sequence[PointResult],
    accuracies: Accuracies,
    outcomes: Outcomes,
    n: Mapping[str, int],
) -> Front:
    distinct = {one.drawn.trial_ids: one for one in reversed(results) if one.search.search_id == search.search_id}
    own = list(distinct.values())
    own.sort(key=lambda one: (one.validation or (), -one.drawn.number), reverse=True)
    measured = tuple((one, tuple(_means(search, one.drawn.trial_ids, accuracies, outcomes))) for one in own)
    compared = plan.baseline
    whole = compared and all(
        (trial.trial_id, condition) in accuracies for trial in compared for one in search.objectives
        for condition in one.test
    )  # fmt: skip
    ids = tuple(trial.trial_id for trial in compared)
    return Front(
        search=search,
        points=measured,
        baseline=tuple(_means(search, ids, accuracies, outcomes)) if whole else None,
        baseline_label=compared[0].label if compared else "",
        validation_n=max((n.get(one, 0) for wanted in search.objectives for one in wanted.validation), default=0),
        test_n=max((n.get(one, 0) for wanted in search.objectives for one in wanted.test), default=0),
    )


def _means(search: Search, trial_ids: Sequence[str], accuracies: Accuracies, outcomes: Outcomes) -> Iterator[Mean]:
    for objective in search.objectives:
        cells = [(one, condition) for one in trial_ids for condition in objective.test]
        value = math.fsum(accuracies[cell] for cell in cells) / len(cells)
        known = [outcomes[cell] for cell in cells if cell in outcomes]
        yield Mean(value=value, error=error_of_mean(known) if len(known) == len(cells) else None)


def error_of_mean(outcomes: Sequence[npt.NDArray[np.uint8]]) -> float:
    """One standard error of a mean over cells of the same images, over images, each with its own mean over cells."""
    each = np.mean(outcomes, axis=0)
    return float(each.std() / math.sqrt(len(each)))
