"""Rungs: how the trials of a study that prunes stood where they halted, and which of them it gave up.

    studies/<study>/rungs/<trial id>.<epochs>.parquet      one entry, written by the worker once the checkpoint is safe
    studies/<study>/rungs/<trial id>.<epochs>.promoted     it goes on from there, written before it does
    studies/<study>/launches/<n>/pruned.parquet            who was given up, as a whole, at a launch's end

An entry is a result of its trial: whoever writes it again writes the same, so that none is lost or counts twice. Who
goes on depends on who came first, and is not to be decided again with what has come since.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from study.store.files import decode, encode, join, write
from study.store.objects import Objects
from study.store.schemas import PRUNED, RUNGS
from trainables.records import Epoch

Together = Callable[[Callable[[str], pa.Table], Sequence[str]], list[pa.Table]]
"""Applies a function to each, several at once."""
Promotion = tuple[str, int]
"""A trial's id, and the epochs that it had."""
PROMOTED = ".promoted"


def record_rung(objects: Objects, study: str, trial_id: str, epoch: Epoch) -> None:
    name = f"{_folder(study)}/{trial_id}.{epoch.epoch}.parquet"
    row = {
        "trial_id": trial_id,
        "epochs": epoch.epoch,
        "validation_correct": epoch.validation_correct,
        "validation_n": epoch.validation_n,
        "validation_loss": epoch.validation_loss,
    }
    if not objects.exists(name):
        objects.put(name, encode(RUNGS, [row]))


def record_promotion(objects: Objects, study: str, trial_id: str, epochs: int) -> None:
    objects.put(f"{_folder(study)}/{trial_id}.{epochs}{PROMOTED}", b"")


def read_promotions(objects: Objects, study: str) -> frozenset[Promotion]:
    """Who went on, and from which rung."""
    names = (name.removesuffix(PROMOTED) for name in objects.children(_folder(study)) if name.endswith(PROMOTED))
    return frozenset((trial_id, int(epochs)) for trial_id, _, epochs in (name.rpartition(".") for name in names))


def read_rungs(objects: Objects, study: str, together: Together) -> pa.Table:
    """Every entry of the study; raises CorruptObjectError."""
    listed = objects.children(_folder(study))
    names = [f"{_folder(study)}/{name}" for name in listed if not name.endswith(PROMOTED)]
    return join(RUNGS, together(lambda name: decode(RUNGS, objects.get(name), objects.address(name)), names))


def record_pruned(objects: Objects, study: str, launch: int, epochs: Mapping[str, int]) -> None:
    """`epochs`: trial id → how long it was trained. Takes the place of what an earlier end of the launch gave up."""
    objects.put(_pruned(study, launch), write(pruned_table(epochs), compression="zstd"))


def pruned_table(epochs: Mapping[str, int]) -> pa.Table:
    """Trials that were given up, each with the epochs that it was trained for."""
    rows: list[dict[str, Any]] = [{"trial_id": one, "epochs": epochs[one]} for one in sorted(epochs)]
    return pa.Table.from_pylist(rows, schema=PRUNED.schema)


def read_pruned(objects: Objects, study: str, launch: int) -> dict[str, int]:
    """Trial id → how long it was trained; raises CorruptObjectError."""
    name = _pruned(study, launch)
    data = objects.get_if_present(name)
    rows = [] if data is None else decode(PRUNED, data, objects.address(name)).to_pylist()
    return {row["trial_id"]: row["epochs"] for row in rows}


def _folder(study: str) -> str:
    return f"studies/{study}/rungs"


def _pruned(study: str, launch: int) -> str:
    return f"studies/{study}/launches/{launch}/pruned.parquet"
