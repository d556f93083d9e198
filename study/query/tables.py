"""The tables of one study, in DuckDB: an in-memory database that holds them and can reach nothing else.

DuckDB is handed Arrow tables that the store has read and checked; then its access to files, extensions, settings and
Python variables is locked away. A table is read when a query first names it; until then it has no rows.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files

import duckdb
import pyarrow as pa

from study.query.benchmarks import benchmark_tables
from study.query.columns import VIEWS, ViewColumn, column
from study.query.packing import described, packed, packed_terms
from study.query.points import points
from study.query.stability import pairs, shares
from study.query.statements import QueryError, short, tables_of
from study.store import RESULTS, Launch, Store
from study.store.rungs import pruned_table
from study.store.schemas import CONDITIONS, MEMBERSHIP, RUNGS

ALONE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "temp_directory": "",
}
"""No extensions, and no folder to spill into: DuckDB's own would be below the working folder, and open to queries."""
LOCKS = ("python_enable_replacements = false", "enable_external_access = false", "lock_configuration = true")

SOURCES = {
    "trials": ("membership", "conditions", "trials", "evaluations"),
    "evaluations": ("membership", "conditions", "evaluations"),
    "epochs": ("membership", "epochs"),
    "attempts": ("attempts",),
    "predictions": ("conditions", "predictions"),
    "near_duplicates": ("membership", "conditions", "near_duplicates"),
    "attacks": ("membership", "conditions", "evaluations", "attacks"),
    "noise_stability": ("membership", "conditions", "stability"),
    "stability_pairs": ("membership", "conditions", "stability_pairs"),
    "noise_images": ("membership", "conditions", "noise_stability"),
    "bands": ("membership", "conditions", "trials", "evaluations", "pruned"),
    "practical": ("membership", "conditions", "trials", "evaluations"),
    "ce": ("membership", "conditions", "trials", "evaluations"),
    "mce": ("membership", "conditions", "trials", "evaluations"),
    "flip_rates": ("membership", "conditions", "trials", "flips"),
    "mfr": ("membership", "conditions", "trials", "evaluations", "flips"),
    "pareto": ("membership", "points"),
    "rungs": ("membership", "rungs", "pruned"),
    "all_trials": ("all_trials",),
}
"""View → the tables of the schema `stored` that it is made from."""

BARE_WORD = re.compile(r"\s*\w+\s*;?\s*")

Stored = Mapping[str, pa.Table]
"""Table of the schema `stored` → its rows."""


@dataclass(frozen=True)
class Tables:
    """A study's tables and views, read from the store when a query first needs them."""

    store: Store
    launch: Launch | None
    """The study's newest; None for a store without one in mind, where only `all_trials` has rows."""
    only: frozenset[str] | None = None
    """The trials to read results of; all of the study's if None."""
    _read: dict[str, pa.Table] = field(default_factory=dict, compare=False, repr=False)
    _filled: set[str] = field(default_factory=set, compare=False, repr=False)
    """Tables that the database has."""

    def sql(self, text: str) -> pa.Table:
        """The rows of one SELECT; a bare word is FROM it. Raises QueryError, or CorruptObjectError naming a file."""
        text = f"FROM {text}" if BARE_WORD.fullmatch(text) else text
        with self._database.cursor() as database:
            for name in {table for view in tables_of(text, database, VIEWS) for table in SOURCES[view]} - self._filled:
                _hand(database, name, self._stored(name))
                self._filled.add(name)
            try:
                return _distinct(database.sql(text).to_arrow_table())
            except duckdb.Error as error:
                raise QueryError(short(error)) from None

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        return _database()

    def _stored(self, name: str) -> pa.Table:
        if name not in self._read:
            self._read[name] = self._load(name)
        return self._read[name]

    def _load(self, name: str) -> pa.Table:
        if name == "all_trials":
            return packed(self.store.read("trials"))
        if self.launch is None:
            return _empty()[name]
        if name == "conditions":
            return self.launch.conditions
        if name == "membership":
            return packed(_membership(self.launch.membership))
        if name == "rungs":
            return self.store.rungs(self.launch.study)
        if name == "pruned":
            return pruned_table(self.launch.pruned)
        if name == "points":
            return points(self.launch.plan, self._stored("evaluations"))
        if name == "stability":
            return shares(self._stored("noise_stability"))
        if name == "stability_pairs":
            return pairs(self._stored("noise_stability"), (one.trial_id for one in self.launch.plan.baseline))
        of_study = frozenset(self.launch.membership["trial_id"].to_pylist())
        if name != "attempts":  # what another study made of a trial that this one gave up is no result of this one
            of_study -= self.launch.pruned.keys()
        rows = self.store.read(name, of_study if self.only is None else self.only & of_study)
        return packed_terms(rows) if name == "epochs" else rows


