"""The store: everything a study leaves behind, in one folder or under one URL.

    studies/<name>/launches/<n>/{spec.yaml, plan.parquet, conditions.parquet, searches.json, provenance.json}
    studies/<name>/searches/<search_id>/<number>.json          a point that a search has drawn
    studies/<name>/optuna.journal                              the searches, for Optuna's own tools
    studies/<name>/log/<sitting>/…                             what a launch said: see study/store/logbook.py
    trials/<trial_id>/<attempt>/{last, best, final, stage-<n>, again-<n>}.ckpt
                                                               after n epochs or iterations; again: not yet known to be
                                                               those of the training that was committed
    results/trials/<trial_id>.parquet                          the row that says: trained
    results/epochs/<trial_id>.parquet
    results/evaluations/<trial_id>.<set>.parquet               <set> names the conditions and the checkpoint's role:
    results/conditions/<set>.json
    results/predictions/<trial_id>.<set>.parquet
    results/near_duplicates/<trial_id>.<set>.parquet           where networks give embeddings
    results/flips/<trial_id>.<set>.parquet                     where images move
    results/attacks/<trial_id>.<set>.parquet                   where adversarial quality is measured
    results/noise_stability/<trial_id>.<set>.parquet           where stages are tested
    results/attempts/<trial_id>.<attempt>.<unit>.parquet       <attempt>: see study/store/attempts.py
    results/examples/…                                         see study/store/examples.py
    packs/…                                                    copies of tables' files: see study/store/packs.py
    leases/<name>/<generation>.{held, beat, released}

A committed file's name carries its id, so that what is there is known from one listing, and a commit that finds its
file leaves it alone. Of an evaluation, what explains the file is written before it.
"""

import hashlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from study.plan import Drawn, Plan, PlannedTrial
from study.store import examples
from study.store.errors import CorruptObjectError, StoreError
from study.store.files import decode, encode, join
from study.store.launches import Launch, read_all, read_newest, read_provenances, record, with_points
from study.store.leases import Held, Lease, Leases
from study.store.location import access
from study.store.objects import Described, LocalObjects, Objects, check_writable, open_objects
from study.store.owners import Owner
from study.store.packs import ENOUGH, MOST, PACKED, Pack, delete_pack, read_each, read_packs, read_rows, write_pack
from study.store.rows import (
    AttemptRow,
    attempt_row,
    epoch_rows,
    evaluation_rows,
    part_rows,
    prediction_rows,
    trial_row,
)
from study.store.rungs import Promotion, read_promotions, read_rungs, record_promotion, record_pruned, record_rung
from study.store.schemas import ATTEMPTS, EPOCHS, EVALUATIONS, PARTS, PREDICTIONS, RESULTS, TRIALS, Table
from study.store.searches import record_point
from trainables.recipe import Condition, Role
from trainables.records import Cell, Epoch, Outcome

READERS = 16
"""Files read at once: a remote store answers each in tens of milliseconds."""
AT_A_TIME = 32
"""Files that one of the readers takes, at most, before it is asked again."""
FETCHED = 1024
"""Files whose bytes are held before they are decoded, at most."""
SEAL = b"/study/1"
DIGEST = 16
"""Bytes of the checksum that, followed by SEAL, ends a checkpoint file. `torch.load` reads past it."""

STAGE = re.compile(r"stage-(\d+)\.ckpt")
CHECKPOINT = re.compile(r"(last|best|final|(?:stage|again)-\d+)\.ckpt")
FEW_SETS = 32
"""Sets of conditions that a folder is asked for one by one, where a trial's files are looked for."""
COMPLETE: tuple[Role, ...] = ("best", "stages")
"""Roles whose cells a study waits for."""

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Committed:
    """What is done, from one listing of each results folder."""

    trained: frozenset[str]
    """Trial ids."""
    evaluated: Mapping[str, frozenset[str]]
    """Trial id → the conditions that its `best` checkpoint, or its stages, were evaluated under."""


