"""A query reads the study's tables and nothing else."""

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.query import QueryError, Tables, open_tables
from study.store import Store
from tests.study.store import small


@pytest.fixture(scope="module")
def tables() -> Tables:
    store = Store.open(f"memory://{uuid4().hex}")
    small.run(store, small.plan(), {"base": 900, "st-0": 700})
    store.record_launch(small.plan(), "study: small", {})
    return open_tables(store, "small")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.csv"
    path.write_text("password\nsesame\n")
    return path


CHANGES = [
    "COPY trials TO '{path}.out'",
    "COPY (FROM trials) TO '{path}.out' (FORMAT parquet)",
    "ATTACH '{path}' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA database_list",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "EXPORT DATABASE '{path}.out'",
    "IMPORT DATABASE '{path}.out'",
    "CREATE TABLE x AS FROM read_csv('{path}')",
    "CREATE TEMP TABLE x AS SELECT 1",
    "CREATE VIEW x AS FROM trials",
    "CREATE MACRO m() AS 1",
    "INSERT INTO trials VALUES (1)",
    "UPDATE trials SET label = 'x'",
    "DELETE FROM trials",
    "DROP VIEW trials",
    "CALL pragma_version()",
    "EXPLAIN FROM trials",
    "CHECKPOINT memory",
    "VACUUM ANALYZE",
    "USE stored",
    "PREPARE p AS SELECT 1",
    "BEGIN TRANSACTION",
]


@pytest.mark.parametrize("sql", CHANGES)
def test_only_reading_is_allowed(tables: Tables, secret: Path, sql: str) -> None:
    with pytest.raises(QueryError, match=rf"{sql.split()[0]} is not allowed: a query only reads"):
        tables.sql(sql.format(path=secret))
    assert [path.name for path in secret.parent.iterdir()] == ["secret.csv"]


FUNCTIONS = [
    "FROM read_csv('{path}')",
    "SELECT (SELECT password FROM read_csv_auto('{path}'))",
    "FROM read_text('{path}')",
    "FROM read_blob('{path}')",
    "FROM read_parquet('{path}')",
    "FROM parquet_metadata('{path}')",
    "FROM read_json('{path}')",
    "FROM sniff_csv('{path}')",
    "FROM glob('/*')",
    "FROM query('FROM ' || 'trials')",
    "FROM query_table('trials')",
    "FROM duckdb_settings()",
    "FROM duckdb_secrets()",
    "FROM pragma_table_info('trials')",
    "FROM python_arrow_scan(1, 2, 3)",
    "FROM arrow_scan(1, 2, 3)",
    "FROM sqlite_scan('{path}', 'x')",
    "FROM json_execute_serialized_sql('x')",
    "WITH x AS (FROM READ_CSV('{path}')) FROM x",
    "FROM trials WHERE label IN (SELECT password FROM read_csv('{path}'))",
    "DESCRIBE FROM read_csv('{path}')",
]


@pytest.mark.parametrize("sql", FUNCTIONS)
def test_functions_that_open_files_or_reach_elsewhere_are_shut(tables: Tables, secret: Path, sql: str) -> None:
    with pytest.raises(QueryError, match=r"\(\) is not allowed: a query sees the study's tables, no files"):
        tables.sql(sql.format(path=secret))


@pytest.mark.parametrize("sql", ["FROM '{path}'", 'SELECT * FROM "{path}"', "FROM trials JOIN '{path}' ON true"])
def test_a_file_is_not_a_table(tables: Tables, secret: Path, sql: str) -> None:
    with pytest.raises(QueryError, match=r"no table is called '.*secret.csv'; .*no files"):
        tables.sql(sql.format(path=secret))


def test_python_variables_are_not_tables(tables: Tables) -> None:
    mine = tables.sql("trials")
    assert len(mine) == 2
    with pytest.raises(QueryError, match="no table is called 'mine'"):
        tables.sql("FROM mine")


@pytest.mark.parametrize("sql", ["FROM stored.trials", "FROM information_schema.tables", "SHOW ALL TABLES"])
def test_what_lies_behind_the_views_is_not_offered(tables: Tables, sql: str) -> None:
    with pytest.raises(QueryError):
        tables.sql(sql)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT labl FROM trials", 'Referenced column "labl" not found.*"label"'),
        ("SELECT method.alhpa FROM trials", '"alhpa".*"alpha"'),
        ("FROM trails", "no table is called 'trails'; did you mean trials"),
        ("band", "no table is called 'band'; did you mean bands"),
        ("FROM xyzzy", "there are all_trials, attempts, bands"),
        ("SELECT FROM", "syntax error"),
        ("", "one statement; this is 0"),
        ("FROM trials; FROM bands", "one statement; this is 2"),
        ("SELECT sum(label) FROM trials", "sum"),
        ("SELECT label::INTEGER FROM trials", "Could not convert"),
        ("PIVOT trials ON label USING count(*)", r"PIVOT needs its columns named: PIVOT … ON column IN \(value, …\)"),
    ],
)
def test_a_mistake_is_told_in_one_line(tables: Tables, sql: str, message: str) -> None:
    with pytest.raises(QueryError, match=message) as caught:
        tables.sql(sql)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("bands", 7),
        (" bands ; ", 7),
        ("BANDS", 7),
        ("all_trials", 2),
        ("FROM bands WHERE step = 0", 2),
        ("SELECT label FROM trials UNION ALL SELECT label FROM trials", 4),
        ("WITH best AS (FROM trials LIMIT 1) FROM best, best AS again", 1),
        ("DESCRIBE bands", 16),
        ("SUMMARIZE bands", 16),
        ("SHOW TABLES", 8),
        ("SELECT * FROM range(3), unnest([1, 2])", 6),
        ("PIVOT trials ON label IN ('ST', 'DA') USING count(*) GROUP BY data", 1),
        ("SELECT bit_count(correct_bits::BIT) FROM predictions", 12),
        ("VALUES (1), (2)", 2),
    ],
)
def test_reading_in_every_form_is_allowed(tables: Tables, sql: str, count: int) -> None:
    assert len(tables.sql(sql)) == count


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_any_text_gives_rows_or_a_mistake_told(text: str) -> None:
    tables = open_tables(Store.open("memory://nothing"), None)
    with suppress(QueryError):
        tables.sql(text)
