"""Leases: at most one process at a time works on a study or a trial, and a dead one's lease is soon free.

    leases/<name>/<generation>.held       created if absent, never changed: who holds it
    leases/<name>/<generation>.beat       the holder's heartbeat, a counter
    leases/<name>/<generation>.released   the holder is done; what it has left for the next to read

Whoever creates generation g + 1 has the lease; generations only grow, and the highest is never deleted, so the number
is a fencing token: a holder that was taken for dead and comes back sees a higher one and stops. Lease files are not
synced to disk: a power cut that loses them has ended their holders too.

Who may create g + 1: anyone, once g is released, its process is gone from this machine, or its heartbeat has stood
still for its `ttl` by the observer's own clock (two machines' clocks are never compared). On NFS the listing of a
folder may be seconds old (`acdirmin`): a holder then notices late that it was superseded; creation stays exclusive.
"""

import json
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from study.store.errors import HeldError, StoreError, SupersededError
from study.store.objects import Described, Objects
from study.store.owners import Life, Owner

FOLDER = "leases"

GIVE_BACK_SECONDS = 0.5
"""Between attempts at giving back a lease that was created, perhaps, by a call that failed."""

UNWANTED: set[str] = set()
"""Tokens of leases that this process tried to create and nobody in it holds: storage failed before it was told so."""

Place = tuple[str, int]
"""A lease's name and generation."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A lease that somebody holds."""

    name: str
    generation: int
    owner: Owner
    since: str
    """UTC, ISO 8601, by the holder's clock."""
    ttl: float
    """Seconds without a heartbeat after which the holder counts as dead."""
    token: str = ""
    """Of this one lease: makes its file unlike any that another call, of the same process even, would create."""

    @property
    def life(self) -> Life:
        """Of who holds it: a process that lives may hold it no more."""
        return "dead" if self.token in UNWANTED else self.owner.life


UNREADABLE = Owner(user="?", host="?", pid=0, process_start=None, machine="?", what="its lease file cannot be read")
"""The owner of a lease file that a power cut emptied: only its heartbeat can tell whether it lives."""


@dataclass
class Lease:
    """The right to work on `name`, held by this process until `release`, or until another takes it over."""

    objects: Objects
    name: str
    generation: int
    """The fencing token: higher than that of any earlier holder."""
    ttl: float
    found: bytes = b""
    """What the holder before left, if it gave the lease back."""
    left: bytes = b""
    """What the next holder finds."""
    beats: int = 0

    def check(self) -> None:
        """Raise SupersededError unless this lease is still held: one listing of a folder of a few files."""
        if _newest(self.objects, self.name) != (self.generation, True):
            raise SupersededError(self.name, self.generation)

    def renew(self) -> None:
        """Show that the holder lives, several times a `ttl`; raises SupersededError."""
        self.check()
        self.beats += 1
        self.objects.put(_path(self.name, self.generation, "beat"), str(self.beats).encode(), durable=False)

    def release(self) -> None:
        """Let the next one in at once. A lease that was taken over is left to its new holder."""
        self.objects.put(_path(self.name, self.generation, "released"), self.left, durable=False)
        for kind in ("held", "beat"):
            self.objects.delete(_path(self.name, self.generation, kind))


