"""One run: a launch, a fault at some moment, launches until the study is complete, and the verdict."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from study.chaos.errors import ChaosError
from study.chaos.faults import Fault, Place, Scene, Struck
from study.chaos.following import Following, Lives, felt, lost, said
from study.chaos.launching import Command, Launch, marked
from study.chaos.nodes import Cluster
from study.chaos.runs import last_lines
from study.chaos.verdict import CutShort, faults_of, left_running, still_there, swept
from study.chaos.watching import Committed, committed, taken_up_again, under_way
from study.plan import Plan
from study.store import Store
from study.store.heartbeat import RELEASE_SECONDS

LOOK_SECONDS = 0.1
LAUNCHES = 5
"""Until a study that was disturbed once must be complete."""
BEGIN_SECONDS = 180.0
"""How long the first unit may take to begin."""
COMPLETE_SECONDS = 1800.0
"""How long a disturbed launch may go on, besides the fault and what it takes undisturbed."""
LAUNCH_LOG = "launch.log"
GRACE_SECONDS = 5.0
"""From when a fault is over until the last process that it killed has written its last byte."""


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """The same study left alone."""

    store: Store
    under_way: float
    """Seconds from the first unit's begin to the last one's end."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Missed:
    """A fault that came to nothing, and says nothing of the study."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is disturbed."""

    key: str
    """A hash of its plan, of the cluster that it is launched on, and of the code and the versions at work."""
    plan: Plan
    typed: tuple[str, ...]
    """As `study launch` takes it."""


@dataclass(frozen=True, kw_only=True)
class Take:
    """A launch to be made in some place."""

    study: Study
    place: Place
    store: str
    """Of this launch alone."""
    logs: Path
    """A folder for what launches print."""
    cluster: Cluster | None

    def command(self) -> Command:
        self.logs.mkdir(parents=True, exist_ok=True)
        joined = self.cluster.environment if self.cluster is not None else {}
        return Command(typed=self.study.typed, environment=joined, address=self.address, store=self.store, log=self.log)

    @property
    def log(self) -> Path:
        """What its launches print."""
        return self.logs / LAUNCH_LOG

    @property
    def address(self) -> str | None:
        return self.cluster.address if self.cluster is not None else self.place.address

    def workers(self, mark: str) -> int:
        """What is still at work for this launch."""
        here = len(marked(mark))
        if self.cluster is not None:
            return here + self.cluster.workers()
        if self.place.address is not None:
            from study.executor.striking import orphans  # Ray

            return here + orphans(self.place.address)
        return here


@contextmanager
def launched(command: Command) -> Iterator[Launch]:
    """A launch of which nothing is left afterwards."""
    launch = Launch(command)
    try:
        yield launch
    finally:
        launch.end()


def left_alone(take: Take) -> Undisturbed:
    """Launch the study with nothing in its way; raises ChaosError if it does not come to its end."""
    began = time.monotonic()
    store = Store.open(take.store)
    command = take.command()
    with launched(command) as launch:
        first = last = _wait_for_units(store, launch)
        while launch.status is None:
            if under_way(store):
                last = time.monotonic()
            time.sleep(LOOK_SECONDS)
        ended = time.monotonic()
    if launch.status != 0 or first is None or last is None:
        raise ChaosError(f"the study does not come to its end even undisturbed (exit status {launch.status})")
    _until(lambda: not take.workers(command.mark), 90.0)
    return Undisturbed(store=store, under_way=last - first, seconds=ended - began)


def _wait_for_units(store: Store, launch: Launch) -> float | None:
    """When the first unit is under way; None if the launch ends before."""
    deadline = time.monotonic() + BEGIN_SECONDS
    while launch.status is None and time.monotonic() < deadline:
        if under_way(store):
            return time.monotonic()
        time.sleep(LOOK_SECONDS)
    return None


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


