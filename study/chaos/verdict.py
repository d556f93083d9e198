"""What must hold once a disturbed study is complete: it is the undisturbed one, and nothing is left over."""

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from study.chaos.watching import Committed, committed
from study.garbage import collect, survey
from study.plan import Plan
from study.store import Owner, Store
from study.store.errors import CorruptObjectError
from study.store.files import decode
from study.store.retention import FINAL, Checkpoint
from study.store.schemas import RESULTS
from study.tracking.place import place_of
from trainables.checkpoint import CorruptCheckpointError, parse, weights_hash

TABLES = tuple(name for name in RESULTS if name != "attempts")
"""Which hold results alone."""
LEAVING_SECONDS = 90.0
"""How long processes may take to leave once the launch is over: what shows runs in MLflow finishes its work."""
FINISHED = ("done", "diverged")
DONE = {"train": "trained", "evaluate": "evaluated"}
TIDIED = ("temporary", "leases")
"""Kinds of garbage that killed processes necessarily leave, and `study gc` takes."""

Key = tuple[str, ...]
"""Columns, or what a row has in them."""
Attempt = tuple[str, int]
"""A trial, and the generation of its lease."""


@dataclass(frozen=True, kw_only=True)
class CutShort:
    """What a fault kept from tidying after itself: that alone may have left something."""

    until: float
    """When the fault, and the last process that it killed, was gone: what is younger is nobody's excuse. Seconds since
    1970."""
    files: bool
    """Whether somebody may have been killed, or refused, between writing a file and giving it its name."""
    holds: Callable[[Owner], bool]
    """Whether this holder of a lease may have been kept from giving it back."""
    wrote: Callable[[Attempt], bool]
    """Whether this attempt may have been kept from deleting what it had written: checkpoints."""


def faults_of(
    store: Store, undisturbed: Store, plan: Plan, before: Mapping[str, Committed], workers: Callable[[], int],
    cut_short: CutShort,
) -> Iterator[str]:  # fmt: skip
    """In words, all that does not hold; `before`: what was committed when the fault struck; `workers`: still alive."""
    yield from _rows(store, plan)
    yield from differences(store, undisturbed)
    yield from _checkpoints(store, undisturbed)
    yield from _done_again(store, before)
    yield from _left_at_work(store, workers)
    yield from _leftovers(store, cut_short)


def _rows(store: Store, plan: Plan) -> Iterator[str]:
    """Every planned row exactly once."""
    trained = Counter[Key]((trial.trial_id,) for trial in plan.unique_trials())
    cells = Counter[Key]((*one, condition.condition_id) for one in trained for condition in plan.conditions)
    for table, planned in (("trials", trained), ("evaluations", cells), ("predictions", cells)):
        found = _keys(store, table, ("trial_id", "condition_id")[: len(next(iter(planned)))])
        if found != planned:
            lacking, extra = (planned - found).total(), (found - planned).total()
            yield f"{table}: {lacking} of {planned.total()} planned rows are missing, {extra} are too many"


def _keys(store: Store, table: str, key: Key) -> Counter[Key]:
    """How often each key is there, in whichever file."""
    rows = (row for name in store.objects.children(f"results/{table}") for row in _file(store, table, name).to_pylist())
    return Counter(tuple(row[column] for column in key) for row in rows)


def _file(store: Store, table: str, name: str) -> pa.Table:
    path = f"results/{table}/{name}"
    return decode(RESULTS[table], store.objects.get(path), store.objects.address(path))


def differences(store: Store, undisturbed: Store) -> Iterator[str]:
    """Tables bit for bit on CPUs; of studies on GPUs, whose numbers vary, the keys."""
    repeatable = _is_repeatable(undisturbed)
    for table in TABLES:
        ours, theirs = store.read(table), undisturbed.read(table)
        if not repeatable:
            ours, theirs = (one.select(list(RESULTS[table].key)) for one in (ours, theirs))
        if not ours.equals(theirs):
            yield f"{table} is not that of the undisturbed study: {_where(ours, theirs)}"
    if store.examples() != undisturbed.examples():
        yield "the examples are not those of the undisturbed study"


def _is_repeatable(undisturbed: Store) -> bool:
    """Whether another launch gives the same bits."""
    return {row["device"] for row in undisturbed.read("attempts").to_pylist()} <= {"cpu", "unknown"}


def _where(ours: pa.Table, theirs: pa.Table) -> str:
    if len(ours) != len(theirs):
        return f"{len(ours)} rows, not {len(theirs)}"
    differ = [name for name in ours.column_names if not ours[name].equals(theirs[name])]
    return f"columns {', '.join(differ)} differ"


