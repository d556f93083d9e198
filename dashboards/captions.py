"""The line below a drawing that says what it is of, so that a figure cut out of its page still does.

`Trained on gaussian noise · ST 6 trials, DA 4 · 1,500 test images · best and worst picked on these test images`

Parts that hang on a choice are there once for each; the page's script (assets/captions.js) writes the one that holds.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from dashboards.drawing import Drawing, escaped, note
from dashboards.ends import CHARACTER
from dashboards.picks import By
from dashboards.spread import LINE
from dashboards.wording import count, spoken

Shown = Mapping[str, str]
"""What is chosen: `{"pick": "test", "band": "all"}`."""
AT_FIRST: Shown = {"pick": "test", "band": "all"}
Alternatives = Sequence[Mapping[str, object]]
"""`{"when": {"pick": "test"}, "text": "…"}`: the first that agrees with what is chosen."""
Part = str | Alternatives
BETWEEN = " · "
TIED = "\u00a0"
"""A space at which no line ends."""
USUAL_WIDTH = 700
"""Pixels of a figure in a notebook, unless it is told otherwise."""


def trained_on(train_distortion: str) -> str:
    return f"Trained on {spoken(train_distortion)}"


def numbers(groups: Iterable[tuple[str, int, int]], noun: str = "trial") -> str:
    """(name, trials, of them diverged) → `ST 6 trials (1 diverged), DA 4`"""
    told: list[str] = []
    for name, number, diverged in groups:
        shown = str(number) if told else count(number, noun)
        told.append(f"{name} {shown}{f' ({diverged} diverged)' if diverged else ''}")
    return ", ".join(told)


def picked_on(bases: Mapping[By, str], under: str = "", of: str = "", **when: str) -> Alternatives:
    """How best and worst, of what, were picked, by each way; nothing where there are none."""
    return [
        {"when": {**when, "pick": by}, "text": f"best and worst{of}{under} picked on {_these(basis, under)}"}
        for by, basis in bases.items()
        if basis
    ]


def _these(basis: str, under: str) -> str:
    """The test images are those of the figure, unless it is about others."""
    return f"these {basis}" if basis == "test images" and not under else basis


def written(parts: Iterable[Part], shown: Shown) -> str:
    return BETWEEN.join(text for part in parts if (text := _chosen(part, shown))).replace(" = ", f"{TIED}={TIED}")


def _chosen(part: Part, shown: Shown) -> str:
    if isinstance(part, str):
        return part
    return next((str(one["text"]) for one in part if _agrees(one["when"], shown)), "")


def _agrees(when: object, shown: Shown) -> bool:
    return isinstance(when, Mapping) and all(shown.get(name) == value for name, value in when.items())


def captioned(made: Drawing, parts: Sequence[Part], shown: Shown = AT_FIRST) -> Drawing:
    """`made`, a few lines higher for its caption."""
    layout = made["layout"]
    width = (layout.get("meta") or {}).get("width", USUAL_WIDTH)
    rows = textwrap.wrap(written(parts, shown), max(1, int((width - 12) / CHARACTER)))
    bottom = layout["margin"]["b"]
    layout["margin"] = {**layout["margin"], "b": bottom + LINE * len(rows)}
    layout["height"] += LINE * len(rows)
    line = note(
        "<br>".join(map(escaped, rows)), name="caption", xref="paper", yref="paper", x=0, y=0, xanchor="left",
        yanchor="top", align="left", xshift=6 - layout["margin"]["l"], yshift=6 - bottom,
    )  # fmt: skip
    layout["annotations"] = [*layout.get("annotations", ()), line]
    layout["meta"] = {**(layout.get("meta") or {}), "caption": {"parts": list(parts), "rows": len(rows)}}
    return made
