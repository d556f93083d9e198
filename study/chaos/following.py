"""What befalls the attempts at units from just before a fault until the study is complete, seen from the store.

A worker that is killed cannot say when, and records that it leaves may be refused by the very fault: so each attempt is
looked at again and again, and its end counts as the first look at which it was over.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psutil

from study.chaos.nodes import Cluster
from study.chaos.watching import UnitUnderWay, is_superseded, under_way
from study.store import Owner, Store
from study.store.logbook import LogLine, read_lines, sittings

FINISHED = ("done", "diverged", "halted")
"""How attempts end that have done what they were for."""
TROUBLE = ("retrying", "failed", "held")
"""What a launch says of a unit that something has befallen."""

Name = tuple[str, int]
"""A trial, and the generation of its lease: one attempt at one unit."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One worker's work on one unit."""

    unit: UnitUnderWay
    ended: float | None = None
    """Seconds since 1970: at this look it was over, at the one before it was not; None while it goes on."""


@dataclass
class Following:
    """Looks at the attempts; `alive` tells of a worker."""

    store: Store
    alive: Callable[[Owner], bool]
    attempts: dict[Name, Attempt] = field(default_factory=dict)
    looked: float = 0.0

    def look(self) -> None:
        """Raises OSError where storage does not answer."""
        self.looked = time.time()
        there = {(one.trial_id, one.generation): one for one in under_way(self.store) if self.alive(one.owner)}
        self.attempts |= {name: Attempt(unit=unit) for name, unit in there.items()}
        for name, attempt in self.attempts.items():
            if attempt.ended is None and name not in there and self._is_over(attempt.unit, there.values()):
                self.attempts[name] = replace(attempt, ended=self.looked)

    def _is_over(self, unit: UnitUnderWay, others: Iterable[UnitUnderWay]) -> bool:
        """Gone, given back, or left for another unit; of one that lost its lease nobody knows when it notices."""
        gone = not self.alive(unit.owner) or any(one.owner == unit.owner for one in others)
        return gone or not is_superseded(self.store, unit)

    def ended(self, unit: UnitUnderWay) -> float:
        """When the attempt was over; that it still goes on is known as of the last look."""
        attempt = self.attempts.get((unit.trial_id, unit.generation))
        return self.looked if attempt is None or attempt.ended is None else attempt.ended


@dataclass
class Lives:
    """Whether workers live, as far as this machine can tell: its own processes, and those of a cluster made here."""

    cluster: Cluster | None
    _known: dict[Owner, psutil.Process | None] = field(default_factory=dict)

    def __call__(self, owner: Owner) -> bool:
        """True where nobody can tell: such a worker's lease says when it is over."""
        if owner.life != "unknown":
            return owner.life == "alive"
        if self.cluster is None:
            return True
        if owner not in self._known:
            found = self.cluster.process_of(owner)
            self._known[owner] = None if found is None else found[1]
        process = self._known[owner]
        try:
            return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def said(store: Store, study: str, since: float) -> tuple[LogLine, ...]:
    """What the study's launches have said of units in trouble, from `since` (seconds since 1970) on."""
    lines = (line for one in sittings(store.objects, study) for line in read_lines(store.objects, one)[0])
    return tuple(line for line in lines if line.change in TROUBLE and line.at.timestamp() >= since)


def lost(
    store: Store, attempts: Collection[Attempt], told: Sequence[LogLine], stood_still: tuple[float, float] = (0.0, 0.0)
) -> float:
    """Seconds: the most work on one trial that was done and had to be done again, from just before the fault on.

    Of each attempt that did not do what it was for, all the time from when it was taken up, or its state last seen to
    be saved, until it was certainly over: its worker's own word where there is one, else the first look (every tenth
    of a second) at which its process was gone or its lease free, or, where storage refused both, `told`: what the
    launch said of its failure. Waiting for storage counts as work; standing still, in the span `stood_still`, does
    not. Several attempts at one trial add up. So it is never less than what was lost, but for clocks: storage that is
    not on this machine tells by its own clock when something was saved.
    """
    rows = ended_by_themselves(store, attempts)
    total: defaultdict[str, float] = defaultdict(float)
    for attempt in attempts:
        unit = attempt.unit
        row = rows.get((unit.trial_id, unit.generation))
        if row is None or row["status"] not in FINISHED:
            end = _end(attempt, row, told)
            still = max(0.0, min(end, stood_still[1]) - max(unit.kept_at, stood_still[0]))
            total[unit.trial_id] += max(0.0, end - unit.kept_at - still)
    return max(total.values(), default=0.0)


def _end(attempt: Attempt, row: Mapping[str, Any] | None, told: Sequence[LogLine]) -> float:
    unit = attempt.unit
    ends = [attempt.ended] if attempt.ended is not None else []
    ends += [row["started"].timestamp() + row["seconds"]] if row is not None else []
    ends += [
        line.at.timestamp() for line in told if line.trial_id == unit.trial_id and line.at.timestamp() > unit.taken
    ]
    return min(ends, default=unit.kept_at)


def ended_by_themselves(store: Store, attempts: Collection[Attempt]) -> Mapping[Name, Mapping[str, Any]]:
    """The records that workers made of their attempts; those that the launch made of dead workers begin with none."""
    rows = store.read("attempts", {one.unit.trial_id for one in attempts}).to_pylist()
    numbered = ((row, row["attempt"].partition("-")[0]) for row in rows)
    return {(row["trial_id"], int(number)): row for row, number in numbered if number.isdigit()}


def felt(
    following: Following,
    hit: Collection[UnitUnderWay],
    struck: float,
    healed: float,
    period: float,
    told: Collection[LogLine],
) -> frozenset[str]:
    """The trials that a fault, which lasted from `struck` to `healed` (seconds since 1970), came to something for.

    Those of whose trouble the launch told; and of those `hit`, the ones whose attempt did not do what it was for, or
    was at work for a whole `period` of the fault: every so often it has something to say or to save that cannot have
    arrived.
    """
    rows = ended_by_themselves(following.store, [*following.attempts.values()])

    def was_felt(unit: UnitUnderWay) -> bool:
        ended = following.ended(unit)
        row = rows.get((unit.trial_id, unit.generation))
        undone = row is None or row["status"] not in FINISHED
        return min(ended, healed) - struck >= period or (undone and ended < following.looked)

    return frozenset(one.trial_id for one in hit if was_felt(one)) | {line.trial_id for line in told if line.trial_id}
