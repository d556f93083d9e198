"""The terminal: how wide it is, which characters it has, whether it can be redrawn; and text laid out to fit it."""

import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

DRAWN_FOR = 108
"""Columns of the screens as designed; prose is never set wider."""

SPELLED_OUT = {
    "α": "alpha", "β": "beta", "ε": "epsilon", "λ": "lambda", "μ": "mu", "ρ": "rho", "σ": "sigma",
    "×": "x", "±": "+-", "·": "|", "…": "...", "●": "*", "→": "->", "≥": ">=", "≤": "<=", "≠": "!=", "∞": "inf",
    "–": "-", "—": "-", "−": "-", "’": "'", "“": '"', "”": '"', "§": "section ", "é": "e", "ü": "ue",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """Where text goes."""

    console: Console
    width: int | None
    """Columns; None for a file or a pipe, where nothing is cut."""
    unicode: bool

    @property
    def live(self) -> bool:
        """Whether the screen can be redrawn."""
        return self.width is not None and not self.console.is_dumb_terminal

    def text(self, text: str) -> str:
        """`text` in the characters this terminal has."""
        return text if self.unicode else spelled_out(text)

    def print(self, text: str | Text = "") -> None:
        """One line or several, neither wrapped nor cut."""
        styled = Text(self.text(text)) if isinstance(text, str) else text
        self.console.print(styled, soft_wrap=True, highlight=False)

    def wrap(self, text: str, indent: int = 0, hang: int = 0) -> list[str]:
        """`text` as lines; whole where nothing is cut."""
        return wrapped(self.text(text), self.width, indent, hang)


class PlainConsole(Console):
    """Rich's console, but that a reader who has gone is the command line's business."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def terminal(error: bool = False) -> Terminal:
    """The terminal this process writes to."""
    stream = sys.stderr if error else sys.stdout
    console = PlainConsole(file=stream, highlight=False, emoji=False, markup=False)
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "").replace("_", "")
    width = console.width if console.is_terminal else None
    return Terminal(console=console, width=width, unicode=encoding.startswith("utf"))


def spelled_out(text: str) -> str:
    """`text` in ASCII."""
    for sign, ascii_text in SPELLED_OUT.items():
        text = text.replace(sign, ascii_text)
    return text.encode("ascii", "replace").decode()


def wrapped(text: str, width: int | None, indent: int = 0, hang: int = 0) -> list[str]:
    """`text` in lines of at most `width`, the first indented by `indent`, the others by `hang`."""
    if width is None:
        return [" " * indent + text]
    return textwrap.wrap(
        text, min(width, DRAWN_FOR), initial_indent=" " * indent, subsequent_indent=" " * hang,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    title: str
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True, kw_only=True)
class Laid:
    """A table laid out."""

    header: str
    lines: tuple[str, ...]
    hidden: tuple[str, ...]
    """Titles of the right-hand columns that the width has no room for."""


def lay_out(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int | None, indent: int = 2, gap: int = 2
) -> Laid:
    """A table whose right-hand columns go first where the width is short; no cell is ever cut."""
    cells = [tuple(row) for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*[[c.title for c in columns], *cells], strict=True)]
    shown = fitting(widths, width, indent, gap)
    kept, kept_widths = columns[:shown], widths[:shown]
    return Laid(
        header=_line([column.title for column in kept], kept, kept_widths, indent, gap),
        lines=tuple(_line(row[:shown], kept, kept_widths, indent, gap) for row in cells),
        hidden=tuple(column.title for column in columns[shown:]),
    )


def fitting(widths: Sequence[int], width: int | None, indent: int, gap: int) -> int:
    """How many columns from the left fit into `width`; at least one."""
    if width is None:
        return len(widths)
    fits = [sum(widths[:n]) + indent + gap * (n - 1) <= width for n in range(1, len(widths) + 1)]
    return max(1, sum(fits))


def _line(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int], indent: int, gap: int) -> str:
    padded = (_padded(cell, column, width) for cell, column, width in zip(row, columns, widths, strict=True))
    return (" " * indent + (" " * gap).join(padded)).rstrip()


def _padded(cell: str, column: Column, width: int) -> str:
    space = " " * (width - cell_len(cell))
    return space + cell if column.align == "right" else cell + space


def facts(pairs: Iterable[tuple[str, str]], terminal: Terminal, indent: int = 2, hang: int = 16) -> list[str]:
    """`name  text` lines, the text wrapped beside its name."""
    return [
        line
        for name, text in pairs
        for line in terminal.wrap(f"{terminal.text(name):<{hang - indent}}{text}", indent, hang)
    ]


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 trial`, `3,060 epochs`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
