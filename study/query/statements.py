"""What a query may say: one SELECT over the study's tables. Nothing that opens a file or changes anything."""

import difflib
import json
import re
from collections.abc import Collection, Iterator
from typing import Any

import duckdb

FUNCTIONS = frozenset({"range", "generate_series", "unnest", "repeat", "json_each", "json_tree"})
"""Functions that may stand where a table does. Others open files, or reach into the process."""

REFUSED = frozenset(
    {
        "current_setting", "getenv", "getvariable", "which_secret",  # settings, environment, variables, secrets
        "json_serialize_plan",  # evaluates the SQL in a text
        "get_block_size", "index_key", "pg_get_constraintdef", "pg_get_viewdef",  # what lies behind the views
        "currval", "nextval", "setval", "write_log",  # these change something
    }
)  # fmt: skip
"""Functions that may stand nowhere, as values either. Those beside them compute on what they are given."""

Node = Any
"""A node of a statement's syntax tree, as DuckDB prints it in JSON."""


class QueryError(ValueError):
    """A query that cannot be run, in DuckDB's words or ours."""


def tables_of(text: str, connection: duckdb.DuckDBPyConnection, known: Collection[str]) -> frozenset[str]:
    """The known tables that one SELECT reads; raises QueryError for anything else."""
    tree = _parse(text, connection)
    for function in (*_table_functions(tree), *(name for name in _called(tree) if name in REFUSED)):
        if function not in FUNCTIONS:
            raise QueryError(f"{function}() is not allowed: a query sees the study's tables, no files and no settings")
    if any(_lists_elsewhere(node) for node in _nodes(tree)):
        raise QueryError("a query lists the study's tables (SHOW TABLES) and nothing else")
    local = frozenset(_local_names(tree))  # may hide a table in one place and not in another: that table is read too
    names = frozenset(name for name in _names(tree) if name in known or name not in local)
    for name in sorted(names - set(known)):
        raise QueryError(_unknown(name, known))
    return names


def _parse(text: str, connection: duckdb.DuckDBPyConnection) -> Node:
    try:
        statements = connection.extract_statements(text)
    except duckdb.Error as error:
        raise QueryError(short(error)) from None
    if len(statements) != 1:
        raise QueryError(f"a query is one statement; this is {len(statements)}")
    ((serialized,),) = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
    tree = json.loads(serialized)
    if tree["error"]:
        raise QueryError(_refusal(statements[0].type.name, text))
    return tree


def _refusal(kind: str, text: str) -> str:
    first = text.split(maxsplit=1)[0].upper()
    said = first if first.isalpha() and first != "WITH" else kind.partition("_")[0]
    if kind == "MULTI":
        return f"{said} needs its columns named: {said} … ON column IN (value, …)"
    return f"{said} is not allowed: a query only reads (SELECT, FROM, WITH, DESCRIBE, SUMMARIZE)"


def _nodes(tree: Node) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _called(tree: Node) -> Iterator[str]:
    """Functions, wherever they stand."""
    for node in _nodes(tree):
        if "function_name" in node:
            yield node["function_name"].lower()


def _table_functions(tree: Node) -> Iterator[str]:
    """Functions that stand where a table does."""
    for node in _nodes(tree):
        if node.get("type") == "TABLE_FUNCTION":
            yield node["function"]["function_name"].lower()


def _names(tree: Node) -> Iterator[str]:
    """Tables by the name that they are called by, `schema.name` for one that is not a view of ours."""
    for node in _nodes(tree):
        if node.get("type") == "BASE_TABLE":
            yield ".".join(part for part in (node["schema_name"], node["table_name"]) if part).lower()
        elif node.get("type") == "SHOW_REF" and node["show_type"] == "SHOW" and node["query"] is None:
            yield node["table_name"].lower()


def _lists_elsewhere(node: dict[str, Any]) -> bool:
    """Whether it lists databases, settings or the tables of a schema: anything but SHOW TABLES."""
    special = node.get("type") == "SHOW_REF" and node["show_type"] in ("SHOW_SPECIAL", "SHOW_FROM")
    return special and node["table_name"] != '"tables"'


def _local_names(tree: Node) -> Iterator[str]:
    """What WITH names."""
    for node in _nodes(tree):
        for entry in node.get("cte_map", {}).get("map", ()):
            yield entry["key"].lower()


def _unknown(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
    return f"no table is called {name!r}; {meant}  (A query sees the study's tables and no files.)"


def short(error: duckdb.Error) -> str:
    """DuckDB's message in one line: what is wrong, and what it thinks was meant."""
    said = re.split(r"\n\s*\nLINE |\n\s*LINE ", str(error))[0]
    return " ".join(re.sub(r"^[A-Za-z ]+ Error: ", "", said).split())
