"""Table files: rows to Parquet bytes and back, by an explicit schema. Equal rows give equal bytes."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from study.store.errors import CorruptObjectError
from study.store.schemas import Table

AGAIN = "Delete it and launch again: what it held is computed anew"
LOST = "Delete it: only the record of that run is lost"
UPGRADE = "Upgrade this installation"
BLOCK = 256
"""Files whose rows are held apart from one another, at most."""


def encode(table: Table, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Most files hold a few rows, which no compression makes smaller, nor a dictionary, and no statistics tell of."""
    made = pa.Table.from_pylist(rows, schema=table.schema)
    return write(made, compression="none", use_dictionary=False, write_statistics=False)


def write(rows: pa.Table, **options: Any) -> bytes:
    """As Parquet; `options` are those of `pyarrow.parquet.write_table`."""
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, **options)
    return buffer.getvalue()


def decode(table: Table, data: bytes, address: str) -> pa.Table:
    """The rows of one file; raises CorruptObjectError naming `address`."""
    try:
        read = pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise CorruptObjectError(address, f"not a whole Parquet file ({error})", _way_out(table)) from error
    return read if _version(table, read.schema, address) == table.version else _brought_up(table, read)


def _version(table: Table, schema: pa.Schema, address: str) -> int:
    """Of a file of this table; raises CorruptObjectError for any other, and for one that lacks what it must have."""
    metadata = schema.metadata or {}
    name, version = metadata.get(b"table", b"").decode(), metadata.get(b"version", b"").decode()
    if name == table.name and version.isdigit() and int(version) > table.version:
        rule = f"written by a newer version (its {name} schema is {version}, this installation reads {table.version})"
        raise CorruptObjectError(address, rule, UPGRADE)
    whole = schema.equals(table.schema) if version == str(table.version) else _is_earlier(table, schema)
    if name != table.name or not version.isdigit() or not whole:
        raise CorruptObjectError(
            address, f"not a file of the table {table.name}, version {table.version}", _way_out(table)
        )
    return int(version)


def _is_earlier(table: Table, schema: pa.Schema) -> bool:
    """Whether it is the table's schema but for columns added since, each of which may be empty."""
    known = {field.name: field for field in table.schema}
    kept = all(
        field.name in known
        and field.type == known[field.name].type
        and (known[field.name].nullable or not field.nullable)
        for field in schema
    )
    return kept and all(_may_be_empty(field) for name, field in known.items() if name not in schema.names)


def _may_be_empty(field: pa.Field) -> bool:
    return bool(field.nullable or pa.types.is_list(field.type))


def _brought_up(table: Table, read: pa.Table) -> pa.Table:
    """An earlier version's rows as this one has them: results are never lost. What was added since is empty."""
    columns = [read[one.name] if one.name in read.column_names else _empty(one, len(read)) for one in table.schema]
    return pa.table(columns, schema=table.schema.with_metadata({**read.schema.metadata, **table.schema.metadata}))


def _empty(field: pa.Field, rows: int) -> pa.Array:
    return pa.nulls(rows, field.type) if field.nullable else pa.array([[]] * rows, field.type)


def _way_out(table: Table) -> str:
    return LOST if table.name == "attempts" else AGAIN


def condensed(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in fewer tables: one of a few rows takes ten times their bytes."""
    remaining = iter(parts)
    while block := list(islice(remaining, BLOCK)):
        yield pa.concat_tables(block).combine_chunks()


def join(table: Table, parts: Iterable[pa.Table]) -> pa.Table:
    """All rows in the order of the table's key, each key once: two commits may hold one cell, with equal values."""
    blocks = list(condensed(parts))
    if not blocks:
        return table.schema.empty_table()
    rows = pa.concat_tables(blocks).combine_chunks().sort_by([(column, "ascending") for column in table.key])
    return rows.filter(_first_of_key(rows, table.key)) if len(rows) > 1 else rows


def _first_of_key(rows: pa.Table, key: Sequence[str]) -> pa.Array:
    """True where the key differs from the row before."""
    differs = [pc.not_equal(rows[name].slice(1), rows[name].slice(0, len(rows) - 1)) for name in key]
    changed = differs[0]
    for one in differs[1:]:
        changed = pc.or_(changed, one)
    return pa.concat_arrays([pa.array([True]), *changed.chunks])
