"""`study query`: SQL in, a table, CSV, JSON or Parquet out."""

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.cli.errors import CommandError
from study.cli.places import open_store, study_name
from study.cli.terminal import Column, Terminal, count, lay_out, wrapped
from study.objectives import CLEAN
from study.query import VIEWS, describe, open_tables

SHORT = 3
"""Decimals up to which a column's numbers are printed as they are; beyond, four."""
PIECE = 2**16
"""Bytes written to a pipe at a time."""
DESCRIBED = ["column_name", "column_type"]
"""The first columns of a DESCRIBE or SUMMARIZE: what their rows share says nothing about data."""
LEVEL = "level"
VISIBLE = 5e-5
"""The smallest number that four decimals show."""


def ask(study: str, sql: str, store: str | None, form: str, output: str | None, terminal: Terminal) -> None:
    """Run one query and print or write what it gives."""
    opened = open_store(store)
    name = study_name(study, opened)
    answer = open_tables(opened, name).sql(sql)
    if form == "table" and output is None:
        print_answer(answer, terminal)
        _print_footer(sql, name, terminal)
    else:
        _deliver(_encoded(answer, form, terminal), output)


def _encoded(answer: pa.Table, form: str, terminal: Terminal) -> bytes:
    if form == "parquet":
        sink = io.BytesIO()
        pq.write_table(answer, sink)
        return sink.getvalue()
    if form == "csv":
        return as_csv(answer).encode()
    if form == "json":
        return (json.dumps(answer.to_pylist(), default=str, ensure_ascii=False) + "\n").encode()
    return "".join(f"{line}\n" for line in answer_lines(answer, terminal, width=None)).encode()


def _deliver(content: bytes, output: str | None) -> None:
    if output is not None:
        _write(Path(output), content)
    elif content[:4] == b"PAR1" and sys.stdout.isatty():
        raise CommandError("Parquet is not for a terminal; name a file: -o FILE.parquet")
    else:
        for begin in range(0, len(content), PIECE):  # whole, a write of megabytes hides that its reader has gone
            sys.stdout.buffer.write(content[begin : begin + PIECE])
        sys.stdout.buffer.flush()


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}; name another file with -o") from None


def as_csv(answer: pa.Table) -> str:
    """One line a row; a struct's fields become columns (`method.alpha`), a list becomes JSON."""
    flat = flattened(answer)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(flat.column_names)
    for row in zip(*(column.to_pylist() for column in flat.columns), strict=True):
        writer.writerow([_plain(value) for value in row])
    return text.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def flattened(answer: pa.Table) -> pa.Table:
    """Structs as columns of their own, at any depth."""
    while any(pa.types.is_struct(kind) for kind in answer.schema.types):
        answer = answer.flatten()
    return answer


def print_answer(answer: pa.Table, terminal: Terminal) -> None:
    for line in answer_lines(answer, terminal, terminal.width):
        terminal.print(line)


def answer_lines(answer: pa.Table, terminal: Terminal, width: int | None) -> list[str]:
    """What all rows share above the table, but of a DESCRIBE; columns that are empty throughout are left out."""
    flat = flattened(answer)
    columns = {name: column.to_pylist() for name, column in zip(flat.column_names, flat.columns, strict=True)}
    if LEVEL in columns:
        columns[LEVEL] = _with_clean(columns)
    filled = {name: values for name, values in columns.items() if any(value not in (None, "") for value in values)}
    if not flat.num_rows:
        return ["no rows"]
    described = flat.column_names[:2] == DESCRIBED
    several = flat.num_rows > 1 and not described
    shared = {name: values for name, values in filled.items() if several and _alike(values)}
    shown = {name: values for name, values in filled.items() if name not in shared} or filled or columns
    told = wrapped(terminal.text(_above(flat.num_rows, shared)), width, 0, 2)
    above = [*told, ""] if 0 < len(shared) < len(filled) else []
    titles = [Column(name, "right" if _is_number(values) else "left") for name, values in shown.items()]
    rows = [[terminal.text(cell) for cell in row] for row in zip(*map(cells, shown.values()), strict=True)]
    loose = lay_out(titles, rows, width, gap=3)
    laid = lay_out(titles, rows, width) if loose.hidden else loose
    hidden = f"not shown, for want of room: {', '.join(laid.hidden)} (--format csv shows all)"
    below = ["", *terminal.wrap(hidden, 2, 2)] if laid.hidden else []
    if filled and not described and (empty := [name for name in columns if name not in filled]):
        below += ["", *terminal.wrap(f"empty in all rows: {', '.join(empty)}", 2, 2)]
    return [*above, laid.header, *laid.lines, *below]


def _with_clean(columns: Mapping[str, list[Any]]) -> list[Any]:
    """The levels, `clean` where one is empty for undistorted images, the left end of every sweep.

    Perturbations have no level either. Family or step tell them apart; without these, a sweep is what has levels.
    """
    levels = columns[LEVEL]
    names = columns.get("test_distortion", [""] * len(levels))
    swept = {CLEAN, *(name for name, level in zip(names, levels, strict=True) if level is not None)}
    if "family" in columns:
        undistorted = [family == CLEAN for family in columns["family"]]
    elif "step" in columns:
        undistorted = [step == 0 for step in columns["step"]]
    else:
        undistorted = [name in swept for name in names]
    return [CLEAN if level is None and left else level for level, left in zip(levels, undistorted, strict=True)]


def _above(rows: int, shared: dict[str, list[Any]]) -> str:
    said = " · ".join(f"{name} {cells(values[:1])[0]}" for name, values in shared.items())
    return f"all {count(rows, 'row')}: {said}"


def _alike(values: Sequence[Any]) -> bool:
    return all(value == values[0] for value in values) and not isinstance(values[0], bool)


def _is_number(values: Sequence[Any]) -> bool:
    plain = (value for value in values if value not in (None, CLEAN))
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in plain)


def cells(values: Sequence[Any]) -> list[str]:
    """A column as text: numbers of one column alike, rates to four places, true as a dot."""
    places = _places([value for value in values if isinstance(value, float)])
    return [_cell(value, places) for value in values]


def _places(numbers: Sequence[float]) -> str:
    if all(number == round(number, SHORT) for number in numbers):
        return "g"
    return ".4g" if any(0 < abs(number) < VISIBLE for number in numbers) else ".4f"


def _cell(value: Any, places: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "●" if value else ""
    if isinstance(value, float):
        return format(value, places)
    if isinstance(value, int):
        return f"{value:,}"
    return str(_plain(value))


def _print_footer(sql: str, study: str, terminal: Terminal) -> None:
    """Where the columns are explained, for the first view that the query names."""
    words = sql.replace("(", " ").replace(")", " ").replace(";", " ").split()
    named = next((word for word in words if word in VIEWS), None)
    if named is not None and terminal.width is not None:
        terminal.print()
        terminal.print("\n".join(terminal.wrap(f"Columns: study query {study} --columns {named}")))


def describe_columns(view: str, terminal: Terminal) -> None:
    """`study query STUDY --columns VIEW`."""
    if view not in VIEWS:
        raise CommandError(f"no table or view is called {view!r}; there are {', '.join(VIEWS)}")
    terminal.print("\n".join(terminal.wrap(f"{view}: {VIEWS[view]}")))
    terminal.print()
    rows = [[terminal.text(cell) for cell in (one.name, one.type, one.unit, one.meaning)] for one in describe(view)]
    laid = lay_out([Column("column"), Column("type"), Column("unit"), Column("meaning")], rows, None)
    terminal.print(laid.header)
    for line in laid.lines:
        terminal.print(line)
