"""What each knob does, drawn."""

import math
from collections.abc import Iterator, Mapping, Sequence

from dashboards.captions import Part, captioned, numbers, trained_on
from dashboards.drawing import SMALL, Axis, Drawing, Trace, axis, change, drawing, escaped, note, rounded
from dashboards.ends import CHARACTER, ends
from dashboards.figures.knobs import KnobLine, KnobsInfo, Panel
from dashboards.palette import BASELINE, DIVERGED_SYMBOL, Look
from dashboards.wording import at_level, count, fitted, headed, percent, spoken
from study.report import figure

PANEL, GAP, TOP, BOTTOM = 205, 84, 44, 50
"""Pixels of a panel, between two rows of them, above and below."""
WIDE = 250
"""Pixels across a panel, at least."""
ACROSS = (1, 2, 3, 4)
"""Numbers of panels side by side that are arranged for."""
USUAL = 4
LONGEST = 24
"""Characters of a title's line, and of a line's name."""
MOST_NAMED = 10
"""Lines whose names fit in one above the other."""
FAINTEST, SHADES = 0.55, 5
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
ID_DIGITS = 8


def draw_knobs(info: KnobsInfo, looks: Mapping[str, Look]) -> Drawing:
    """Panels with one y axis; `arrangements` of the layout put them in fewer columns where there is less room."""
    traces: list[Trace] = []
    axes: dict[str, Axis] = {}
    for number, panel in enumerate(info.panels, start=1):
        suffix = "" if number == 1 else str(number)
        traces += _traces(info, panel, looks[panel.label], suffix)
        axes[f"xaxis{suffix}"] = _x_axis(panel, suffix)
        axes[f"yaxis{suffix}"] = axis(range=_y_range(info), anchor=f"x{suffix}", nticks=6)
        axes[f"yaxis{suffix}"]["title"]["standoff"] = 6
    usual = min(USUAL, max(len(info.panels), 1))
    arrangements = {str(across): _arranged(info, across) for across in ACROSS}
    made = drawing(traces, height=0, margin={"l": 58, "r": 10, "t": TOP, "b": BOTTOM}, **axes)
    layout = made["layout"]
    for trace in traces:
        trace["visible"] = True
    layout["annotations"] = [*_titles(info), *_line_names(info, traces)]
    layout["meta"] = {
        "arrangements": arrangements,
        "baseline": rounded(info.baseline),
        "reading": {"axis": "yaxis", "title": "points above the baseline", "range": _relative_range(info)},
    }
    for path, value in arrangements[str(usual)].items():
        change(layout, path.split("."), value)
    return captioned(made, _caption(info))


def _caption(info: KnobsInfo) -> list[Part]:
    where = f"{spoken(info.sweep.test_distortion)}, {at_level(info.sweep, info.sweep.practical)}"
    points = {panel.label: [point for line in panel.lines for point in line.points] for panel in info.panels}
    groups = ((label, len(found), sum(point.diverged for point in found)) for label, found in points.items())
    return [
        trained_on(info.train_distortion), f"tested on {where}", numbers(groups), count(info.n, "test image"),
    ]  # fmt: skip


def _arranged(info: KnobsInfo, across: int) -> dict[str, object]:
    """Changes of layout that put the panels in rows of `across`, the first of each row with the y axis's title."""
    panels = len(info.panels)
    rows = max(1, math.ceil(panels / across))
    height = TOP + BOTTOM + rows * PANEL + (rows - 1) * GAP
    inside = height - TOP - BOTTOM
    changes: dict[str, object] = {"height": height}
    for place in range(panels):
        suffix = "" if place == 0 else str(place + 1)
        row, column = divmod(place, across)
        wide = 1 / across
        space = 0.0 if across == 1 else 0.045
        top = 1 - row * (PANEL + GAP) / inside
        changes[f"xaxis{suffix}.domain"] = [
            column * wide + (space / 2 if column else 0),
            (column + 1) * wide - space / 2,
        ]
        changes[f"yaxis{suffix}.domain"] = [max(0.0, top - PANEL / inside), top]
        changes[f"yaxis{suffix}.title.text"] = "" if column else f"{info.measure}, %"
    return changes


def _x_axis(panel: Panel, suffix: str) -> Axis:
    trained = "" if panel.owner == "method" else " in training"
    unit = f", {panel.unit}" if panel.unit else ""
    scale = " (log)" if panel.log else ""
    made = axis(
        f"{escaped(panel.symbol)}{trained}{unit}{scale}", anchor=f"y{suffix}", type="log" if panel.log else "linear",
        tickvals=panel.values, ticktext=[figure(value) for value in panel.values], showgrid=False, showline=True,
        range=_x_range(panel),
    )  # fmt: skip
    made["title"]["standoff"] = 8
    if panel.scattered:
        decades = panel.log and panel.values[-1] >= 100 * panel.values[0]
        made |= {"tickvals": None, "ticktext": None}
        made |= {"tickmode": "linear", "dtick": 1} if decades else {"tickmode": "auto", "nticks": 5}
    elif len(panel.values) > 7:
        made |= {"tickvals": panel.values[::2], "ticktext": [figure(value) for value in panel.values[::2]]}
    return made


