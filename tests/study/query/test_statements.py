"""A query reads the study's tables and nothing else."""

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.query import VIEWS, QueryError, Tables, open_tables
from study.query.statements import REFUSED
from study.query.tables import _database
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


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("WITH x AS (SELECT 1) INSERT INTO trials FROM x", "INSERT"),
        ("WITH x AS (SELECT 1) DELETE FROM trials", "DELETE"),
        ("-- a remark\nDROP VIEW trials", "DROP"),
    ],
)
def test_what_is_not_reading_is_named(tables: Tables, sql: str, said: str) -> None:
    with pytest.raises(QueryError, match=f"^{said} is not allowed: a query only reads"):
        tables.sql(sql)


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
    "SELECT current_setting('secret_directory')",
    "SELECT 'temp_directory'.CURRENT_SETTING()",
    "SELECT system.main.current_setting('temp_directory')",
    "FROM trials WHERE label = (SELECT max(current_setting(name)) FROM (VALUES ('temp_directory')) AS one(name))",
    "SELECT [current_setting(name) FOR name IN ['temp_directory']]",
    "SELECT json_serialize_plan('SELECT current_setting(''temp_directory'')', optimize := true)",
    "SELECT * REPLACE (current_setting('temp_directory') AS label) FROM trials",
    "FROM trials ORDER BY current_setting('temp_directory')",
    "FROM trials LIMIT length(current_setting('temp_directory'))",
    "PIVOT trials ON label IN ('ST') USING max(current_setting('temp_directory'))",
    "SELECT getvariable('x')",
    "SELECT getenv('HOME')",
    "SELECT write_log('x')",
    "SELECT nextval('x')",
    "SELECT get_block_size('memory')",
    "SELECT pg_get_viewdef(1)",
]


@pytest.mark.parametrize("sql", FUNCTIONS)
def test_functions_that_open_files_or_reach_elsewhere_are_shut(tables: Tables, secret: Path, sql: str) -> None:
    with pytest.raises(QueryError, match=r"\(\) is not allowed: a query sees the study's tables, no files"):
        tables.sql(sql.format(path=secret))


COMPUTE = {
    "current_query_id", "hive_partition_component", "in_search_path", "json_deserialize_sql", "json_extract_path",
    "json_extract_path_text", "json_serialize_sql", "parse_dirpath", "parse_duckdb_log_message",
    "parse_filename", "parse_path", "path_join", "pg_conf_load_time",
}  # fmt: skip
"""Functions whose names sound like reaching elsewhere, and that only work on what they are given."""


def test_every_function_of_duckdb_that_sounds_like_reaching_elsewhere_has_been_judged() -> None:
    sounds = (
        "setting|secret|env|variable|^read|write|_log|file|path|dir$|glob|plan|execute|query_|sql|currval|nextval|setval"
        "|block|viewdef|constraintdef|index_key|hive|load|attach"
    )
    with _database() as database:
        found = database.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() "
            "WHERE function_type IN ('scalar', 'macro', 'aggregate') AND regexp_matches(function_name, ?)",
            [sounds],
        ).fetchall()
    assert len(found) > 10
    assert {name for (name,) in found} - REFUSED == COMPUTE


def test_no_folder_is_open_to_queries() -> None:
    with _database() as database:
        row = database.execute("SELECT current_setting('temp_directory'), current_setting('allowed_directories')")
        assert row.fetchone() == ("", [])


@pytest.mark.parametrize("sql", ["FROM '{path}'", 'SELECT * FROM "{path}"', "FROM trials JOIN '{path}' ON true"])
def test_a_file_is_not_a_table(tables: Tables, secret: Path, sql: str) -> None:
    with pytest.raises(QueryError, match=r"no table is called '.*secret.csv'; .*no files"):
        tables.sql(sql.format(path=secret))


def test_python_variables_are_not_tables(tables: Tables) -> None:
    mine = tables.sql("trials")
    assert len(mine) == 2
    with pytest.raises(QueryError, match="no table is called 'mine'"):
        tables.sql("FROM mine")


@pytest.mark.parametrize("sql", ["SHOW ALL TABLES", "SHOW DATABASES", "SHOW VARIABLES", "SHOW TABLES FROM stored"])
def test_a_listing_is_of_the_study_s_tables(tables: Tables, sql: str) -> None:
    with pytest.raises(QueryError, match=r"^a query lists the study's tables \(SHOW TABLES\) and nothing else$"):
        tables.sql(sql)


@pytest.mark.parametrize("sql", ["FROM stored.trials", "FROM information_schema.tables", "SHOW stored.trials"])
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
        ("FROM xyzzy", "there are all_trials, attacks, attempts"),
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
        ("DESCRIBE bands", 17),
        ("SUMMARIZE bands", 17),
        ("SHOW TABLES", len(VIEWS)),
        ("SELECT * FROM range(3), unnest([1, 2])", 6),
        ("PIVOT trials ON label IN ('ST', 'DA') USING count(*) GROUP BY data", 1),
        ("SELECT bit_count(correct_bits::BIT) FROM predictions", 12),
        ("VALUES (1), (2)", 2),
    ],
)
def test_reading_in_every_form_is_allowed(tables: Tables, sql: str, count: int) -> None:
    assert len(tables.sql(sql)) == count


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40))
def test_any_text_gives_rows_or_a_mistake_told(tables: Tables, text: str) -> None:
    with suppress(QueryError):
        tables.sql(text)
