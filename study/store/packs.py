"""Packs: the files of a table joined into few, so that a study of 10,000 trials is read with few requests.

    packs/<table>/<digest>.parquet    rows as in the files, and beside it
    packs/<table>/<digest>.json       which files, each with its bytes and time of change as listed, and its rows

A pack is a copy and nothing else: whoever reads goes by the listing of the files themselves, and takes from packs the
rows of those that are there, unchanged since they were packed; any other file is read. So a pack that is deleted costs
time alone, and a file that is deleted, or written anew, is gone from the tables at once. Written by launches, once
enough files are in none as they lie there (all of them, in a copied store); what explains a pack is written last, and a
pack without it is not there.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from study.store.files import condensed, decode, write
from study.store.objects import Described, Objects
from study.store.schemas import Table

FOLDER = "packs"
PACKED = ("trials", "epochs", "evaluations", "attempts")
"""Tables that launches and screens read whole."""
ENOUGH = 500
"""Files in no pack that are worth one: reading so many takes a remote store a second or two."""
MOST = 8
"""Packs of one table, before they are joined into one."""

Sign = tuple[int, float]
"""Bytes and time of change: what a listing tells of a file."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file's part of a pack."""

    sign: Sign
    start: int
    """Its first row."""
    rows: int


@dataclass(frozen=True, kw_only=True)
class Pack:
    """A pack's files by name; its rows are read when one of them is wanted."""

    name: str
    members: Mapping[str, Member]

    def current(self, there: Mapping[str, Described]) -> dict[str, Member]:
        """Those that lie in the store as they did."""
        return {name: one for name, one in self.members.items() if name in there and one.sign == sign(there[name])}


def sign(told: Described) -> Sign:
    return told.bytes, told.modified


def read_packs(objects: Objects, table: str, known: Mapping[str, Pack]) -> Iterator[Pack]:
    """Those that can be read: one that cannot is no loss. Of `known` ones, by name, only whether they are there."""
    for file in objects.children(f"{FOLDER}/{table}"):
        name, _, kind = file.partition(".")
        if name in known and kind == "json":
            yield known[name]
            continue
        body = objects.get_if_present(f"{FOLDER}/{table}/{file}") if kind == "json" else None
        if body is not None and (pack := _pack(name, body)) is not None:
            yield pack


def _pack(name: str, body: bytes) -> Pack | None:
    try:
        told = json.loads(body)
        members = {
            file: Member(sign=(size, modified), start=start, rows=rows)
            for file, (size, modified, start, rows) in told.items()
        }
    except (ValueError, TypeError, AttributeError):
        return None
    return Pack(name=name, members=members)


def read_rows(objects: Objects, table: Table, pack: Pack, members: Sequence[Member]) -> pa.Table | None:
    """The rows of some of its files; None where it cannot be read, or is of another version."""
    parts = read_each(objects, table, pack, members)
    return None if parts is None else pa.concat_tables(parts)


def read_each(objects: Objects, table: Table, pack: Pack, members: Sequence[Member]) -> list[pa.Table] | None:
    """As `read_rows`, file by file."""
    name = f"{FOLDER}/{table.name}/{pack.name}.parquet"
    data = objects.get_if_present(name)
    if data is None or hashlib.sha256(data).hexdigest()[:32] != pack.name:
        return None
    rows = decode(table, data, objects.address(name)).replace_schema_metadata(table.schema.metadata)
    return [rows.slice(one.start, one.rows) for one in members]


def write_pack(objects: Objects, table: Table, files: Iterable[tuple[str, Described, pa.Table]]) -> None:
    """Pack files: of each its name, its listing, and its rows as they were read after it."""
    told: dict[str, tuple[int, float, int, int]] = {}

    def rows() -> Iterator[pa.Table]:
        start = 0
        for name, described, part in files:
            told[name] = (*sign(described), start, len(part))
            start += len(part)
            yield part

    joined = pa.concat_tables(condensed(rows()))
    explained = json.dumps(told).encode()
    digest = hashlib.sha256(explained).digest()  # so that the same rows of files with other times have another name
    data = write(joined.replace_schema_metadata({**table.schema.metadata, b"files": digest}), compression="zstd")
    name = hashlib.sha256(data).hexdigest()[:32]
    objects.put(f"{FOLDER}/{table.name}/{name}.parquet", data)
    objects.put(f"{FOLDER}/{table.name}/{name}.json", explained)


def delete_pack(objects: Objects, table: str, pack: Pack) -> None:
    """First what explains it; who reads it at this moment reads the files instead."""
    for kind in ("json", "parquet"):
        objects.delete(f"{FOLDER}/{table}/{pack.name}.{kind}")
