"""What all figures share: plain data in Plotly's own form, axes, and the words that the page's script goes by.

A drawing is `{"data": traces, "layout": layout}`. `meta` of a trace says what it is, so that the page can show and hide
it; nothing is drawn a second time in the browser:

    label      the method it belongs to
    show       when it shows, by choice: {"band": "all"}, {"pick": "test"}; what it does not name, any
    fill       whether it is the fill of a band, which the reader turns on and off by label
    follow     the trial that it is the curve of: hidden until that trial is followed
    trials     a trial id for each of its points
    relative   "x" or "y": the axis to be read as points above the baseline, when that is asked for
    end        its name, where it ends; `right`: where that stands on the x axis, if not at its last point

`meta` of a layout may hold `baseline` (one value, or one a position: what to subtract), `reading` (the axis that this
changes, its title and range), `width` (at most), `least` (pixels of width: on a narrower screen the figure is moved
sideways), `tall` (that it keeps its height there), `arrangements` (changes of layout by how many panels fit side by
side) and `caption` (dashboards/captions.py).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dashboards.palette import INK, MUTED, PAPER, RULE

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Drawing = dict[str, Any]
Trace = dict[str, Any]
Axis = dict[str, Any]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"
SIZE = 13
SMALL = 12


def drawing(traces: Sequence[Trace], *, height: int, margin: Mapping[str, int], **layout: Any) -> Drawing:
    """Traces on the house's plain ground."""
    return {
        "data": list(traces),
        "layout": {
            "height": height,
            "margin": {"l": 60, "r": 20, "t": 30, "b": 60, **margin},
            "font": {"family": FONT, "size": SIZE, "color": INK},
            "paper_bgcolor": PAPER,
            "plot_bgcolor": PAPER,
            "showlegend": False,
            "hovermode": "closest",
            "hoverdistance": 12,
            "hoverlabel": {
                "bgcolor": PAPER,
                "bordercolor": MUTED,
                "font": {"family": FONT, "color": INK},
                "align": "left",
            },
            "dragmode": False,
            **layout,
        },
    }


def axis(title: str = "", **more: Any) -> Axis:
    """An axis with a title, thin rules and no zero line."""
    return {
        "title": {"text": title, "font": {"size": SIZE, "color": MUTED}},
        "gridcolor": RULE,
        "linecolor": RULE,
        "zeroline": False,
        "tickfont": {"color": MUTED, "size": SMALL},
        "fixedrange": True,
        **more,
    }


def change(layout: Drawing, path: Sequence[str], value: object) -> None:
    """Puts the value at the end of the path."""
    for name in path[:-1]:
        layout = layout[name]
    layout[path[-1]] = value


def note(text: str, **place: Any) -> dict[str, Any]:
    """An annotation without an arrow."""
    return {"text": text, "showarrow": False, "font": {"size": SMALL, "color": MUTED}, **place}


def rounded(accuracy: float | None) -> float | None:
    """A rate in [0, 1] as a percentage, to a thousandth."""
    return None if accuracy is None else round(100 * accuracy, 3)


def escaped(text: str) -> str:
    """`text` as Plotly's labels take it, which read a few HTML tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_figure(made: Drawing) -> "Figure":
    """The drawing as a Plotly figure, checked by Plotly; for notebooks."""
    from plotly.graph_objects import Figure

    return Figure(made)
