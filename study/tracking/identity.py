"""Which store a run is of. A store that was copied is another one: it must not take the runs of the first for its own.

An identity holds at the place that it was made for. A copy carries the identities of the store that it was made from,
finds none of them to be of its own place, and makes one.
"""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from study.store import Store
from study.tracking.place import file_system

KEPT, IDENTITIES = "identity.json", "identities"
UNSTABLE = "fuse."
"""File systems that number their files anew each time that they are mounted."""
DIGITS = 16


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Where a store lies."""

    path: str
    """A resolved path, or a URL."""
    disk: str
    """What the file system says it is called; a network's says the same on every machine."""
    number: int
    """Of the store's folder there: renaming keeps it, copying does not."""

    def is_of(self, other: "Mark") -> bool:
        """Whether both are one store: a disk may be mounted elsewhere or named anew, or the folder renamed."""
        return self.number == other.number and (self.path == other.path or self.disk == other.disk)


def store_id(store: Store, shared: bool) -> str:
    """What tells a store from any other with a study of the same name: on a `shared` server made once for each place.

    In the store's own database there is no other, and what lies there goes where the store goes.
    """
    return _of_place(store) if shared else _made(store, KEPT, {})


def _of_place(store: Store) -> str:
    mark = mark_of(store)
    known = (store_id for store_id, made_for in _identities(store).items() if made_for.is_of(mark))
    name = f"{IDENTITIES}/{sha256(json.dumps(asdict(mark)).encode()).hexdigest()[:DIGITS]}.json"
    return next(known, None) or _made(store, name, {"mark": asdict(mark)})


def is_copy(store: Store) -> bool:
    """Whether the store has identities and none of this place: it was copied, or moved from another disk."""
    mark, found = mark_of(store), _identities(store)
    return bool(found) and not any(made_for.is_of(mark) for made_for in found.values())


def mark_of(store: Store) -> Mark:
    """Of the place where the store lies now."""
    if store.root is None:
        return Mark(path=store.location, disk=store.location, number=0)
    path = store.root.resolve()
    if file_system(path).startswith(UNSTABLE):
        return Mark(path=str(path), disk=f"{socket.gethostname()}:{path}", number=0)
    return Mark(path=str(path), disk=_disk(path), number=path.stat().st_ino)


def _disk(path: Path) -> str:
    return f"{os.statvfs(path).f_fsid:x}"


def _identities(store: Store) -> dict[str, Mark]:
    """Of every place where the store, or one that it was copied from, has been."""
    names = (f"{IDENTITIES}/{name}" for name in store.objects.children(IDENTITIES))
    found = (json.loads(store.objects.get(name)) for name in names)
    return {one["store_id"]: Mark(**one["mark"]) for one in found}


def _made(store: Store, name: str, described: Mapping[str, object]) -> str:
    """One identity of that name, however many processes make it at once."""
    store.objects.create(name, json.dumps({"store_id": uuid4().hex[:DIGITS], **described}).encode())
    return str(json.loads(store.objects.get(name))["store_id"])
