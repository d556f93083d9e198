"""What lies in a store and nobody needs any more: `study gc`. Results are never among it unless they are asked for.

What no study refers to is what the newest launch of none consists of. A trial that a launch holds a lease on, one that
is younger than a safety age or left its study less long ago, and the parents of all that stay, stay.

    unfinished    checkpoints of trials of no study, that have no row
    superseded    checkpoints that a trial with a row does not need (study/store/retention.py)
    leases        of processes that are dead
    temporary     what killed writers left half written, and marks of launches that looked for common storage
    results       rows, cells and weights of trials of no study: only where that is asked for

Never collected: what the sets of conditions in `results/conditions` say (several trials share each), the records of
launches and of searches, and runs in MLflow, a view that `study track` brings up to date. Distorted test sets are files
without a name, which end with the process that made them.

Beside a launch. A launch holds `joining/<study>` from before it reads what is there until its plan is recorded, and
then looks whether anybody holds `gc`; whoever deletes holds `gc` first, and then looks who is joining. So one of both
sees the other: a launch does not begin in the middle of this, and while one is joining, or draws further points, what
belongs to no study is left alone. Each trial is touched under its own lease, as its workers have it.

Killed in the middle. Cells go first, each set's commit before what explains it; then the trial's row, the rest of its
tables, and its weights last: at any moment a row that is there has all that it promises, and the next time the rest
goes.
"""

import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from study.store import Heartbeat, HeldError, Owner, Store
from study.store.objects import Described
from study.store.retention import FINAL, Checkpoint, superfluous
from study.store.store import CHECKPOINT
from trainables.checkpoint import CorruptCheckpointError, parse, weights_hash
from trainables.recipe import Parent, Recipe

Kind = Literal["unfinished", "superseded", "leases", "temporary", "results"]
OF_NO_STUDY: frozenset[Kind] = frozenset({"unfinished", "results"})
"""What would be needed again if a launch that is just beginning took the trials up."""