def _x_range(panel: Panel) -> list[float]:
    """With room on the right for the names of the lines; in logarithms on an axis of these."""
    low, high = (math.log10(edge) if panel.log else edge for edge in (panel.values[0], panel.values[-1]))
    longest = max((len(_name(line)) for line in panel.lines), default=0) if _named(panel) else 0
    names = min(0.5, (20 + CHARACTER * longest) / WIDE) if longest else 0.05
    start = low - 0.06 * (high - low)
    return [round(start, 5), round(start + (high - start) / (1 - names), 5)]


def _named(panel: Panel) -> bool:
    return not panel.scattered and len(panel.lines) <= MOST_NAMED


def _name(line: KnobLine) -> str:
    return fitted(line.others, LONGEST)[0]


def _line_names(info: KnobsInfo, traces: Sequence[Trace]) -> Iterator[dict[str, object]]:
    """At the lines' right ends, apart."""
    log = {f"x{number}".removesuffix("1") for number, panel in enumerate(info.panels, start=1) if panel.log}
    for end in ends(traces, _y_range(info), PANEL):
        yield end | {"x": math.log10(end["x"]) if end["xref"] in log else end["x"], "ax": 14}


def _y_range(info: KnobsInfo) -> list[float]:
    """One for all panels of the pair: what its trials span, the baseline in it."""
    found = [100 * point.accuracy for panel in info.panels for line in panel.lines for point in line.points]
    found += [] if info.baseline is None else [100 * info.baseline]
    low, high = (min(found), max(found)) if found else (0.0, 100.0)
    pad = max(1.0, 0.08 * (high - low))
    return [round(max(0.0, low - pad), 2), round(min(100.5, high + pad), 2)]


def _relative_range(info: KnobsInfo) -> list[float]:
    base = 100 * (info.baseline or 0.0)
    return [round(edge - base, 2) for edge in _y_range(info)]


def _titles(info: KnobsInfo) -> Iterator[dict[str, object]]:
    for number, panel in enumerate(info.panels, start=1):
        suffix = "" if number == 1 else str(number)
        label = "<br>".join(f"<b>{escaped(row)}</b>" for row in fitted(panel.label, LONGEST, lines=2))
        yield note(
            f"{label}: {escaped(panel.symbol)}", xref=f"x{suffix} domain", yref=f"y{suffix} domain", x=0, y=1,
            xanchor="left", yanchor="bottom", yshift=4, align="left", hovertext=escaped(panel.label),
        )  # fmt: skip


def _traces(info: KnobsInfo, panel: Panel, look: Look, suffix: str) -> Iterator[Trace]:
    axes = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
    if info.baseline is not None:
        name = info.baseline_label or ""
        yield {
            "type": "scatter", "mode": "lines+markers+text", "x": [panel.values[0], panel.values[-1]],
            "y": [rounded(info.baseline)] * 2, "line": {"color": BASELINE.colour, "width": 1, "dash": "dot"},
            "marker": {"size": 7, "opacity": 0}, "text": ["", escaped(*fitted(info.baseline_name, LONGEST))],
            "textposition": "bottom left",
            "textfont": {"size": SMALL - 1, "color": BASELINE.colour}, "cliponaxis": False, "hoverinfo": "skip",
            "name": name, "meta": {"name": name, "relative": "y"}, **axes,
        }  # fmt: skip
    for number, line in enumerate(panel.lines):
        yield _trace(info, panel, line, look, number) | axes


def _trace(info: KnobsInfo, panel: Panel, line: KnobLine, look: Look, number: int) -> Trace:
    """Where several replicates share a value, the line passes each in turn; lines grow fainter in their order."""
    named = {"end": escaped(_name(line))} if _named(panel) and line.others else {}
    return {
        "type": "scatter", "mode": "markers" if panel.scattered else "lines+markers",
        "name": f"{panel.label}, {line.others}",
        "x": [point.value for point in line.points], "y": [rounded(point.accuracy) for point in line.points],
        "line": {"color": look.colour, "width": 1.6, "dash": DASHES[number % len(DASHES)]},
        "marker": {
            "symbol": [DIVERGED_SYMBOL if point.diverged else look.symbol for point in line.points],
            "size": 8, "color": look.colour,
        },
        "cliponaxis": False, "opacity": round(1 - (1 - FAINTEST) * min(1, number / (SHADES - 1)), 2),
        "customdata": [
            [point.hyperparameters, f"{percent(point.accuracy)} ± {percent(point.error)} %", point.trial_id[:ID_DIGITS]]
            for point in line.points
        ],
        "hovertemplate": f"<b>{escaped(panel.label)}</b> %{{customdata[0]}}<br>%{{customdata[1]}}<br>"
        f"{info.n:,} test images<br>trial %{{customdata[2]}}, click to follow<extra></extra>",
        "meta": {
            "label": panel.label, "name": panel.label, "relative": "y",
            "trials": [point.trial_id for point in line.points], **named,
        },
    }  # fmt: skip


def explanation(info: KnobsInfo) -> str:
    """The figure in words."""
    told = ", ".join(f"{panel.label} {panel.symbol}" for panel in info.panels)
    where = f"{spoken(info.sweep.test_distortion)}, {at_level(info.sweep, info.sweep.practical)}"
    return f"{headed(info.measure)} under {where} against {count(len(info.panels), 'hyperparameter')}: {told}."
