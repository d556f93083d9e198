"""What a page is made of: slots that show one of several variants, choices that decide which, tables of their numbers.

A page is one module in `dashboards/pages` with an `ORDER` and a function `page(results) -> Page | None`; None where the
study has nothing for it. The page's script needs to know of none of them: it shows, in each slot, the variant whose
`when` agrees with what is chosen, and of its traces those whose `meta` does (see dashboards/drawing.py).
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dashboards.drawing import Drawing

NUMBER = re.compile(r"[−+]?[\d,.]+( ± [\d.]+)?( (s|min|h))?")

Kind = Literal["text", "rate", "width", "points", "number", "trial"]
"""How a column reads: rates, widths and (signed) points are shares of 1, shown times 100; a trial can be followed."""


@dataclass(frozen=True)
class Column:
    """One column of a table of numbers."""

    name: str
    """In a CSV file."""
    title: str
    """On the page; empty for what only the file has."""
    kind: Kind = "text"


@dataclass(frozen=True, kw_only=True)
class Table:
    """The numbers behind a figure."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]

    def to_json(self) -> dict[str, Any]:
        return {"columns": [[one.name, one.title, one.kind] for one in self.columns], "rows": self.rows}


@dataclass(frozen=True, kw_only=True)
class Family:
    """One method in a figure's legend."""

    name: str
    label: str
    colour: str
    symbol: str
    note: str
    """`6 trials, 1 of 6 diverged`"""
    has_band: bool


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One thing that a slot can show."""

    when: Mapping[str, str]
    drawing: Drawing | None = None
    """None where nothing can be drawn; `missing` then says why."""
    picture: Drawing | None = None
    """Drawn for the download alone, where the page has a table in its place."""
    missing: str = ""
    text: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By way of picking, or "" for any: sentences above the figure."""
    alt: str = ""
    table: Table | None = None
    families: tuple[Family, ...] = ()
    filled: tuple[str, ...] = ()
    """Names of the bands that are filled when the page opens."""

    def to_json(self) -> dict[str, Any]:
        return {
            "when": dict(self.when),
            "drawing": self.drawing,
            "picture": self.picture,
            "missing": self.missing,
            "text": {key: list(lines) for key, lines in self.text.items()},
            "alt": self.alt,
            "table": None if self.table is None else self.table.to_json(),
            "families": [vars(one) for one in self.families],
            "filled": self.filled,
        }


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A place on a page."""

    name: str
    title: str
    variants: tuple[Variant, ...]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One question that the reader answers; the answer stands in the address as `name=value`."""

    name: str
    title: str
    options: tuple[tuple[str, str], ...]
    """(value, text)"""
    default: str
    groups: Mapping[str, str] = field(default_factory=dict)
    """Value → the heading it stands under."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One section of the dashboard."""

    name: str
    """In the address: `#bands`."""
    nav: str
    """In the list of pages."""
    body: str
    """HTML; names from a study are escaped in it."""
    choices: tuple[Choice, ...] = ()
    slots: tuple[Slot, ...] = ()


def slot_html(slot: Slot, *, open_table: bool = False, classes: str = "") -> str:
    """The place, empty: the script fills it."""
    title = html.escape(slot.title)
    state, summary = (" open", "All of them") if open_table else ("", "The numbers")
    return f"""<figure class="slot {classes}" data-slot="{html.escape(slot.name)}" aria-label="{title}">
  <div class="answer" data-part="text" aria-live="polite"></div>
  <p class="missing" data-part="missing" hidden></p>
  <div class="plot" data-part="plot" role="img" aria-label="{title}"></div>
  <div class="legend" data-part="legend"></div>
  <div class="tools" data-part="tools"></div>
  <details{state}><summary>{summary}</summary><div class="table-box" data-part="table" tabindex="0"></div></details>
</figure>"""


def choice_html(choice: Choice) -> str:
    """The browser's own select."""
    groups: dict[str, list[str]] = {}
    for value, text in choice.options:
        chosen = " selected" if value == choice.default else ""
        option = f'<option value="{html.escape(value)}"{chosen}>{html.escape(text)}</option>'
        groups.setdefault(choice.groups.get(value, ""), []).append(option)
    options = "".join(
        f'<optgroup label="{html.escape(heading)}">{"".join(found)}</optgroup>' if heading else "".join(found)
        for heading, found in groups.items()
    )
    name = html.escape(choice.name)
    select = f'<select data-choice="{name}">{options}</select>'
    return f'<label class="choice"><span>{html.escape(choice.title)}</span> {select}</label>'


def choices_html(choices: Sequence[Choice]) -> str:
    return f'<div class="choices">{"".join(map(choice_html, choices))}</div>' if choices else ""


def paragraph(text: str, classes: str = "") -> str:
    """Escaped."""
    return f'<p class="{classes}">{html.escape(text)}</p>' if text else ""


def rows_html(head: Sequence[str], rows: Sequence[Sequence[str]], classes: str = "", caption: str = "") -> str:
    """A table of texts, escaped; the first column heads its row."""
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in head]
    heads = "".join(
        f'<th scope="col"{_side(max(column, key=len, default=""))}>{html.escape(one)}</th>'
        for one, column in zip(head, columns, strict=True)
    )
    lines = "".join(f'<tr><th scope="row">{html.escape(row[0])}</th>{_cells(row[1:])}</tr>' for row in rows)
    told = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="table-box" tabindex="0"><table class="{classes}">{told}<thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _cells(texts: Sequence[str]) -> str:
    return "".join(f"<td{_side(one)}>{html.escape(one)}</td>" for one in texts)


def _side(text: str) -> str:
    """Numbers, and numbers with an error or a unit, to the right."""
    return ' class="right"' if NUMBER.fullmatch(text) else ""
