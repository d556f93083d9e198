"""What a benchmark says: a figure, its peer's in the same run, and their ratio."""

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the benchmark table."""

    what: str
    ours: float
    unit: str
    peer: float | None = None
    """The same work by other means, measured in the same run."""
    peer_name: str = ""
    bound: float | None = None
    """What `ours` may be at most."""


def show(figures: list[Figure], where: str) -> None:
    table = Table(title=f"Benchmarks on {where}", title_justify="left")
    for title in ("what", "measured", "at most", "peer", "measured/peer"):
        table.add_column(title, justify="left" if title in ("what", "peer") else "right")
    for figure in figures:
        table.add_row(
            figure.what,
            f"{figure.ours:,.1f} {figure.unit}",
            "" if figure.bound is None else f"{figure.bound:,.0f} {figure.unit}",
            "" if figure.peer is None else f"{figure.peer_name}: {figure.peer:,.1f} {figure.unit}",
            "" if figure.peer is None else f"{figure.ours / figure.peer:.2f}",
        )
    Console(width=130).print(table)