SAFE_SECONDS = 24 * 3600.0
"""How old what is deleted must be, unless a person says otherwise."""
LEASE_SECONDS = 30.0
WRITING_SECONDS = 600.0
"""How long a file may be under way to its name."""
RESULT_ORDER = (
    "evaluations", "predictions", "near_duplicates", "flips", "attacks", "noise_stability", "examples", "trials",
    "epochs", "attempts",
)  # fmt: skip
"""Tables in the order in which a trial's go."""


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """Files that go together."""

    kind: Kind
    names: tuple[str, ...]
    """In the order in which they go; of a lease, its name."""
    bytes: int
    trial_id: str | None = None
    """The trial under whose lease they go."""
    once_in: tuple[str, ...] = ()
    """The studies that the trial left."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is there to collect."""

    garbage: tuple[Garbage, ...]
    young: int
    """Trials of no study that are left alone because they, or their leaving it, are too recent."""
    held: tuple[str, ...]
    """Trials of no study that somebody is at work on."""


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What was deleted."""

    deleted: tuple[Garbage, ...]
    in_use: tuple[Garbage, ...]
    """Left alone: somebody is at work on the trial or has the lease, or `launches` are in the way."""
    launches: tuple[str, ...]
    """Studies whose launches may take up trials of no study at any moment."""


@dataclass(frozen=True, kw_only=True)
class _Membership:
    """Who refers to which trials."""

    current: Mapping[str, Recipe]
    """Trials of the newest launches."""
    recipes: Mapping[str, Recipe]
    """Trials of any launch."""
    once_in: Mapping[str, tuple[str, ...]]
    """Trial id → the studies that it was ever of."""
    launched: Mapping[str, float]
    """Study → when its newest launch was recorded."""
    keep_last: frozenset[str]
    """Trials of which a newest launch keeps `last+best`."""


def survey(store: Store, older_than: float = SAFE_SECONDS) -> Survey:
    """What could be collected now, of an age of at least `older_than` seconds; changes nothing.

    Raises CorruptObjectError if the record of a launch cannot be read: then nobody knows what belongs to whom.
    """
    limit = time.time() - older_than
    members = _membership(store)
    checkpoints = _by_trial(store.objects.described("trials"))
    results = _by_trial(store.objects.described("results"))
    trained = store.committed().trained
    strangers = (checkpoints.keys() | results.keys()) - members.current.keys()
    held = {one.name.rpartition("/")[2] for one in store.leases("trial")}
    young = {one for one in strangers if _since(one, members, checkpoints, results) > limit}
    stay = _with_parents({*members.current, *held, *young}, members.recipes)
    gone = sorted(strangers - stay)
    finished = [one for one in sorted(trained) if one in checkpoints]
    superseded = tuple(_superseded(store, finished, checkpoints, members, limit))
    for one in superseded:  # what is left for `results`
        checkpoints[one.trial_id or ""] = {
            name: told for name, told in checkpoints[one.trial_id or ""].items() if name not in one.names
        }
    garbage = [
        *_unfinished((one for one in gone if one not in trained), checkpoints, members),
        *superseded,
        *_leases(store, limit),
        *_temporary(store, limit),
        *_results(gone, trained, results, checkpoints, members),
    ]
    return Survey(garbage=tuple(garbage), young=len(young - held), held=tuple(sorted(strangers & held)))


def collect(store: Store, older_than: float = SAFE_SECONDS, with_results: bool = False) -> Collected:
    """Delete what a survey made now finds; `results` only if `with_results`. Again, and there is nothing left to do.

    Raises HeldError if another process is collecting.
    """
    owner = Owner.here("study gc")
    with _held(store, "gc", owner, LEASE_SECONDS + 1) as alone:
        launches = _in_the_way(store, owner)
        deleted: list[Garbage] = []
        in_use: list[Garbage] = []
        for one in survey(store, older_than).garbage:
            alone.check()
            if one.kind == "results" and not with_results:
                continue
            goes = not (launches and one.kind in OF_NO_STUDY) and _delete(store, one, owner)
            (deleted if goes else in_use).append(one)
        freed, kept = _take_over(store, [one for one in in_use if one.kind == "leases"], owner)
        rest = [one for one in in_use if one.kind != "leases"]
        return Collected(deleted=(*deleted, *freed), in_use=(*rest, *kept), launches=launches)


def by_studies(garbage: Iterable[Garbage]) -> Counter[tuple[str, ...]]:
    """How many trials of no study once belonged to which."""
    of_trial = {one.trial_id: one.once_in for one in garbage if one.kind in OF_NO_STUDY}
    return Counter(of_trial.values())


# What belongs to whom


def _membership(store: Store) -> _Membership:
    current: dict[str, Recipe] = {}
    recipes: dict[str, Recipe] = {}
    once_in: defaultdict[str, dict[str, None]] = defaultdict(dict)
    launched = {}
    keep_last: set[str] = set()
    records = store.objects.described("studies")
    for study in store.studies():
        launches = store.launches(study)
        for launch in launches:
            for trial in launch.plan.trials:
                recipes[trial.trial_id] = trial.recipe
                once_in[trial.trial_id][study] = None
        newest = launches[-1]
        current |= {trial.trial_id: trial.recipe for trial in newest.plan.trials}
        if newest.plan.keep == "last+best":
            keep_last.update(trial.trial_id for trial in newest.plan.trials)
        launched[study] = records[f"studies/{study}/launches/{newest.number}/provenance.json"].modified
    parents = _with_parents(current, recipes)
    return _Membership(
        current={one: recipes[one] for one in parents if one in recipes},
        recipes=recipes,
        once_in={trial_id: tuple(studies) for trial_id, studies in once_in.items()},
        launched=launched,
        keep_last=frozenset(keep_last),
    )


def _with_parents(trial_ids: Iterable[str], recipes: Mapping[str, Recipe]) -> set[str]:
    """The trials, what they start from, what that starts from, and so on."""
    found: set[str] = set()
    more = set(trial_ids)
    while more:
        found |= more
        starts = (recipes[one].start for one in more if one in recipes)
        more = {start.trial_id for start in starts if isinstance(start, Parent)} - found
    return found


def _by_trial(described: Mapping[str, Described]) -> dict[str, dict[str, Described]]:
    """Trial id → its files below `trials/` or `results/`. Of examples, those of attacks on one trial's model."""
    found: defaultdict[str, dict[str, Described]] = defaultdict(dict)
    for name, told in described.items():
        _, place, *rest = PurePosixPath(name).parts
        if name.startswith("trials/"):
            found[place][name] = told
        elif place == "examples":
            if rest[0].count(".") == 2:
                found[rest[0].split(".")[1]][name] = told
        elif place != "conditions":
            found[rest[0].partition(".")[0]][name] = told
    return dict(found)


