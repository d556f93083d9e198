"""`study query`: formats, layout, what is refused."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from study.cli.query_help import WORKED, help_lines
from study.cli.querying import answer_lines, as_csv, cells
from study.cli.terminal import Terminal
from study.query import VIEWS
from study.store import Store
from tests.study.cli.conftest import Type
from tests.study.hand_made import CONDITIONS, TRIALS


def test_a_bare_word_is_from_it(study: Type, store: Store) -> None:
    assert study("query", "small", "bands").stdout == study("query", "small", "FROM bands").stdout


def test_columns_with_one_value_move_above_the_table(study: Type, store: Store) -> None:
    sql = "FROM bands WHERE train_distortion = 'gaussian_noise' AND test_distortion = 'gaussian_noise'"
    first, _, header, *rows = study("query", "small", sql).stdout.splitlines()
    assert first.startswith(
        "all 6 rows: train_distortion gaussian_noise · test_distortion gaussian_noise · parameter sigma"
    )
    assert "n 100" in first
    assert "baseline 0.8" in first
    assert " ".join(header.split()) == "label level step practical trials min q25 median q75 max"
    assert len(rows) == 6
    assert rows[0].split()[:2] == ["ST", "clean"]
    assert any("●" in row for row in rows)


def test_parameters_need_no_quotes(study: Type, store: Store) -> None:
    _, sql = WORKED[1]
    header, *rows = study("query", "small", sql.replace("method.p,", "")).stdout.splitlines()[-4:]
    assert header.split() == ["alpha", "sigma", "accuracy"], "they are all ST"
    assert rows[0].split() == ["0.1", "0.1", "0.81"]


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_every_view_prints_in_every_format(study: Type, store: Store, tmp_path: Path, view: str) -> None:
    for form in ("table", "csv", "json", "parquet"):
        file = tmp_path / f"out.{form}"
        assert study("query", "small", view, "--format", form, "-o", str(file)).exit_code == 0
        assert file.stat().st_size > 0
    rows = json.loads((tmp_path / "out.json").read_text())
    assert len(rows) == pq.read_table(tmp_path / "out.parquet").num_rows
    assert len(rows) == len(list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines())))


def test_csv_flattens_structs(study: Type, store: Store) -> None:
    rows = list(csv.DictReader(io.StringIO(study("query", "small", "trials", "--format", "csv").stdout)))
    assert len(rows) == TRIALS
    assert rows[1]["method.alpha"] == "0.1"
    assert rows[0]["method.alpha"] == ""
    assert rows[0]["diverged"] == "false"


def test_everything_is_there_in_a_pipe(study: Type, store: Store) -> None:
    lines = study("query", "small", "SELECT * FROM evaluations").stdout.splitlines()
    assert len(lines) == 3 + TRIALS * CONDITIONS + 2
    assert lines[-1] == "  empty in all rows: calibration_error, rendering"
    assert not any("…" in line for line in lines)


@pytest.mark.parametrize(
    "sql",
    ["COPY trials TO 'x.csv'", "ATTACH 'x.db'", "INSTALL httpfs", "FROM 'small.yaml'", "FROM read_csv('small.yaml')",
     "FROM nothing", "SELEC 1", "SELECT 1; SELECT 2"],
)  # fmt: skip
def test_what_is_no_query_exits_with_2_and_a_line(study: Type, store: Store, sql: str) -> None:
    answer = study("query", "small", sql)
    assert answer.exit_code == 2
    assert "Traceback" not in answer.stderr
    assert answer.stderr.strip()
    assert not Path("x.csv").exists()


def test_no_sql_says_what_to_give(study: Type, store: Store) -> None:
    answer = study("query", "small")
    assert answer.exit_code == 2
    assert "study query --help" in answer.stderr


def test_no_rows_is_said(study: Type, store: Store) -> None:
    assert study("query", "small", "FROM trials WHERE false").stdout == "no rows\n"


def test_a_file_that_cannot_be_written(study: Type, store: Store) -> None:
    answer = study("query", "small", "trials", "--format", "csv", "-o", "no/such/folder/x.csv")
    assert answer.exit_code == 2
    assert "no/such/folder/x.csv cannot be written" in answer.stderr


def test_the_help_documents_every_view_and_its_queries_run(study: Type, store: Store) -> None:
    text = study("query", "--help").stdout
    assert all(re.search(rf"^  {view} ", text, re.MULTILINE) for view in VIEWS)
    assert len(WORKED) >= 5
    for question, sql in WORKED:
        assert question in " ".join(text.split())
        assert study("query", "small", sql).exit_code == 0


@pytest.mark.parametrize("width", [60, 80, 108])
def test_the_help_fits_its_width(width: int) -> None:
    assert max(map(len, help_lines(width))) <= max(width, 76), "commands to paste are not wrapped"


def test_what_rows_share_is_wrapped_and_not_said_of_a_describe(study: Type, store: Store) -> None:
    table = pa.table({"n": [1, 2], "empty": ["", ""], **{f"column_{n}": ["a value"] * 2 for n in range(9)}})
    terminal = Terminal(console=Console(), width=60, unicode=True)
    lines = answer_lines(table, terminal, 60)
    assert lines[0].startswith("all 2 rows: column_0 a value · column_1")
    assert max(map(len, lines)) <= 60
    assert lines[-1] == "  empty in all rows: empty"
    assert not any("empty" in line for line in lines[:-1])
    described = study("query", "small", "DESCRIBE trials").stdout
    assert "rows:" not in described
    assert "VARCHAR" in described


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_columns_are_explained(study: Type, store: Store, view: str) -> None:
    lines = study("query", "small", "--columns", view).stdout.splitlines()
    assert lines[2].split() == ["column", "type", "unit", "meaning"]
    assert len(lines) > 5


def test_an_unknown_view_is_told_what_there_is(study: Type, store: Store) -> None:
    answer = study("query", "small", "--columns", "band")
    assert answer.exit_code == 2
    assert "practical" in answer.stderr


@pytest.mark.parametrize("form", ["table", "csv"])
def test_a_reader_that_stops_reading_is_no_mistake(store: Store, form: str) -> None:
    command = [sys.executable, "-m", "study.cli", "query", "small", "SELECT * FROM range(300000)", "--format", form]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as query:
        assert query.stdout is not None
        assert query.stderr is not None
        query.stdout.readline()
        query.stdout.close()
        assert query.stderr.read() == ""
    assert query.returncode == 141


def test_numbers_of_a_column_are_written_alike() -> None:
    assert cells([0.5, 0.123456, None]) == ["0.5000", "0.1235", ""]
    assert cells(["clean", 0.1, 30.0]) == ["clean", "0.1", "30"]
    assert cells([1e-05, 0.1]) == ["1e-05", "0.1"]
    assert cells([True, False]) == ["●", ""]
    assert cells([1500]) == ["1,500"]


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ({"family": ["clean", "perturbation", "sweep"]}, ["clean", "", "0.1"]),
        ({"step": [0, None, 1]}, ["clean", "", "0.1"]),
        ({"test_distortion": ["clean", "rotate", "jpeg"]}, ["clean", "", "0.1"]),
        ({"test_distortion": ["jpeg", "rotate", "jpeg"]}, ["clean", "", "0.1"]),
        ({}, ["clean", "clean", "0.1"]),
    ],
)
def test_an_empty_level_is_clean_where_a_sweep_has_its_left_end(columns: dict[str, Any], shown: list[str]) -> None:
    table = pa.table({"x": ["a", "b", "c"], **columns, "level": [None, None, 0.1]})
    header, *lines = answer_lines(table, Terminal(console=Console(), width=60, unicode=True), None)
    place = header.index("level")
    assert [line[place:].strip() for line in lines] == shown


def test_lists_and_bytes_in_csv() -> None:
    table = pa.table({"list": [[1, 2]], "bits": pa.array([b"\x0f"], pa.binary())})
    assert as_csv(table) == 'list,bits\n"[1, 2]",0f\n'