@dataclass(frozen=True)
class Store:
    """One store. Travels to workers as its location, and what this process's environment says of how to reach it."""

    location: str
    """An absolute path, or a URL."""
    proven: bool = field(default=True, compare=False, repr=False)
    """Whether its storage is known to let this process do what it wants."""

    @classmethod
    def open(cls, location: str | Path, create: bool = True) -> "Store":
        """The store at `location`, begun there unless `create` is False; raises StoreError."""
        place = str(Path(location).expanduser().absolute()) if "://" not in str(location) else str(location)
        store = cls(place, proven=create)
        if create:
            check_writable(store.objects)
        elif not store.objects.hurried().children(""):
            raise StoreError(f"{store.location}: no store is there; name another with --store or $STUDY_STORE")
        return store

    def __reduce__(self) -> tuple[Callable[..., "Store"], tuple[str, dict[str, str]]]:
        return _arrived, (self.location, access(self.location))

    @cached_property
    def objects(self) -> Objects:
        opened = open_objects(self.location)
        return opened if self.proven else opened.unproven()

    @property
    def root(self) -> Path | None:
        """The folder of a store on this machine's file system; None for a URL elsewhere."""
        return self.objects.root if isinstance(self.objects, LocalObjects) else None

    # Studies

    def studies(self) -> tuple[str, ...]:
        """The names of the studies that were launched into this store."""
        finished = re.compile(r"studies/(.+)/launches/\d+/provenance\.json")
        return tuple(
            sorted({found[1] for name in self.objects.beneath("studies") if (found := finished.fullmatch(name))})
        )

    def record_launch(self, plan: Plan, spec_text: str, provenance: Mapping[str, Any]) -> Launch:
        """Append a launch of `plan`; if the newest was of the same plan and spec, give that one back."""
        return record(self.objects, plan, spec_text, provenance)

    def newest_launch(self, study: str) -> Launch | None:
        """None if `study` was never launched into this store."""
        return read_newest(self.objects, study)

    def launches(self, study: str) -> tuple[Launch, ...]:
        """Every launch of the study that was recorded, the oldest first."""
        return read_all(self.objects, study)

    def with_points(self, plan: Plan) -> Plan:
        """The plan with what its searches have drawn so far, in any launch."""
        return with_points(self.objects, plan)

    def record_point(self, study: str, drawn: Drawn, trials: Sequence[PlannedTrial]) -> None:
        """A point that a search has drawn, before any of it runs."""
        record_point(self.objects, study, drawn, trials)

    def record_rung(self, study: str, trial_id: str, epoch: Epoch) -> None:
        """How a trial of the study stood where it halted."""
        record_rung(self.objects, study, trial_id, epoch)

    def rungs(self, study: str) -> pa.Table:
        """How the study's trials stood where they halted: `study.store.schemas.RUNGS`; raises CorruptObjectError."""
        return read_rungs(self.objects, study, _together)

    def record_promotion(self, study: str, trial_id: str, epochs: int) -> None:
        """A trial of the study goes on from where it halted."""
        record_promotion(self.objects, study, trial_id, epochs)

    def promotions(self, study: str) -> frozenset[Promotion]:
        """The study's trials that went on, each with the epochs after which it had halted."""
        return read_promotions(self.objects, study)

    def record_pruned(self, study: str, launch: int, epochs: Mapping[str, int]) -> None:
        """The trials that a launch gave up, each with the epochs that it was trained for."""
        record_pruned(self.objects, study, launch, epochs)

    def epochs(self, trial_id: str) -> list[dict[str, Any]]:
        """The rows of a trained trial's epochs."""
        rows: list[dict[str, Any]] = self._read_file(EPOCHS, _result("epochs", trial_id)).to_pylist()
        return rows

    def keep_journal(self, study: str, journal: bytes) -> None:
        """A study's searches as Optuna keeps them: a view for its tools, never read back."""
        self.objects.put(f"studies/{study}/optuna.journal", journal)

    def provenances(self, study: str) -> tuple[Mapping[str, Any], ...]:
        """Who launched the study with what, each time that it changed, the oldest first."""
        return read_provenances(self.objects, study)

    # Commits

    def commit_training(self, trial: PlannedTrial, outcome: Outcome) -> bool:
        """The epochs, then the trial's row, which makes it trained; False if another's row was there already."""
        self._commit(EPOCHS, trial.trial_id, list(epoch_rows(trial.trial_id, outcome)))
        return self._commit(TRIALS, trial.trial_id, [trial_row(trial, outcome)])

    def commit_cells(
        self, trial_id: str, conditions: Sequence[Condition], cells: Sequence[Cell], role: Role = "best"
    ) -> None:
        """Cells of one trial, as one commit. `conditions` holds at least those of `cells`."""
        by_id = {condition.condition_id: condition for condition in conditions}
        cells = sorted(cells, key=lambda cell: cell.condition_id)
        parts = {table: list(part_rows(trial_id, role, cells, table.name)) for table in PARTS}
        there = {table.name: True for table, rows in parts.items() if rows}
        said = {"role": role, "conditions": [cell.condition_id for cell in cells], **there}
        body = json.dumps(said).encode()
        name = f"{trial_id}.{_set_name(body)}"
        self.objects.create(f"results/conditions/{_set_name(body)}.json", body)
        self._commit(PREDICTIONS, name, list(prediction_rows(trial_id, role, cells)))
        for table in PARTS:
            if parts[table]:
                self._commit(table, name, parts[table])
        self._commit(EVALUATIONS, name, list(evaluation_rows(trial_id, role, by_id, cells)))

    def record_attempt(self, attempt: AttemptRow) -> None:
        """How one run of one unit went. The first word on it stands."""
        name = f"{attempt.trial_id}.{attempt.attempt}.{attempt.unit}"
        self._commit(ATTEMPTS, name, [attempt_row(attempt)])

    def _commit(self, table: Table, name: str, rows: list[dict[str, Any]]) -> bool:
        """The first word stands, whoever stood still between looking and writing; False if it was another's."""
        return self.objects.create(_result(table.name, name), encode(table, rows))

    # What is there

    def committed(self) -> Committed:
        """What is trained and what is evaluated; what lacks one of its files (a damaged one, deleted) is neither."""
        trials, epochs = (frozenset(self.objects.children(f"results/{table}")) for table in ("trials", "epochs"))
        trained = frozenset(name.removesuffix(".parquet") for name in trials & epochs)
        return Committed(trained=trained, evaluated=self._evaluated())

    def is_trained(self, trial_id: str) -> bool:
        """Whether the trial's row is committed."""
        return all(self.objects.exists(_result(table, trial_id)) for table in ("trials", "epochs"))

    def evaluated(self, trial_id: str, condition_ids: Collection[str]) -> frozenset[str]:
        """Those of the conditions that the trial's `best` checkpoint, or its stages, were evaluated under.

        Without the names of other trials' files, if it can be: a folder, which can be asked for no prefix, is asked for
        each file that would say so, unless there may be as many.
        """
        asked = frozenset(condition_ids)
        sets = () if self.root is None else self.objects.children("results/conditions")
        if self.root is None or len(sets) > FEW_SETS:
            return asked & self._evaluated(f"{trial_id}.").get(trial_id, frozenset())
        own = [name for name in (one.removesuffix(".json") for one in sets) if self._is_there(trial_id, name)]
        self._learn_sets(own)
        return asked.intersection(chain(*(self._sets[one].conditions for one in own if self._is_whole(trial_id, one))))

    def _is_there(self, trial_id: str, set_name: str) -> bool:
        """By the file of the commit that is written last."""
        return self.objects.exists(_result("evaluations", f"{trial_id}.{set_name}"))

    def _is_whole(self, trial_id: str, set_name: str) -> bool:
        tables = ("predictions", *self._sets[set_name].parts)
        return all(self.objects.exists(_result(table, f"{trial_id}.{set_name}")) for table in tables)

    def _evaluated(self, prefix: str = "") -> dict[str, frozenset[str]]:
        """Trial → conditions, of the files whose names begin so."""
        whole = set(self.objects.children("results/evaluations", prefix))
        if whole:
            whole &= set(self.objects.children("results/predictions", prefix))
        pairs = [name.split(".")[:2] for name in sorted(whole)]
        self._learn_sets({set_name for _, set_name in pairs})
        needed = {part for _, set_name in pairs for part in self._sets[set_name].parts}
        parts = {part: frozenset(self.objects.children(f"results/{part}", prefix)) for part in needed}
        evaluated: dict[str, frozenset[str]] = {}
        for trial_id, set_name in pairs:
            known = self._sets[set_name]
            if all(f"{trial_id}.{set_name}.parquet" in parts[part] for part in known.parts):
                evaluated[trial_id] = evaluated.get(trial_id, frozenset()) | known.conditions
        return evaluated

    def trial(self, trial_id: str) -> dict[str, Any]:
        """The row of a trained trial."""
        row: dict[str, Any] = self._read_file(TRIALS, _result("trials", trial_id)).to_pylist()[0]
        return row

    @cached_property
    def _sets(self) -> dict[str, "_Set"]:
        """By name. Sets never change."""
        return {}

    def _learn_sets(self, names: Iterable[str]) -> None:
        unknown = [name for name in names if name not in self._sets]
        self._sets.update(zip(unknown, _together(self._read_set, unknown), strict=True))

    def _read_set(self, set_name: str) -> "_Set":
        name = f"results/conditions/{set_name}.json"
        body = self.objects.get_if_present(name) or b""
        if _set_name(body) != set_name:
            way_out = f"Delete it and the files *.{set_name}.parquet in results/evaluations, and launch again"
            raise CorruptObjectError(self.objects.address(name), "not the list of conditions it is named for", way_out)
        read = json.loads(body)
        conditions = frozenset(read["conditions"] if read["role"] in COMPLETE else ())
        return _Set(conditions, parts=frozenset(table.name for table in PARTS if table.name in read))

    def read(self, table: str, trial_ids: Collection[str] | None = None) -> pa.Table:
        """A result table, of some trials or of all, in the order of its key; raises CorruptObjectError."""
        schema = RESULTS[table]
        at_once = table in PACKED and self.root is None  # a bucket tells sizes and times with the names
        there = self._listed(table) if at_once else {}
        listed = there if at_once else self.objects.children(f"results/{table}")
        names = [name for name in listed if _wanted(name, trial_ids)]
        packed = table in PACKED and len(names) >= ENOUGH
        parts, rest = self._unpacked(schema, names, there or self._listed(table)) if packed else ([], names)
        return join(schema, [*parts, *self._read_files(schema, rest)])

    def _read_files(self, table: Table, names: Iterable[str]) -> Iterator[pa.Table]:
        """The rows of each file, in this order.

        Files are fetched several at a time and decoded one by one: threads that decode wait for one another.
        """
        remaining = (f"results/{table.name}/{name}" for name in names)
        while places := list(islice(remaining, FETCHED)):
            for place, data in zip(places, _together(self.objects.get, places), strict=True):
                yield decode(table, data, self.objects.address(place))

    def _unpacked(
        self, table: Table, names: Iterable[str], there: Mapping[str, Described]
    ) -> tuple[list[pa.Table], list[str]]:
        """The rows of files that are in packs, and the names of the others; `there`: all of the table's files."""
        rest = dict.fromkeys(names)
        parts: list[pa.Table] = []
        for pack in self._known_packs(table.name):
            current = pack.current(there)
            wanted = {name: current[name] for name in current if name in rest}
            rows = read_rows(self.objects, table, pack, list(wanted.values())) if wanted else None
            if rows is not None:
                parts.append(rows)
                rest = {name: None for name in rest if name not in wanted}
        return parts, list(rest)

    def _known_packs(self, table: str) -> list[Pack]:
        """Those that are there, each read once by this process: they never change."""
        known = self._packs.get(table, {})
        self._packs[table] = {pack.name: pack for pack in read_packs(self.objects, table, known)}
        return list(self._packs[table].values())

    @cached_property
    def _packs(self) -> dict[str, dict[str, Pack]]:
        """By table and name."""
        return {}

    @cached_property
    def _compared(self) -> set[str]:
        """Tables whose files this process has compared with what packs say of them."""
        return set()

    def _listed(self, table: str, names: Collection[str] | None = None) -> dict[str, Described]:
        listed = self.objects.described(f"results/{table}", names)
        return {name.rpartition("/")[2]: told for name, told in listed.items()}

    def pack(self) -> None:
        """Join the files of tables that are read whole, where enough have come since the last time."""
        for name in PACKED:
            self._pack(RESULTS[name])
            self._compared.add(name)
        pa.default_memory_pool().release_unused()  # it goes on for weeks, in a process that is to stay small

    def _pack(self, table: Table) -> None:
        """Files that changed since they were packed, as all of a copied store's have, are in no pack. Each is looked at
        for that once by a process; from then on it goes by their names, for there are many.

        Packs are joined into one once they are many, or most of what they hold is gone or changed.
        """
        packs, compared = self._known_packs(table.name), table.name in self._compared
        there = {} if compared else self._listed(table.name)
        names = set(self.objects.children(f"results/{table.name}") if compared else there)
        packed = names.intersection(chain(*(pack.members if compared else pack.current(there) for pack in packs)))
        members = sum(len(pack.members) for pack in packs)
        old = packs if len(packs) >= MOST or 2 * len(packed) < members else []
        if len(names) - len(packed) < ENOUGH and not old:
            return
        there = self._listed(table.name, None if old else names - packed)
        if there:
            parts = self._each(table, sorted(there), old, there)
            write_pack(self.objects, table, ((name, there[name], rows) for name, rows in parts))
        for pack in old:
            delete_pack(self.objects, table.name, pack)

    def _each(
        self, table: Table, names: Iterable[str], packs: Iterable[Pack], there: Mapping[str, Described]
    ) -> Iterator[tuple[str, pa.Table]]:
        """The rows of each file, by its name, from one of the packs where one has it."""
        rest = dict.fromkeys(names)
        for pack in packs:
            current = pack.current(there)
            wanted = {name: current[name] for name in current if name in rest}
            parts = read_each(self.objects, table, pack, list(wanted.values())) if wanted else None
            if parts is not None:
                yield from zip(wanted, parts, strict=True)
                rest = {name: None for name in rest if name not in wanted}
        yield from zip(rest, self._read_files(table, rest), strict=True)

    def _read_file(self, table: Table, name: str) -> pa.Table:
        return decode(table, self.objects.get(name), self.objects.address(name))

    # Examples

    def examples(self) -> frozenset[str]:
        """Names of the pictures that are there: `study.store.examples.example_name`."""
        return examples.names(self.objects)

    def keep_example(self, name: str, png: bytes) -> None:
        """Keep a picture unless it is there."""
        examples.keep(self.objects, name, png)

    def read_example(self, name: str) -> bytes:
        """The PNG; raises FileNotFoundError."""
        return examples.read(self.objects, name)

    # Checkpoints; a role is `last`, `best`, `stage-500`, or `again-500` until it is known to be a stage

    def write_checkpoint(self, trial_id: str, attempt: str, role: str, data: bytes) -> None:
        """Replace one checkpoint as a whole."""
        self.objects.put(_checkpoint(trial_id, attempt, role), data + _digest(data) + SEAL)

    def read_checkpoint(self, trial_id: str, attempt: str, role: str) -> bytes:
        """The bytes that were written; raises CorruptObjectError, or FileNotFoundError if there are none."""
        name = _checkpoint(trial_id, attempt, role)
        body = self.objects.get(name)
        data, seal = body[: -DIGEST - len(SEAL)], body[-DIGEST - len(SEAL) :]
        if seal != _digest(data) + SEAL:
            rule = "not a whole checkpoint (its checksum does not match)"
            raise CorruptObjectError(self.objects.address(name), rule, "Delete it and launch again")
        return data

    def list_checkpoints(self, trial_id: str) -> tuple[tuple[str, str], ...]:
        """(attempt, role) of each, in the order of attempts."""
        found = (name.split("/")[-2:] for name in self.objects.beneath(f"trials/{trial_id}"))
        return tuple((attempt, match[1]) for attempt, file in found if (match := CHECKPOINT.fullmatch(file)))

    def kept_stages(self, trial_id: str = "") -> Mapping[str, frozenset[int]]:
        """Trial id → the stages whose weights were kept, from one listing; of one trial, or of all."""
        kept: defaultdict[str, set[int]] = defaultdict(set)
        for name in self.objects.beneath(f"trials/{trial_id}".rstrip("/")):
            *_, trial_id, _, file = name.split("/")
            if match := STAGE.fullmatch(file):
                kept[trial_id].add(int(match[1]))
        return {trial_id: frozenset(stages) for trial_id, stages in kept.items()}

    def delete_checkpoint(self, trial_id: str, attempt: str, role: str) -> None:
        self.objects.delete(_checkpoint(trial_id, attempt, role))

    # Leases

    def acquire(self, name: str, owner: Owner, ttl: float = 30.0, patience: float = 0.0) -> Lease:
        """The lease on `name` (`studies/demo_mnist`, `trials/<id>`), to be renewed several times every `ttl` seconds.

        Raises HeldError while another has it. A holder on this machine that has died is found out at once. One
        elsewhere is dead when its heartbeat has stood still for its ttl under this process's eyes: over several
        calls, or within one call that has `patience`, in seconds.
        """
        return self._leases.acquire(name, owner, ttl, patience)

    def generation(self, name: str) -> int:
        """Of the last who took the lease on `name`; 0 if nobody ever has."""
        return self._leases.generation(name)

    def leases(self, folder: str = "") -> tuple[Held, ...]:
        """Who holds what, below `studies`, `trials` or everywhere."""
        return self._leases.live(folder)

    def sign_of_life(self, held: Held) -> bytes:
        """The holder's newest heartbeat: another a quarter of its ttl later, as long as it lives."""
        return self._leases.beat(held)

    def abandoned_leases(self, before: float) -> Mapping[str, Mapping[str, Described]]:
        """Name → files of leases whose holder has died, or has shown no sign since `before` (seconds since 1970)."""
        return self._leases.abandoned(before)

    def longest_ttl(self, names: Iterable[str]) -> float:
        """Seconds after which each of these leases may be taken over, if its holder is dead."""
        return max((held.ttl for name in names for held in self.leases(name)), default=0.0)

    @cached_property
    def _leases(self) -> Leases:
        return Leases(self.objects)

    def sweep_temporary(self, older_than: float) -> int:
        """Delete what killed writers left behind at least `older_than` seconds ago; how many files."""
        return self.objects.sweep_temporary(older_than)