def _checkpoints(store: Store, undisturbed: Store) -> Iterator[str]:
    """Of each trial those that it has undisturbed: `best` with the weights that its row names, and on CPUs all with
    the same weights. What it has too many is told with the leftovers."""
    repeatable = _is_repeatable(undisturbed)
    for row in store.read("trials").to_pylist():
        trial_id = row["trial_id"]
        ours = {role: (attempt, role) for attempt, role in store.list_checkpoints(trial_id)}
        for attempt, role in undisturbed.list_checkpoints(trial_id):
            found = _weights(store, trial_id, ours[role]) if role in ours else None
            expected = _weights(undisturbed, trial_id, (attempt, role)) if repeatable else found
            if role not in ours:
                yield f"trial {trial_id} has no {role}.ckpt"
            elif found is None:
                yield f"{role}.ckpt of trial {trial_id} cannot be read"
            elif found != (row["weights_hash"] if role == "best" else expected):
                yield f"{role}.ckpt of trial {trial_id} holds other weights"


def _weights(store: Store, trial_id: str, checkpoint: Checkpoint) -> str | None:
    """Their hash; None of a file that is no checkpoint."""
    try:
        state = parse(store.read_checkpoint(trial_id, *checkpoint))
    except (CorruptObjectError, CorruptCheckpointError):
        return None
    return weights_hash(state["model"] if checkpoint[1] == FINAL else state)


def _done_again(store: Store, before: Mapping[str, Committed]) -> Iterator[str]:
    """Nothing that was committed was written or computed again."""
    after = committed(store)
    for name, told in before.items():
        if after.get(name) != told:
            yield f"{name} was committed before the fault and is not as it was"
    for (trial_id, unit), times in _finished(store).items():
        if times > 1:
            yield f"trial {trial_id} was {DONE[unit]} to its end {times} times"


def _finished(store: Store) -> Counter[Key]:
    """How often units were worked on to their end.

    Once each, however often they were disturbed: an attempt that is cut off ends otherwise, the one that goes on from
    what it committed is the first to end so, and whoever finds that all is committed works on no image.
    """
    rows = store.read("attempts").to_pylist()
    return Counter((row["trial_id"], row["unit"]) for row in rows if row["status"] in FINISHED and row["images"])


def _left_at_work(store: Store, workers: Callable[[], int]) -> Iterator[str]:
    """Nothing is at work any more, or says so."""
    deadline = time.monotonic() + LEAVING_SECONDS
    while (left := workers()) and time.monotonic() < deadline:
        time.sleep(0.2)
    if left:
        yield f"{left} processes of it are still there"
    for held in store.leases():
        if held.owner.life == "alive":
            yield f"the lease {held.name} is still held by {held.owner}"


def _leftovers(store: Store, cut_short: CutShort) -> Iterator[str]:
    """Nothing lies about but what the fault necessarily left.

    A process that is killed leaves the file that it is writing, without a name, and its lease; where storage refuses
    deletions, so does one that lives. That is no fault of the study's, if it is as old as the fault and its owner was
    hit: `study gc` takes it, as `swept` and `still_there` see. One that stands still between looking whether it holds
    the trial and saving, and is killed on waking, leaves a checkpoint. The same of anybody else is a fault.
    """
    for name, told in {**store.objects.temporary(), **store.objects.described("markers")}.items():
        if not cut_short.files or told.modified > cut_short.until:
            yield f"{name} is half written, and not by anybody that was disturbed"
    for name, files in store.abandoned_leases(before=math.inf).items():
        owner, signs = _holder(store, files), max(told.modified for told in files.values())
        if not cut_short.holds(owner) or signs > cut_short.until:
            yield f"the lease {name} was not given back by {owner}, which was not disturbed"
    for one in survey(store, 0.0).garbage:
        if one.kind not in TIDIED and not (one.kind == "superseded" and _is_excused(store, one.names, cut_short)):
            yield f"{len(one.names)} files of trial {one.trial_id} are {one.kind}"


def _is_excused(store: Store, checkpoints: Sequence[str], cut_short: CutShort) -> bool:
    """`trials/<trial>/<generation>-…/<role>.ckpt`, each by an attempt that was cut short, and as old as the fault."""
    for name in checkpoints:
        _, trial_id, attempt, _ = name.split("/")
        (told,) = store.objects.described(f"trials/{trial_id}/{attempt}", [name.rpartition("/")[2]]).values()
        if told.modified > cut_short.until or not cut_short.wrote((trial_id, int(attempt.partition("-")[0]))):
            return False
    return True


def _holder(store: Store, files: Collection[str]) -> Owner:
    """Of a lease that is held, whose files these are."""
    body = json.loads(store.objects.get(max(name for name in files if name.endswith(".held"))))
    return Owner(**body["owner"])


def still_there(store: Store) -> Iterator[str]:
    """What `study gc` has left: nothing, of a study that is complete."""
    for one in survey(store, 0.0).garbage:
        yield f"{one.names[0]} is left even by `study gc`: {one.kind}"


def left_running(store: Store, study: str) -> Iterator[str]:
    """Whether MLflow shows runs as if somebody were at work on them."""
    from study.tracking.client import Client  # MLflow takes seconds to import

    launch = store.newest_launch(study)
    assert launch is not None
    client = Client(place_of(store, launch, {}))
    if running := client.running(client.experiment(study)):
        yield f'{running} runs in MLflow are left "running"'


def swept(store: Store) -> int:
    """How many half-written files and leases of dead processes there were; they are gone now."""
    return sum(len(one.names) for one in collect(store, 0.0).deleted)
