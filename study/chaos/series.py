"""A series of runs: what is refused, the undisturbed study, and every run that has no verdict yet."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from study.chaos import runs
from study.chaos.errors import ChaosError
from study.chaos.faults import Fault, Place, faults
from study.chaos.mounts import unmount_beneath
from study.chaos.nodes import Cluster, Need, clear_away
from study.chaos.playing import Disturbed, Missed, Study, Take, Undisturbed, as_row, clear, left_alone
from study.chaos.suitable import check_suitable
from study.chaos.verdict import differences
from study.executor.cluster import shipped_code
from study.executor.scratch import scratch
from study.launch import prepare
from study.plan import Plan
from study.provenance import code, versions
from study.spec import load
from study.store import Heartbeat, HeldError, Owner, Store

LEASE_SECONDS = 30.0
"""How long after its last sign of life a `study chaos` on another machine counts as dead."""
TRIES = 20
"""Moments tried for one run, until something is under way at one."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One of a series."""

    kind: str
    seed: int
    number: int


def series(kinds: Sequence[str], count: int | None, seed: int) -> tuple[Run, ...]:
    """`count` runs, the kinds in turn, by default one of each; raises ChaosError if there are fewer than kinds."""
    count = len(kinds) if count is None else count
    if count < len(kinds):
        raise ChaosError(
            f"--n {count}: no run would be left for {', '.join(kinds[count:])}; give --n {len(kinds)} or more, or name "
            "fewer kinds in --kill"
        )
    return tuple(Run(kind=kinds[i % len(kinds)], seed=seed, number=i // len(kinds)) for i in range(count))


def chosen(kinds: Sequence[str], place: Place, confirmed: bool) -> dict[str, Fault]:
    """The faults by kind; raises ChaosError, naming every one that cannot be done here, before anything starts."""
    known = faults()
    if not kinds:
        raise ChaosError(f"--kill: names no kind; there are {', '.join(known)}")
    if unknown := [kind for kind in kinds if kind not in known]:
        raise ChaosError(f"--kill {','.join(unknown)}: not a kind; there are {', '.join(known)}")
    asked = {kind: known[kind] for kind in dict.fromkeys(kinds)}
    told = {kind: fault.lacking(place) for kind, fault in asked.items()}
    if refused := [f"{kind}: {why}" for kind, why in told.items() if why is not None]:
        rest = ",".join(kind for kind, why in told.items() if why is None)
        way_out = f"; without {'it' if len(refused) == 1 else 'them'}: --kill {rest}" if rest else ""
        raise ChaosError(f"{'; '.join(refused)}{way_out}")
    warned = [f"{kind} {fault.warning}" for kind, fault in asked.items() if fault.warning]
    if place.address is not None and warned and not confirmed:
        raise ChaosError(f"on the cluster at {place.address}, {'; '.join(warned)}. If so: --yes")
    return asked


def study_of(source: str, overrides: Sequence[str], place: Place) -> Study:
    """What is disturbed; raises SpecError and MissingDataError."""
    spec = load(source, overrides)
    check_suitable(spec, source, overrides)
    plan = prepare(spec).plan
    typed = (source, *(part for one in overrides for part in ("--set", one)))
    return Study(key=_key(plan, place.address), plan=plan, typed=typed)


def _key(plan: Plan, address: str | None) -> str:
    """Verdicts are of one plan, one cluster, and one state of the code and of what it runs on."""
    ids = [[one.trial_id for one in plan.trials], [one.condition_id for one in plan.conditions]]
    known = [plan.study, ids, address or "here", versions(), code_at_work()]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:12]


def code_at_work() -> str:
    """The commit of the sources; where git does not know it, or they differ from it, a hash of what workers get.

    A release's number says too little: it is the same at every commit until the next one.
    """
    known = code() or {}
    return str(known["commit"]) if known.get("commit") and not known["dirty"] else hash_of(shipped_code())


def hash_of(folders: Sequence[str]) -> str:
    """Of every file's name and content, but for what Python has compiled."""
    found = hashlib.sha256()
    for folder in folders:
        for file in sorted(one for one in Path(folder).rglob("*") if one.is_file() and "__pycache__" not in one.parts):
            content = file.read_bytes()
            found.update(f"{file.relative_to(folder)} {len(content)}\n".encode())
            found.update(content)
    return found.hexdigest()


@contextlib.contextmanager
def _alone(kept: Store, study: str) -> Iterator[None]:
    """Nobody else disturbs this study in this store, whose runs would write over one another; raises ChaosError."""
    try:
        lease = kept.acquire(f"chaos/{study}", Owner.here("study chaos"), ttl=LEASE_SECONDS, patience=LEASE_SECONDS + 1)
    except HeldError as held:
        raise ChaosError(
            f"this study is being disturbed in {kept.location} already, by {held.owner}, since {held.since}; wait for "
            "that to end, or give another --store"
        ) from held
    heartbeat = Heartbeat(lease)
    try:
        yield
    finally:
        heartbeat.stop()


def _unmount_left(kept: Store) -> None:
    """What is mounted for runs of studies that nobody else disturbs any more was left by processes that were killed."""
    if kept.root is None:
        return
    own = Owner.here("study chaos")
    others = {held.name.rpartition("/")[2] for held in kept.leases("chaos") if held.owner != own}
    for study in kept.objects.children(runs.FOLDER):
        if study not in others:
            unmount_beneath(kept.root / runs.FOLDER / study)


@dataclass
class Series:
    """Runs to be made; what they need is made when the first needs it, and ended with `close`."""

    study: Study
    place: Place
    faults: dict[str, Fault]
    kept: Store
    """Has the verdicts, the undisturbed study, and what did not hold."""
    say: Callable[[str], None] = lambda _: None
    _own: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _clusters: dict[Need, Cluster | None] = field(default_factory=dict)
    _spans: dict[str, dict[str, float]] = field(default_factory=dict)
    """By the kind of cluster: how long the study takes there undisturbed."""

    def __enter__(self) -> "Series":
        self._own.enter_context(_alone(self.kept, self.study.key))
        self._folder = self._own.enter_context(scratch("chaos"))
        clear_away()
        _unmount_left(self.kept)
        return self

    def __exit__(self, *_: object) -> None:
        self._own.close()

    def missing(self, of: Sequence[Run]) -> Iterator[Run]:
        """Those without a verdict."""
        for run in of:
            if not runs.is_there(self.kept, self.study.key, run.kind, run.seed, run.number):
                yield run

    def play(self, run: Run) -> dict[str, Any]:
        """The run's verdict, kept; raises ChaosError if no moment hits."""
        fault = self.faults[run.kind]
        alone = self.undisturbed(fault)
        name = runs.place_of(self.study.key, run.kind, run.seed, run.number)
        for missed in range(TRIES):
            take = self._take(name, fault)
            clear(take.store)
            take.log.unlink(missing_ok=True)
            if take.cluster is not None:
                take.cluster.renew()
            luck = Random(f"{run.kind} {run.seed} {run.number} {missed}")
            with self._explained(name, take):
                came = Disturbed(take=take, fault=fault, undisturbed=alone, luck=luck).play()
            if isinstance(came, Missed):
                self.say(f"{run.kind} {run.number}: missed, {came.why}; again, at another moment")
                continue
            row = as_row(self.study, run.kind, run.seed, run.number, missed, came)
            if not row["holds"]:
                self._keep_log(name, take)
            runs.keep(self.kept, row)
            if row["holds"]:
                clear(take.store)
            return row
        raise ChaosError(
            f"{run.kind} {run.number}: none of {TRIES} moments came to anything; the study is too short to be "
            "disturbed: give its trials more epochs"
        )

    @contextlib.contextmanager
    def _explained(self, name: str, take: Take) -> Iterator[None]:
        """Where nothing can be said of the study, what its launches printed is kept, and why they ended is shown."""
        try:
            yield
        except ChaosError as error:
            if not take.log.exists():
                raise
            why = runs.last_lines(take.log.read_bytes())
            raise ChaosError(f"{error}; it ended with: {why}; see {self._keep_log(name, take)}") from error

    def _keep_log(self, name: str, take: Take) -> str:
        """Beside the run's store; its address."""
        self.kept.objects.put(f"{name}.log", take.log.read_bytes())
        return self.kept.objects.address(f"{name}.log")

    def undisturbed(self, fault: Fault) -> Undisturbed:
        """The study left alone where the fault is to strike: made once for each kind of cluster, and timed there.

        The first one's results are what all are compared with, those on other clusters to begin with: raises
        ChaosError where they differ with nothing in the way.
        """
        need = "address" if self.place.address is not None else fault.need
        if need not in self._spans:
            self._spans = self._known()
        if need not in self._spans:
            self._spans |= {need: self._leave_alone(need, fault)}
            self.kept.objects.put(self._noted, json.dumps(self._spans).encode())
        return Undisturbed(store=self._store(self._alone), **self._spans[need])

    def _known(self) -> dict[str, dict[str, float]]:
        """Nothing where the note is gone, as with the undisturbed study, or cannot be read: then all is made anew."""
        try:
            return dict(json.loads(self.kept.objects.get_if_present(self._noted) or b"{}"))
        except ValueError:
            return {}

    def _leave_alone(self, need: str, fault: Fault) -> dict[str, float]:
        """How long it took."""
        again = f"{self._alone}-{need.replace(' ', '-')}" if self._spans else self._alone
        self.say(f"the study undisturbed ({need}), to compare with")
        take = self._take(again, fault)
        clear(take.store)
        with self._explained(again, take):
            made = left_alone(take)
            if self._spans:
                self._compare(made)
                clear(take.store)
        return {"under_way": made.under_way, "seconds": made.seconds}

    def _compare(self, made: Undisturbed) -> None:
        if differ := list(differences(made.store, self._store(self._alone))):
            raise ChaosError(f"the study does not give the same results twice even undisturbed: {'; '.join(differ)}")

    @property
    def _alone(self) -> str:
        return f"{runs.FOLDER}/{self.study.key}/undisturbed"

    @property
    def _noted(self) -> str:
        """Where the spans are, in the undisturbed study's own store."""
        return f"{self._alone}/spans.json"

    def _store(self, name: str) -> Store:
        return Store.open(f"{self.kept.location}/{name}")

    def _take(self, name: str, fault: Fault) -> Take:
        return Take(
            study=self.study, place=self.place, store=f"{self.kept.location}/{name}",
            logs=self._folder / name.replace("/", "-"),
            cluster=None if self.place.address is not None else self._cluster(fault.need),
        )  # fmt: skip

    def _cluster(self, need: Need) -> Cluster | None:
        if need not in self._clusters:
            cluster = None if need == "own Ray" else Cluster(apart=need == "hosts", folder=self._folder / need)
            if cluster is not None:
                self.say(f"a cluster of a head and two {need}")
                self._own.callback(cluster.end)
                cluster.start()
            self._clusters[need] = cluster
        return self._clusters[need]
