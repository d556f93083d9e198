"""Where a study stands: what its store and the live leases say about the trials of a plan."""

from collections.abc import Mapping
from typing import Any

from study.plan import Plan
from study.report import Cells, Share
from study.store import Store
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
        failed=frozenset(row["trial_id"] for row in newest_failures(store, ids)),
        running=mine & ids,
        held=(set(holders) - mine) & ids,
    )


def _diverged(store: Store, trained: frozenset[str]) -> frozenset[str]:
    if not trained:
        return frozenset()
    rows = store.read("trials", trained).select(["trial_id", "diverged"]).to_pylist()
    return frozenset(row["trial_id"] for row in rows if row["diverged"])


def newest_failures(store: Store, ids: frozenset[str]) -> list[Mapping[str, Any]]:
    """The newest attempt of each unit, where it failed; `tries` counts the unit's attempts."""
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    tries: dict[tuple[str, str], int] = {}
    for row in sorted(store.read("attempts", ids).to_pylist(), key=lambda row: row["started"]):
        unit = row["trial_id"], row["unit"]
        newest[unit] = row
        tries[unit] = tries.get(unit, 0) + (row["status"] in FAILED)
    return [{**row, "tries": tries[unit]} for unit, row in newest.items() if row["status"] in FAILED]


def practical_cells(store: Store, plan: Plan) -> Cells:
    """Results at each sweep's practical level."""
    practical = {sweep.condition_ids[sweep.levels.index(sweep.practical)] for sweep in plan.sweeps}
    rows = store.read("evaluations", {trial.trial_id for trial in plan.trials})
    chosen = rows.select(["trial_id", "condition_id", "role", "correct", "n"]).to_pylist()
    return {
        (row["trial_id"], row["condition_id"]): Share(correct=row["correct"], n=row["n"])
        for row in chosen
        if row["condition_id"] in practical and row["role"] == "best"
    }