def _arrived(location: str, environment: Mapping[str, str]) -> Store:
    """A store that has travelled to another process, perhaps on a machine that knows nothing of its storage."""
    os.environ.update(environment)
    return Store(location)


@dataclass(frozen=True)
class _Set:
    """What one commit of cells holds."""

    conditions: frozenset[str]
    """Those that concern `best` checkpoints, or stages."""
    parts: frozenset[str]
    """Tables that it has a file of, besides those that all have."""


def _result(table: str, name: str) -> str:
    return f"results/{table}/{name}.parquet"


def _checkpoint(trial_id: str, attempt: str, role: str) -> str:
    return f"trials/{trial_id}/{attempt}/{role}.ckpt"


def _set_name(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST).digest()


def _wanted(name: str, trial_ids: Collection[str] | None) -> bool:
    return trial_ids is None or name.partition(".")[0] in trial_ids


def _together(function: Callable[[S], T], arguments: Sequence[S]) -> list[T]:
    """What the function, which waits for storage, gives for each; a thread takes several, since handing it one costs
    more than a look at a disk."""
    each = max(1, min(AT_A_TIME, len(arguments) // READERS))
    batches = [arguments[i : i + each] for i in range(0, len(arguments), each)]
    with ThreadPoolExecutor(READERS) as pool:
        return [one for batch in pool.map(lambda some: [function(one) for one in some], batches) for one in batch]
