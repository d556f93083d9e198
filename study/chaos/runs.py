"""The table of verdicts: one small Parquet file for each run that counted, so that nothing is made twice."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from study.store import Store
from study.store.files import decode, encode, join
from study.store.schemas import Column, Table

FOLDER = "chaos"

RUNS = Table(
    name="chaos_runs",
    version=2,
    key=("study", "kind", "seed", "number"),
    columns=(
        Column(name="study", type=pa.string(), meaning="a hash of plan, cluster, code and versions"),
        Column(name="kind", type=pa.string(), meaning="what was done: driver, worker, node, network, disk, storage"),
        Column(name="seed", type=pa.int64(), meaning="--seed"),
        Column(name="number", type=pa.int64(), meaning="of the run among those of its kind and seed, from 0"),
        Column(name="when", type=pa.timestamp("us", "UTC"), meaning="when the verdict fell"),
        Column(name="moment", type=pa.float64(), unit="s", meaning="from the first unit's begin to the fault"),
        Column(name="fault", type=pa.string(), meaning="what was done, in words"),
        Column(name="hit", type=pa.int64(), unit="units", meaning="that were under way, and felt it"),
        Column(name="missed", type=pa.int64(), meaning="tries before that came to nothing: no unit felt it"),
        Column(name="launches", type=pa.int64(), meaning="until the study was complete, the first included"),
        Column(name="holds", type=pa.bool_(), meaning="whether all that must hold does"),
        Column(name="broken", type=pa.list_(pa.string()), meaning="what does not hold"),
        Column(name="lost", type=pa.float64(), unit="s", meaning="work on one trial done again, at most"),
        Column(name="recovered", type=pa.float64(), unit="s",
               meaning="from the fault until every unit hit was at work again, or finished"),
        Column(name="seconds", type=pa.float64(), unit="s", meaning="of the whole run"),
        Column(name="undisturbed", type=pa.float64(), unit="s", meaning="of the same study left alone"),
        Column(name="swept", type=pa.int64(), unit="files",
               meaning="half-written files and leases of killed processes that `study gc` collected"),
    ),
)  # fmt: skip


LAST_LINES = 5


def place_of(study: str, kind: str, seed: int, number: int) -> str:
    """Where a run's store is, below the one that keeps the verdicts; with `.log`, what its launches printed."""
    return f"{FOLDER}/{study}/runs/{kind}-{seed}-{number}"


def last_lines(log: bytes) -> str:
    """What a launch said in the end, in a line, for a person who asks why."""
    lines = [line.strip() for line in log.decode(errors="replace").splitlines() if line.strip()]
    return " / ".join(lines[-LAST_LINES:])


def _name(study: str, kind: str, seed: int, number: int) -> str:
    return f"{FOLDER}/runs/{study}.{kind}.{seed}.{number:05d}.parquet"


def is_there(store: Store, study: str, kind: str, seed: int, number: int) -> bool:
    """Whether this run has its verdict."""
    return store.objects.exists(_name(study, kind, seed, number))


def keep(store: Store, row: Mapping[str, Any]) -> None:
    """A verdict; the moment that it fell is noted."""
    name = _name(row["study"], row["kind"], row["seed"], row["number"])
    store.objects.put(name, encode(RUNS, [{**row, "when": datetime.now(UTC)}]))


def read(store: Store, study: str, seed: int) -> pa.Table:
    """The verdicts of a study under a seed, in the order of kinds and numbers."""
    names = store.objects.children(f"{FOLDER}/runs")
    wanted = [name for name in names if name.split(".")[0] == study and name.split(".")[2] == str(seed)]
    files = (f"{FOLDER}/runs/{name}" for name in wanted)
    return join(RUNS, [decode(RUNS, store.objects.get(file), store.objects.address(file)) for file in files])
