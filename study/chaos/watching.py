"""Which units are under way, read from the store: the leases of trials, and what was last saved of each."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from study.store import Owner, Store

FOLDER = "leases/trial"


@dataclass(frozen=True, kw_only=True)
class UnitUnderWay:
    """A trial that a worker holds."""

    trial_id: str
    generation: int
    owner: Owner
    taken: float
    """When it was taken up; seconds since 1970 by the storage's clock."""
    kept_at: float
    """When it was taken up, or its state last saved, whichever is later; by the same clock."""


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
            saved = max(_saves(store, trial_id), default=0.0)
            found.append(
                UnitUnderWay(
                    trial_id=trial_id, generation=held.generation, owner=held.owner, taken=taken.modified,
                    kept_at=max(taken.modified, saved),
                )
            )  # fmt: skip
    return tuple(found)


def _saves(store: Store, trial_id: str) -> Iterator[float]:
    """When what another attempt would go on from was written: a training's state, its row, sets of cells."""
    for name, told in store.objects.described(f"trials/{trial_id}").items():
        if name.endswith("/last.ckpt"):
            yield told.modified
    for table in ("trials", "evaluations"):
        for name, told in store.objects.described(f"results/{table}").items():
            if name.split("/")[2].startswith(trial_id):
                yield told.modified


def taken_up_again(store: Store, units: Collection[UnitUnderWay]) -> bool:
    """Whether none of these is waiting any more: each has a new holder, or its holder has finished."""
    return all(_newer(store, unit) for unit in units)


def _newer(store: Store, unit: UnitUnderWay) -> bool:
    taken, released = _generations(store, unit)
    newest = max(taken | released, default=0)
    return newest > unit.generation or (newest == unit.generation and newest in released)


def is_superseded(store: Store, unit: UnitUnderWay) -> bool:
    """Whether another has taken the trial since."""
    taken, released = _generations(store, unit)
    return max(taken | released, default=0) > unit.generation


def _generations(store: Store, unit: UnitUnderWay) -> tuple[set[int], set[int]]:
    """Of the trial's lease: those that were taken, and those that were given back."""
    files = store.objects.children(f"{FOLDER}/{unit.trial_id}")
    taken, released = (
        {int(file.partition(".")[0]) for file in files if file.endswith(kind)} for kind in (".held", ".released")
    )
    return taken, released


def committed(store: Store) -> dict[str, Committed]:
    """Every result file but the records of attempts."""
    return {
        name: Committed(bytes=told.bytes, modified=told.modified)
        for name, told in store.objects.described("results").items()
        if not name.startswith("results/attempts/")
    }
