"""What must hold once a disturbed study is complete: it is the undisturbed one, and nothing is left over."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

import pyarrow as pa

from study.chaos.watching import Committed, UnitUnderWay, committed
from study.garbage import collect, survey
from study.plan import Plan
from study.store import Store
from study.store.files import decode
from study.store.schemas import RESULTS
from study.tracking.place import place_of

TABLES = tuple(name for name in RESULTS if name != "attempts")
"""Which hold results alone."""
LEAVING_SECONDS = 90.0
"""How long processes may take to leave once the launch is over: what shows runs in MLflow finishes its work."""
FINISHED = ("done", "diverged")

Key = tuple[str, ...]
"""Columns, or what a row has in them."""


def faults_of(
    store: Store, undisturbed: Store, plan: Plan, before: Mapping[str, Committed], workers: Callable[[], int]
) -> Iterator[str]:
    """In words, all that does not hold; `before`: what was committed when the fault struck; `workers`: still alive."""
    yield from _rows(store, plan)
    yield from _differences(store, undisturbed)
    yield from _done_again(store, before)
    yield from _leftovers(store, workers)


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


def _differences(store: Store, undisturbed: Store) -> Iterator[str]:
    """Tables bit for bit on CPUs; of studies on GPUs, whose numbers vary, the keys."""
    devices = {row["device"] for row in undisturbed.read("attempts").to_pylist()}
    for table in TABLES:
        ours, theirs = store.read(table), undisturbed.read(table)
        if devices - {"cpu", "unknown"}:
            ours, theirs = (one.select(list(RESULTS[table].key)) for one in (ours, theirs))
        if not ours.equals(theirs):
            yield f"{table} is not that of the undisturbed study: {_where(ours, theirs)}"
    if store.examples() != undisturbed.examples():
        yield "the examples are not those of the undisturbed study"


def _where(ours: pa.Table, theirs: pa.Table) -> str:
    if len(ours) != len(theirs):
        return f"{len(ours)} rows, not {len(theirs)}"
    differ = [name for name in ours.column_names if not ours[name].equals(theirs[name])]
    return f"columns {', '.join(differ)} differ"


def _done_again(store: Store, before: Mapping[str, Committed]) -> Iterator[str]:
    """Nothing that was committed was written or computed again."""
    after = committed(store)
    for name, told in before.items():
        if after.get(name) != told:
            yield f"{name} was committed before the fault and is not as it was"
    trained = Counter(
        row["trial_id"]
        for row in store.read("attempts").to_pylist()
        if row["unit"] == "train" and row["status"] in FINISHED and row["images"]
    )
    for trial_id, times in trained.items():
        if times > 1:
            yield f"trial {trial_id} was trained to its end {times} times"


def _leftovers(store: Store, workers: Callable[[], int]) -> Iterator[str]:
    """Nothing is at work any more, and nothing lies about that `study gc` would not take at once."""
    deadline = time.monotonic() + LEAVING_SECONDS
    while (left := workers()) and time.monotonic() < deadline:
        time.sleep(0.2)
    if left:
        yield f"{left} processes of it are still there"
    for one in survey(store, 0.0).garbage:
        if one.kind not in ("temporary", "leases"):
            yield f"{len(one.names)} files of trial {one.trial_id} are {one.kind}"


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


def lost(store: Store, hit: Collection[UnitUnderWay], struck: float) -> float:
    """Seconds: the most work on one unit that nothing had saved when the fault struck, and that had to be done again.

    None was lost by a unit whose attempt went on to its end.
    """
    rows = store.read("attempts", {unit.trial_id for unit in hit}).to_pylist()
    ended = {(row["trial_id"], row["attempt"].partition("-")[0]) for row in rows if row["status"] in FINISHED}
    gone = [unit for unit in hit if (unit.trial_id, f"{unit.generation:04d}") not in ended]
    return max((max(0.0, struck - unit.kept_at) for unit in gone), default=0.0)
