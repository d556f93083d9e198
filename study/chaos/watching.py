"""Which units are under way, read from the store: the leases of trials, and what was last saved of each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from study.store import Owner, Store
from study.store.objects import Described

FOLDER = "leases/trial"
SAVED = ("last.ckpt", "best.ckpt")


@dataclass(frozen=True, kw_only=True)
class UnitUnderWay:
    """A trial that a worker holds."""

    trial_id: str
    generation: int
    owner: Owner
    kept_at: float
    """When it was taken up, or last saved, whichever is later; seconds since 1970 by the storage's clock."""


@dataclass(frozen=True, kw_only=True)
class Committed:
    """A result file, as it must stay."""

    bytes: int
    modified: float


def under_way(store: Store) -> tuple[UnitUnderWay, ...]:
    """What workers that live, as far as anybody knows, hold now."""
    found = []
    for held in store.leases("trial"):
        trial_id = held.name.rpartition("/")[2]
        taken = store.objects.described(f"leases/{held.name}").get(f"leases/{held.name}/{held.generation:06d}.held")
        if taken is not None:
            kept = [told.modified for told in _saves(store, trial_id).values()]
            found.append(
                UnitUnderWay(
                    trial_id=trial_id, generation=held.generation, owner=held.owner, kept_at=max(taken.modified, *kept)
                    if kept else taken.modified,
                )
            )  # fmt: skip
    return tuple(found)


def _saves(store: Store, trial_id: str) -> Mapping[str, Described]:
    """Checkpoints and commits of the trial."""
    checkpoints = store.objects.described(f"trials/{trial_id}")
    cells = store.objects.described("results/evaluations")
    return {**checkpoints, **{name: told for name, told in cells.items() if name.split("/")[2].startswith(trial_id)}}


def taken_up_again(store: Store, units: Collection[UnitUnderWay]) -> bool:
    """Whether none of these is waiting any more: each has a new holder, or its holder has finished."""
    return all(_newer(store, unit) for unit in units)


def _newer(store: Store, unit: UnitUnderWay) -> bool:
    files = store.objects.children(f"{FOLDER}/{unit.trial_id}")
    taken = {int(file.partition(".")[0]) for file in files if file.endswith(".held")}
    released = {int(file.partition(".")[0]) for file in files if file.endswith(".released")}
    newest = max(taken | released, default=0)
    return newest > unit.generation or (newest == unit.generation and newest in released)


def committed(store: Store) -> dict[str, Committed]:
    """Every result file but the records of attempts."""
    return {
        name: Committed(bytes=told.bytes, modified=told.modified)
        for name, told in store.objects.described("results").items()
        if not name.startswith("results/attempts/")
    }