@dataclass
class Disturbed:
    """A run under way."""

    take: Take
    fault: Fault
    undisturbed: Undisturbed
    luck: Random
    launches: int = 0
    status: int | None = None
    """Of the last launch."""
    last_words: str = ""
    """Of the last launch that ended in any way but complete."""
    recovered: float | None = None
    struck_at: float = 0.0
    healed_at: float | None = None
    """Both by the clock that only goes on."""
    _store: Store = field(init=False)
    _following: Following = field(init=False)

    def play(self) -> Mapping[str, Any] | Missed:
        """What came of it."""
        began = time.monotonic()
        moment = self.luck.uniform(0.0, self.undisturbed.under_way)
        with self.fault.staged(self.take.store):
            self._store = Store.open(self.take.store)
            self._following = Following(self._store, Lives(self.take.cluster))
            command = self.take.command()
            with launched(command) as launch:
                self.launches = 1
                if _wait_for_units(self._store, launch) is None:
                    raise ChaosError(f"no unit of the study began (exit status {launch.status})")
                _until(lambda: launch.status is not None, moment)
                before, units = committed(self._store), under_way(self._store)
                if not units or launch.status is not None:
                    return Missed(why="nothing was under way any more")
                self._following.look()
                self.struck_at, struck_when = time.monotonic(), time.time()
                scene = Scene(
                    store=self._store, launch=launch, cluster=self.take.cluster, address=self.take.address,
                    luck=self.luck,
                )  # fmt: skip
                struck = self.fault.strike(scene, units)
                if not struck.hit:
                    self._heal(struck)
                    return Missed(why="nothing was under way there any more")
                self._see_through(launch, struck)
            while self.status != 0 and self.launches < LAUNCHES and (self.fault.relaunches or self.launches == 1):
                self._go_on(command, struck)
            ended = time.time()
            self._heal(struck)
            came = self._verdict(struck, struck_when, ended, before, command.mark)
            if not came["hit"] and came["holds"]:
                return Missed(why="nothing was to be written or said meanwhile")
            return {**came, "moment": moment, "seconds": time.monotonic() - began}

    def _verdict(
        self, struck: Struck, struck_when: float, ended: float, before: Mapping[str, Committed], mark: str
    ) -> dict[str, Any]:
        """`struck_when` and `ended`, the last launch: seconds since 1970."""
        assert self.healed_at is not None
        plan, healed = self.take.study.plan, struck_when + self.healed_at - self.struck_at
        told = said(self._store, plan.study, struck_when)
        broken = [
            *self._endings(),
            *faults_of(
                self._store, self.undisturbed.store, plan, before, partial(self.take.workers, mark),
                self._cut_short(struck, healed, ended),
            ),
            *left_running(self._store, plan.study),
        ]  # fmt: skip
        self._following.look()
        hit = {one.trial_id for one in struck.hit}
        if self.fault.period:
            hit = set(felt(self._following, struck.hit, struck_when, healed, self.fault.period, told))
        gone = swept(self._store)
        broken += still_there(self._store)
        return {
            "fault": struck.fault, "hit": len(hit), "launches": self.launches, "holds": not broken, "broken": broken,
            "lost": lost(
                self._store, [*self._following.attempts.values()], told if self.fault.refuses else (),
                (struck_when, healed) if struck.stands_still else (0.0, 0.0),
            ),
            "recovered": self.recovered or 0.0, "swept": gone, "undisturbed": self.undisturbed.seconds,
        }  # fmt: skip

    def _cut_short(self, struck: Struck, healed: float, ended: float) -> CutShort:
        """Where processes are killed, those of the units hit, or all; and where the launch ended while storage refused
        writes, all: nobody could give a lease back. One that ends later still does."""
        until = max(healed, *(self._following.ended(unit) for unit in struck.hit if self.fault.kills), 0.0)
        until += GRACE_SECONDS
        everybody = self.fault.relaunches or (bool(self.fault.refuses) and ended <= healed + 2 * RELEASE_SECONDS)
        killed = struck.hit if self.fault.kills else ()
        owners, attempts = {one.owner for one in killed}, {(one.trial_id, one.generation) for one in killed}
        return CutShort(
            until=until,
            files=self.fault.kills or "deletions" in self.fault.refuses,
            holds=lambda owner: everybody or owner in owners,
            wrote=lambda attempt: self.fault.relaunches or attempt in attempts,
        )

    def _endings(self) -> Iterator[str]:
        if self.status != 0:
            yield f"the study is not complete after {self.launches} launches (exit status {self.status}){self._why}"
        elif self.launches > 1 and not self.fault.relaunches:
            yield f"the launch did not survive: another had to go on{self._why}"

    @property
    def _why(self) -> str:
        return f", which ended with: {self.last_words}" if self.last_words else ""

    def _go_on(self, command: Command, struck: Struck) -> None:
        with launched(command) as launch:
            self.launches += 1
            self._see_through(launch, struck)

    def _see_through(self, launch: Launch, struck: Struck) -> None:
        """Until the launch ends; the fault is healed when its time is over."""
        deadline = time.monotonic() + struck.seconds + self.undisturbed.seconds + COMPLETE_SECONDS
        while launch.status is None and time.monotonic() < deadline:
            since = time.monotonic() - self.struck_at
            if since >= struck.seconds:
                self._heal(struck)
            with suppress(OSError):
                self._following.look()
            if self.recovered is None and self._recovered(struck):
                self.recovered = since
            time.sleep(LOOK_SECONDS)
        self.status = launch.status
        if self.status != 0:
            self.last_words = last_lines(self.take.log.read_bytes())
        if self.recovered is None and self.status == 0:
            self.recovered = time.monotonic() - self.struck_at

    def _recovered(self, struck: Struck) -> bool:
        with suppress(OSError):
            return taken_up_again(self._store, struck.hit)
        return False

    def _heal(self, struck: Struck) -> None:
        if self.healed_at is None:
            struck.heal()
            self.healed_at = time.monotonic()


def clear(location: str) -> None:
    """Nothing is left of a store that served one run."""
    store = Store(location)
    if store.root is not None:
        shutil.rmtree(store.root, ignore_errors=True)
        return
    for name in store.objects.beneath(""):
        store.objects.delete(name)


def as_row(study: Study, kind: str, seed: int, number: int, missed: int, came: Mapping[str, Any]) -> dict[str, Any]:
    """What came of a run, as the table of verdicts has it."""
    return {"study": study.key, "kind": kind, "seed": seed, "number": number, "missed": missed, **came}