def _since(trial_id: str, members: _Membership, *files: Mapping[str, Mapping[str, Described]]) -> float:
    """When something of the trial was last written, or it left a study, whichever is later."""
    written = (told.modified for table in files for told in table.get(trial_id, {}).values())
    left = (members.launched[study] for study in members.once_in.get(trial_id, ()))
    return max((*written, *left))


# What goes


def _unfinished(
    trial_ids: Iterable[str], checkpoints: Mapping[str, Mapping[str, Described]], members: _Membership
) -> Iterator[Garbage]:
    for trial_id in trial_ids:
        if files := checkpoints.get(trial_id):
            yield _garbage("unfinished", files, sorted(files), trial_id, members)


def _superseded(
    store: Store,
    trial_ids: Collection[str],
    checkpoints: Mapping[str, Mapping[str, Described]],
    members: _Membership,
    limit: float,
) -> Iterator[Garbage]:
    suspects = {one: _listed(checkpoints[one]) for one in trial_ids}
    suspects = {one: listed for one, listed in suspects.items() if _may_be_too_many(listed)}
    if not suspects:
        return
    for row in store.read("trials", suspects.keys()).to_pylist():
        trial_id, listed = row["trial_id"], suspects[row["trial_id"]]
        kept = {role for _, role in listed if role.startswith("stage-")}
        other = {FINAL} if trial_id in members.keep_last else set[str]()
        best = _vouched_for(store, trial_id, listed, row["weights_hash"])
        extra = list(superfluous(listed, best, other if row["diverged"] else kept | other))
        if best is None and row["weights_hash"] is not None:
            extra = [one for one in extra if one[1] != "best"]
        if not row["diverged"] and _lacks_stages(members.current.get(trial_id), kept):
            extra = [one for one in extra if one[1] != "last" and not one[1].startswith("again-")]
        files = checkpoints[trial_id]
        names = [f"trials/{trial_id}/{attempt}/{role}.ckpt" for attempt, role in extra]
        if names := [name for name in names if files[name].modified <= limit]:
            yield _garbage("superseded", files, names, trial_id, members)


def _listed(files: Iterable[str]) -> list[Checkpoint]:
    """In the order of attempts."""
    parts = (name.split("/")[-2:] for name in sorted(files))
    return [(attempt, match[1]) for attempt, file in parts if (match := CHECKPOINT.fullmatch(file))]


def _may_be_too_many(listed: Collection[Checkpoint]) -> bool:
    """Whether there is more than one `best`."""
    return [role for _, role in listed] != ["best"]


def _vouched_for(store: Store, trial_id: str, listed: Collection[Checkpoint], expected: str | None) -> str | None:
    """The attempt whose `best` is the one that the trial's row names; None if there is none, or it cannot be told."""
    attempts = [attempt for attempt, role in listed if role == "best"]
    if expected is None or len(attempts) < 2:
        return attempts[0] if attempts and expected is not None else None
    for attempt in attempts:
        with contextlib.suppress(ValueError, FileNotFoundError, CorruptCheckpointError):
            if weights_hash(parse(store.read_checkpoint(trial_id, attempt, "best"))) == expected:
                return attempt
    return None


def _lacks_stages(recipe: Recipe | None, kept: Collection[str]) -> bool:
    """Whether the trial may be in the middle of being trained again, for the sake of these."""
    return recipe is not None and any(
        f"stage-{stage}" not in kept for stage in recipe.stages if stage != recipe.last_stage
    )


def _leases(store: Store, limit: float) -> Iterator[Garbage]:
    for name, files in store.abandoned_leases(limit).items():
        total = sum(told.bytes for told in files.values())
        yield Garbage(kind="leases", names=(name,), bytes=total)


def _temporary(store: Store, limit: float) -> Iterator[Garbage]:
    """Where anybody is at work, what is being written now stays, whatever age a person asked for."""
    if any(held.name != "gc" for held in store.leases()):
        limit = min(limit, time.time() - WRITING_SECONDS)
    found = {**store.objects.temporary(), **store.objects.described("markers")}
    for name, told in found.items():
        if told.modified <= limit:
            yield Garbage(kind="temporary", names=(name,), bytes=told.bytes)


