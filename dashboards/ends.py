"""Names at the right ends of curves, in the paper's grammar: `best DA 20 epochs; p = 0.5 (σ 0.22)`."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.drawing import SMALL, Trace, escaped
from dashboards.palette import INK
from dashboards.spread import needed, spread
from dashboards.wording import fitted

CHARACTER, ROOM, ARROW = 6.7, (110, 270), 46
"""Pixels: of a character, of the room right of the plot, at least and at most, and of it what the arrow takes."""
LONGEST = 33
"""Characters that fit in."""


def end_text(name: str) -> str:
    """On two lines: what it is, and with which hyperparameters; each as far as there is room."""
    return end_lines(*name.rsplit("; ", 1))


def end_lines(*lines: str) -> str:
    """Those that say something, each as far as there is room."""
    return "<br>".join(escaped(*fitted(line, LONGEST)) for line in lines if line)


def characters(text: str) -> int:
    """Those of the longest line of an annotation."""
    return max(len(html.unescape(line)) for line in text.split("<br>"))


def ends(traces: Sequence[Trace], y_range: Sequence[float], plot: float) -> list[dict[str, Any]]:
    """An annotation `end:` and its trace's number for each trace that has an `end` in its meta.

    Those of visible traces do not overlap in a plot of `plot` pixels' height, or in panels of that height each.
    """
    named = [(number, trace) for number, trace in enumerate(traces) if "end" in trace["meta"] and _last(trace)]
    panels = dict.fromkeys(trace.get("yaxis", "y") for _, trace in named)
    return [
        end
        for panel in panels
        for end in _apart([one for one in named if one[1].get("yaxis", "y") == panel], y_range, plot)
    ]


def _apart(named: Sequence[tuple[int, Trace]], y_range: Sequence[float], plot: float) -> list[dict[str, Any]]:
    low, high = y_range
    shown = [(number, trace) for number, trace in named if trace["visible"]]
    lines = [trace["meta"]["end"].count("<br>") + 1 for _, trace in shown]
    short = needed(lines) > plot
    lines = [1] * len(shown) if short else lines
    tops = [(high - _last(trace)[1]) * plot / (high - low) for _, trace in shown]
    shifts = dict(zip((number for number, _ in shown), spread(tops, lines, plot), strict=True))
    return [_end(number, trace, shifts.get(number, 0.0), short) for number, trace in named]


def room(named: Sequence[Mapping[str, Any]]) -> int:
    """Pixels right of the plot for the longest name that shows."""
    shown = [end["text"] for end in named if end["visible"]]
    longest = max(map(characters, shown), default=0)
    return round(min(ROOM[1], max(ROOM[0], ARROW + CHARACTER * longest)))


def _last(trace: Trace) -> Any:
    """(x, y) of the last point that is there; nothing if there is none."""
    return next(((x, y) for x, y in reversed(list(zip(trace["x"], trace["y"], strict=True))) if y is not None), ())


def _end(number: int, trace: Trace, shift: float, short: bool) -> dict[str, Any]:
    """On one line, without hyperparameters, where there are too many for two."""
    text = trace["meta"]["end"].partition("<br>")[0] if short else trace["meta"]["end"]
    x, y = _last(trace)
    x = trace["meta"].get("right", x)
    return {
        "name": f"end:{number}", "text": text, "hovertext": escaped(trace["name"]), "visible": trace["visible"],
        "xref": trace.get("xaxis", "x"), "x": x, "yref": trace.get("yaxis", "y"), "y": y, "xanchor": "left",
        "align": "left", "showarrow": True, "arrowhead": 0,
        "arrowwidth": 1, "arrowcolor": trace["line"]["color"], "ax": 22, "ay": round(shift, 1), "standoff": 6,
        "font": {"size": SMALL, "color": INK},
    }  # fmt: skip
