"""A study's figures side by side, a panel each: what a figure shows as it opens, with one y axis."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dashboards.captions import AT_FIRST, Part, Shown, captioned, picked_on
from dashboards.drawing import SIZE, Axis, Drawing, Trace, axis, change, drawing, escaped, note, rounded
from dashboards.ends import ARROW, CHARACTER, characters, ends
from dashboards.figures.bands import BandsInfo
from dashboards.figures.draw_bands import band_traces, bands_over, level_line, marked, picked_of, y_range
from dashboards.levels import ticked
from dashboards.palette import INK, Look
from dashboards.wording import axis_title, count, spoken

PANEL, GAP, TOP, BOTTOM = 300, 118, 62, 54
"""Pixels of a panel, between two rows of them, above and below."""
LEFT, ARROW_LENGTH = 46, 14
"""Pixels left of each panel, for its ticks; of the lines to the names on its right."""
LEAST = 400
"""Pixels across a panel with its names, at least."""
ACROSS = (1, 2, 3)
"""Numbers of panels side by side that are arranged for."""
TICK_GAP = 0.15
"""Of a panel's width: what two tick labels need between them."""


def draw_panels(named: Sequence[tuple[str, BandsInfo]], looks: Mapping[str, Look], shown: Shown = AT_FIRST) -> Drawing:
    """(name, figure) → panels; `arrangements` of the layout put them in fewer columns where there is less room."""
    infos = [info for _, info in named]
    bounds = _bounds(infos)
    traces = [trace for number, info in enumerate(infos) for trace in _traces(info, looks, shown, number)]
    names = ends(traces, bounds, PANEL)
    axes: dict[str, Axis] = {}
    for number, info in enumerate(infos):
        suffix = _suffix(number)
        axes[f"xaxis{suffix}"] = _x_axis(info, suffix)
        axes[f"yaxis{suffix}"] = axis(range=bounds, anchor=f"x{suffix}", dtick=10, ticksuffix=" ")
        axes[f"yaxis{suffix}"]["title"]["standoff"] = 4
    made = drawing(traces, height=0, margin={"l": 12, "r": 4, "t": TOP, "b": BOTTOM}, **axes)
    layout = made["layout"]
    layout["annotations"] = [*_titles(named), *(end | {"ax": ARROW_LENGTH} for end in names)]
    layout["shapes"] = [line for number, info in enumerate(infos) for line in _lines(info, _suffix(number))]
    room = _room(names)
    arrangements = {str(across): _arranged(infos, across, room) for across in ACROSS}
    layout["meta"] = {"arrangements": arrangements, "panel": LEAST, "baseline": [], "reading": _reading(infos)}
    for path, value in arrangements[str(min(ACROSS[-1], len(named)))].items():
        change(layout, path.split("."), value)
    return captioned(made, _caption(infos), shown)


def _suffix(number: int) -> str:
    return "" if number == 0 else str(number + 1)


def _bounds(infos: Sequence[BandsInfo]) -> list[float]:
    """One y axis for all."""
    return [min(y_range(info)[0] for info in infos), max(y_range(info)[1] for info in infos)]


def _traces(info: BandsInfo, looks: Mapping[str, Look], shown: Shown, number: int) -> Iterator[Trace]:
    """All but what waits to be followed; the names are of the curves that the figure is about."""
    asides = {band.name for band in info.bands if band.aside}
    baseline = [rounded(one) for one in info.baseline]
    for trace in band_traces(info, looks, shown, terse=True):
        meta = {
            name: value for name, value in trace["meta"].items() if name != "end" or trace["meta"]["name"] not in asides
        }
        if "follow" not in meta:
            small = {"marker": {**trace["marker"], "size": 6}} if "marker" in trace else {}
            placed = {"xaxis": f"x{_suffix(number)}", "yaxis": f"y{_suffix(number)}"}
            yield {**trace, **small, **placed, "meta": {**meta, "baseline": baseline}}


def _x_axis(info: BandsInfo, suffix: str) -> Axis:
    made = axis(
        axis_title(info.sweep), anchor=f"y{suffix}", range=[-0.045, 1.045], tickvals=info.axis.positions,
        ticktext=ticked(info.axis, TICK_GAP), tickangle=0, showgrid=False, showline=True, ticks="outside",
    )  # fmt: skip
    made["title"]["standoff"] = 8
    return {**made, "tickcolor": made["gridcolor"]}


def _lines(info: BandsInfo, suffix: str) -> Iterator[dict[str, Any]]:
    for level in marked(info):
        yield level_line(info, level) | {"xref": f"x{suffix}", "yref": f"y{suffix} domain"}


def _titles(named: Sequence[tuple[str, BandsInfo]]) -> Iterator[dict[str, Any]]:
    """Which figure, what its models were trained on, and what those drawn beside were."""
    for number, (name, info) in enumerate(named):
        suffix = _suffix(number)
        lines = [f"<b>{escaped(name)}</b>  trained on {escaped(spoken(info.train_distortion))}"]
        beside = dict.fromkeys(spoken(band.train_distortion) for band in info.bands if band.aside and band.evaluated)
        lines += [f"dotted: trained on {escaped(' or '.join(beside))}"] if beside else []
        yield note(
            "<br>".join(lines), xref=f"x{suffix} domain", yref=f"y{suffix} domain", x=0, y=1, xanchor="left",
            yanchor="bottom", yshift=6, align="left", font={"size": SIZE, "color": INK},
        )  # fmt: skip


def _room(names: Sequence[Mapping[str, Any]]) -> float:
    """Pixels right of each panel for the longest name that shows."""
    longest = max((characters(end["text"]) for end in names if end["visible"]), default=0)
    return ARROW - 22 + ARROW_LENGTH + CHARACTER * longest


def _arranged(infos: Sequence[BandsInfo], across: int, room: float) -> dict[str, object]:
    """Changes of layout that put the panels in rows of `across`, the first of each row with the y axis's title."""
    rows = max(1, math.ceil(len(infos) / across))
    inside = rows * PANEL + (rows - 1) * GAP
    changes: dict[str, object] = {"height": TOP + BOTTOM + inside}
    for place in range(len(infos)):
        row, column = divmod(place, across)
        top = 1 - row * (PANEL + GAP) / inside
        left, right = column / across + LEFT / LEAST / across, (column + 1) / across - room / LEAST / across
        changes[f"xaxis{_suffix(place)}.domain"] = [round(left, 4), round(right, 4)]
        changes[f"yaxis{_suffix(place)}.domain"] = [max(0.0, top - PANEL / inside), top]
        changes[f"yaxis{_suffix(place)}.title.text"] = "" if column else f"{infos[place].measure}, %"
    return changes


def _reading(infos: Sequence[BandsInfo]) -> dict[str, Any]:
    low, high = infos[0].above or (0.0, 0.0)
    return {"axis": "yaxis", "title": "points above the baseline", "range": [100 * low - 2, 100 * high + 2]}


def _caption(infos: Sequence[BandsInfo]) -> list[Part]:
    """What holds for all of them."""
    split = next((info for info in infos if info.split), infos[0])
    bases = next((info.bases for info in infos if any(info.bases.values())), {})
    picked = any(level != info.sweep.practical for info in infos for level in info.picked_at)
    dotted = ", dotted another at which best and worst are picked" if picked else ""
    return [
        count(max(info.n for info in infos), "test image"), *bands_over(infos),
        picked_on(bases, of=picked_of(split, levels=False)),
        f"best solid, worst dashed; upright, dashed: the practical level{dotted}",
    ]  # fmt: skip