def _results(
    trial_ids: Iterable[str],
    trained: Collection[str],
    results: Mapping[str, Mapping[str, Described]],
    checkpoints: Mapping[str, Mapping[str, Described]],
    members: _Membership,
) -> Iterator[Garbage]:
    for trial_id in trial_ids:
        rows = results.get(trial_id, {})
        weights = checkpoints.get(trial_id, {}) if trial_id in trained else {}
        ordered = sorted(rows, key=lambda name: (_set_of(name), RESULT_ORDER.index(name.split("/")[1])))
        if rows:
            yield _garbage("results", {**rows, **weights}, (*ordered, *sorted(weights)), trial_id, members)


def _set_of(name: str) -> str:
    """Sets of cells go one after another, before the trial's own tables."""
    table, file = name.split("/")[1:]
    return "~" if table in ("trials", "epochs", "attempts") else file.split(".")[1]


def _garbage(
    kind: Kind, files: Mapping[str, Described], names: Iterable[str], trial_id: str, members: _Membership
) -> Garbage:
    names = tuple(names)
    once_in = members.once_in.get(trial_id, ())
    total = sum(files[name].bytes for name in names)
    return Garbage(kind=kind, names=names, bytes=total, trial_id=trial_id, once_in=once_in)


# Deleting


@contextlib.contextmanager
def _held(store: Store, name: str, owner: Owner, patience: float = 0.0) -> Iterator[Heartbeat]:
    heartbeat = Heartbeat(store.acquire(name, owner, ttl=LEASE_SECONDS, patience=patience))
    try:
        yield heartbeat
    finally:
        heartbeat.stop()


def _in_the_way(store: Store, owner: Owner) -> tuple[str, ...]:
    """Studies whose launches have not recorded their plan yet, or draw further points."""
    joining = [one.name.removeprefix("joining/") for one in store.leases("joining")]
    at_work = (one.name.removeprefix("study/") for one in store.leases("study"))
    drawing = [one for one in at_work if (launch := store.newest_launch(one)) is None or launch.searches]
    return tuple(sorted({*(one for one in joining if _lives(store, f"joining/{one}", owner)), *drawing}))


def _lives(store: Store, name: str, owner: Owner) -> bool:
    """Whether a lease's holder shows a sign of life."""
    try:
        store.acquire(name, owner, ttl=LEASE_SECONDS, patience=LEASE_SECONDS + 1).release()
    except HeldError:
        return True
    return False


def _delete(store: Store, one: Garbage, owner: Owner) -> bool:
    """Whether it went; not if somebody is at work on it."""
    if one.kind == "leases":
        return _give_back(store, one.names[0], owner)
    if one.trial_id is None:
        _delete_all(store, one.names)
        return True
    try:
        with _held(store, f"trial/{one.trial_id}", owner) as heartbeat:
            if one.kind == "unfinished" and store.is_trained(one.trial_id):
                return False
            for name in one.names:
                heartbeat.check()
                store.objects.delete(name)
            _drop_folders(store, one)
    except HeldError:
        return False
    return True


def _delete_all(store: Store, names: Iterable[str]) -> None:
    for name in names:
        store.objects.delete(name)


def _drop_folders(store: Store, one: Garbage) -> None:
    """On a disk, the trial's folders that are empty now; under its lease nobody is about to write there."""
    if store.root is not None:
        for folder in sorted({*(store.root / name for name in one.names)}):
            for above in (folder.parent, folder.parent.parent):
                if above.is_relative_to(store.root / f"trials/{one.trial_id}"):
                    with contextlib.suppress(OSError):
                        above.rmdir()


def _give_back(store: Store, name: str, owner: Owner) -> bool:
    try:
        store.acquire(name, owner, ttl=LEASE_SECONDS).release()
    except HeldError:
        return False
    return True


def _take_over(store: Store, leases: list[Garbage], owner: Owner) -> tuple[tuple[Garbage, ...], tuple[Garbage, ...]]:
    """Leases whose holders are on other machines: given back once their heartbeats have stood still; and the others."""
    if not leases:
        return (), ()
    time.sleep(store.longest_ttl([one.names[0] for one in leases]))
    gone = [_give_back(store, one.names[0], owner) for one in leases]
    freed = tuple(one for one, given in zip(leases, gone, strict=True) if given)
    return freed, tuple(one for one, given in zip(leases, gone, strict=True) if not given)