def open_tables(store: Store, study: str | None) -> Tables:
    """The tables of a study in the store; of the store alone if `study` is None. Raises QueryError."""
    launch = None if study is None else store.newest_launch(study)
    if study is not None and launch is None:
        raise QueryError(
            f"no study is called {study!r} in the store {store.location}; {_meant(study, store.studies())}"
        )
    return Tables(store, launch)


def _meant(study: str, there: Sequence[str]) -> str:
    near = difflib.get_close_matches(study, there, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there: {', '.join(there) or 'none'}"


@cache
def describe(view: str) -> tuple[ViewColumn, ...]:
    """The columns of a view; raises QueryError for one that does not exist."""
    if view not in VIEWS:
        raise QueryError(f"no view is called {view!r}; there are {', '.join(VIEWS)}")
    with _database() as database:
        rows = database.execute(f"DESCRIBE {view}").fetchall()
    return tuple(column(view, name, kind) for name, kind, *_ in rows)


def _membership(planned: pa.Table) -> pa.Table:
    """The plan's rows, each trial once a label, with its hyperparameters as text."""
    rows = planned.append_column("hyperparameters", described(planned)).drop_columns(["recipe", "identity"])
    pairs = list(zip(rows["label"].to_pylist(), rows["trial_id"].to_pylist(), strict=True))
    first = {pair: position for position, pair in reversed(list(enumerate(pairs)))}
    return rows.take(pa.array(sorted(first.values()), pa.int64()))


def _distinct(rows: pa.Table) -> pa.Table:
    """A name that several columns have is numbered, `clean`, `clean_2`, so that none hides another."""
    names: list[str] = []
    for name in rows.column_names:
        number = 2
        fresh = name
        while fresh in names:
            fresh, number = f"{name}_{number}", number + 1
        names.append(fresh)
    return rows.rename_columns(names)


@cache
def _empty() -> Stored:
    """Every table without rows, so that every view exists before anything is read."""
    stored = {name: table.schema.empty_table() for name, table in RESULTS.items()}
    return {
        **stored,
        "epochs": packed_terms(stored["epochs"]),
        "all_trials": packed(stored["trials"]),
        "conditions": CONDITIONS.schema.empty_table(),
        "membership": packed(_membership(MEMBERSHIP.schema.empty_table())),
        "rungs": RUNGS.schema.empty_table(),
        "pruned": pruned_table({}),
        "points": points(None, stored["evaluations"]),
        "stability": shares(stored["noise_stability"]),
        "stability_pairs": pairs(stored["noise_stability"], ()),
    }


def _database() -> duckdb.DuckDBPyConnection:
    """A database of all tables, without rows, and the views over them, locked."""
    database = duckdb.connect(":memory:", config=ALONE)
    database.execute("CREATE SCHEMA stored")
    for name, rows in {**_empty(), **benchmark_tables()}.items():
        _hand(database, name, rows)
    database.execute(files("study.query").joinpath("views.sql").read_text("utf-8"))
    for lock in LOCKS:
        database.execute(f"SET {lock}")
    return database


def _hand(database: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """Make a table of the schema `stored`, or put another in its place."""
    database.register("handed", rows)
    database.execute(f"CREATE OR REPLACE TABLE stored.{name} AS FROM handed")
    database.unregister("handed")