@dataclass
class Leases:
    """The leases of one store, and what this process has seen of other machines' heartbeats."""

    objects: Objects
    seen: dict[Place, tuple[bytes, float]] = field(default_factory=dict)
    """The last heartbeat and when, by this process's monotonic clock, it was first seen."""

    def acquire(self, name: str, owner: Owner, ttl: float, patience: float) -> Lease:
        """Take the lease; raises HeldError.

        Without patience, a holder on another machine is given up on only by a later call, `ttl` seconds after the
        first that saw its last heartbeat; with it, this call watches for that long.
        """
        deadline = time.monotonic() + patience
        watched: tuple[int, bytes] | None = None
        while True:
            generation, held = _newest(self.objects, name)
            holder = self._read(name, generation) if held else None
            if holder is None or self._abandoned(holder):
                found = self._left(name, generation) if generation and not held else b""
                if self._take(name, generation + 1, owner, ttl):
                    return Lease(self.objects, name, generation + 1, ttl, found)
                continue
            sign = (generation, self.beat(holder))
            watched = watched or sign
            if holder.life == "alive" or sign != watched or time.monotonic() >= deadline:
                raise HeldError(name, holder.owner, holder.since)
            time.sleep(min(0.5, holder.ttl / 10))

    def generation(self, name: str) -> int:
        """Of the last who took the lease, whether it is still held or not; 0 if nobody ever has."""
        return _newest(self.objects, name)[0]

    def live(self, folder: str) -> tuple[Held, ...]:
        """The leases below `folder` that are held, but for those whose process on this machine is gone, or is this one
        and wants it no more."""
        holders = self._holders(self.objects.beneath(f"{FOLDER}/{folder}".rstrip("/")))
        return tuple(holder for holder in holders if holder.life != "dead")

    def abandoned(self, before: float) -> dict[str, dict[str, Described]]:
        """Name → files of the leases whose holder's process on this machine is gone, or elsewhere was silent since
        `before`, in seconds since 1970 by the storage's clock."""
        files: dict[str, dict[str, Described]] = {}
        for path, told in self.objects.described(FOLDER).items():
            files.setdefault(path.removeprefix(f"{FOLDER}/").rpartition("/")[0], {})[path] = told
        found = {}
        for holder in self._holders(path for own in files.values() for path in own):
            own, life = files[holder.name], holder.life
            silent = max(told.modified for told in own.values()) < before
            if life == "dead" or (life == "unknown" and silent):
                found[holder.name] = own
        return found

    def _holders(self, paths: Iterable[str]) -> Iterator[Held]:
        """Who holds the leases whose files these are."""
        files: dict[str, list[str]] = {}
        for path in paths:
            name, _, file = path.removeprefix(f"{FOLDER}/").rpartition("/")
            files.setdefault(name, []).append(file)
        for name, found in files.items():
            generation, held = _newest_of(found)
            if held and (holder := self._read(name, generation)) is not None:
                yield holder

    def _take(self, name: str, generation: int, owner: Owner, ttl: float) -> bool:
        """Create the generation; False if another was faster.

        An old listing can name a generation that has since come, gone and been tidied away; creating it again is
        caught by looking once more, since the highest generation is always there.

        Where storage fails in between, nobody knows whether the lease is there, in the name of a process that lives:
        it is given back as soon as storage allows, and until then is no obstacle to this process.
        """
        token, now = uuid4().hex, datetime.now(UTC).isoformat(timespec="seconds")
        body = json.dumps({"owner": asdict(owner), "since": now, "ttl": ttl, "token": token}).encode()
        try:
            if not self.objects.create(_path(name, generation, "held"), body, durable=False):
                return False
            if _newest(self.objects, name) != (generation, True):
                self.objects.delete(_path(name, generation, "held"))
                return False
        except BaseException:
            UNWANTED.add(token)
            back = (Lease(self.objects, name, generation, ttl), token)
            threading.Thread(target=self._give_back, args=back, name=f"lease on {name}", daemon=True).start()
            raise
        with suppress(OSError):  # the lease is taken; its next holder tidies
            self._tidy(name, generation)
        return True

    def _give_back(self, lease: Lease, token: str) -> None:
        """Release the lease if it was created, as soon as storage allows: to other processes this one holds it.

        What was asked for may be done after it was given up on: for as long as the lease is one, it is looked for.
        """
        until = None
        while until is None or time.monotonic() < until:
            try:
                holder = self._read(lease.name, lease.generation)
                if holder is not None:
                    return lease.release() if holder.token == token else None
                until = until or time.monotonic() + lease.ttl
            except OSError:
                pass
            except StoreError:  # that does not pass: an administrator took away a right
                return None
            time.sleep(GIVE_BACK_SECONDS)
        return None

    def _left(self, name: str, generation: int) -> bytes:
        return self.objects.get_if_present(_path(name, generation, "released")) or b""

    def _tidy(self, name: str, generation: int) -> None:
        """Delete the generations before, the oldest first: a stale holder must never find itself the highest."""
        old = [file for file in self.objects.children(f"{FOLDER}/{name}") if _generation(file) < generation]
        for file in sorted(old, key=_generation):
            self.objects.delete(f"{FOLDER}/{name}/{file}")

    def _read(self, name: str, generation: int) -> Held | None:
        """Who holds a generation; None if it was given back in the meantime."""
        body = self.objects.get_if_present(_path(name, generation, "held"))
        if body is None:
            return None
        try:
            read = json.loads(body)
            return Held(name=name, generation=generation, **{**read, "owner": Owner(**read["owner"])})
        except (ValueError, TypeError, KeyError):
            return Held(name=name, generation=generation, owner=UNREADABLE, since="an unknown time", ttl=30.0)

    def _abandoned(self, holder: Held) -> bool:
        if holder.life != "unknown":
            return holder.life == "dead"
        place, beat = (holder.name, holder.generation), self.beat(holder)
        if self.seen.get(place, (None, 0.0))[0] != beat:
            self.seen[place] = (beat, time.monotonic())
        return time.monotonic() - self.seen[place][1] >= holder.ttl

    def beat(self, holder: Held) -> bytes:
        """The holder's newest heartbeat."""
        return self.objects.get_if_present(_path(holder.name, holder.generation, "beat")) or b""


def _path(name: str, generation: int, kind: str) -> str:
    return f"{FOLDER}/{name}/{generation:06d}.{kind}"


def _newest(objects: Objects, name: str) -> tuple[int, bool]:
    """The highest generation and whether it is held; (0, False) if there was none."""
    return _newest_of(objects.children(f"{FOLDER}/{name}"))


def _newest_of(files: Iterable[str]) -> tuple[int, bool]:
    kinds: dict[int, set[str]] = {0: set()}
    for file in files:
        number, _, kind = file.partition(".")
        if kind in ("held", "released"):  # a superseded holder's last beat may lie about
            kinds.setdefault(int(number), set()).add(kind)
    newest = max(kinds)
    return newest, kinds[newest] == {"held"}


def _generation(file: str) -> int:
    digits = re.match(r"\d+", file)
    return int(digits[0]) if digits else 0
