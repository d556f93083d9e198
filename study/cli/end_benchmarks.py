"""After a launch: what each label came to over the benchmarks, from the views."""

from collections.abc import Iterator, Mapping
from typing import Any

from study.cli.numbers import percent
from study.cli.terminal import Column, Terminal, lay_out
from study.plan import Plan
from study.query import open_tables
from study.store import Store

MEANS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "corruption": (("mce", "mCE"), ("mean_error", "mean error")),
    "perturbation": (("mfr", "mFR"), ("mean_flip_probability", "mean flip probability")),
}
"""Family → (column of the view of its means, what it is called), the ratio first."""
QUERIES = {"corruption": "FROM mce", "perturbation": "FROM mfr WHERE difficulty = 1"}
EXPLAINED = (
    "Means over each benchmark in %, lower is better; mCE and mFR are ratios to the normaliser's.  Of several trials "
    "the lowest and the highest."
)


def print_benchmarks(store: Store, plan: Plan, terminal: Terminal) -> None:
    """A line each benchmark and label; nothing where the plan has no benchmark or none is evaluated."""
    rows = list(_rows(store, plan))
    if not rows:
        return
    columns = (
        Column("tested on"), Column("method"), Column("trials", "right"), Column("mean of"), Column("lowest", "right"),
        Column("highest", "right"), Column("over"),
    )  # fmt: skip
    laid = lay_out(columns, [[terminal.text(cell) for cell in row] for row in rows], terminal.width)
    terminal.print()
    terminal.print("\n".join(terminal.wrap(EXPLAINED)))
    terminal.print()
    for line in (laid.header, *laid.lines):
        terminal.print(line)


def _rows(store: Store, plan: Plan) -> Iterator[list[str]]:
    if not plan.benchmarks:
        return
    tables = open_tables(store, plan.study)
    for family in dict.fromkeys(benchmark.family for benchmark in plan.benchmarks):
        previous = ""
        for (benchmark, label, over), means in _grouped(tables.sql(QUERIES[family]).to_pylist(), f"{family}s").items():
            name, values = _measured(means, MEANS[family])
            highest = percent(max(values)) if len(values) > 1 else ""
            yield [
                "" if benchmark == previous else benchmark, label, str(len(means)), name, percent(min(values)), highest,
                over,
            ]  # fmt: skip
            previous = benchmark


def _measured(means: list[dict[str, Any]], columns: tuple[tuple[str, str], ...]) -> tuple[str, list[float]]:
    """The ratio where all trials have it, else what is always there."""
    column, name = next((one for one in columns if all(row[one[0]] is not None for row in means)), columns[-1])
    return name, [row[column] for row in means]


def _grouped(means: list[dict[str, Any]], over: str) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in means:
        found.setdefault((row["benchmark"], row["label"], row[over]), []).append(row)
    return found
