"""Sensitivity bands, drawn."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dashboards.captions import AT_FIRST, Part, Shown, captioned, numbers, picked_on, trained_on
from dashboards.drawing import Drawing, Trace, axis, drawing, escaped, note, rounded
from dashboards.ends import LONGEST, end_lines, end_text, ends, room
from dashboards.figures.bands import BANDED, Band, BandsInfo, Curve, curve_name, curve_parts
from dashboards.levels import CLEAN
from dashboards.palette import BASELINE, DIVERGED_SYMBOL, MUTED, Look, tinted, translucent
from dashboards.ranges import BANDS
from dashboards.spread import needed
from dashboards.wording import (
    at_level,
    at_levels,
    axis_title,
    count,
    drawn_from,
    headed,
    listed,
    percent,
    spoken,
    width,
    with_hyperparameters,
)

TOP, TICKS, STRIP, BELOW = 44, 26, 54, 74
"""Pixels: above the plot, of tick labels, of the image strip with its gap, of tick labels and title."""
PLOT, TALLEST = 388, 560
"""Pixels of the plot, and of a paper's figure with many names at its right."""
IMAGE_GAP = 0.075
"""Of the axis's length, from the middle of one image to that of the next."""
FILL = 0.15
ID_DIGITS = 8
FILLED_AT_FIRST = 2
FAINTEST = 0.45
"""White in the colour of the first of several subsets; the last has none."""


def draw_bands(info: BandsInfo, looks: Mapping[str, Look], shown: Shown = AT_FIRST) -> Drawing:
    """One figure with every band, pick and curve in it; those that `shown` chooses are visible."""
    traces = band_traces(info, looks, shown)
    plot = plot_height(info, traces)
    named = ends(traces, y_range(info), plot)
    below = STRIP + BELOW if any(info.examples) else BELOW
    made = drawing(
        traces,
        height=TOP + plot + STRIP + BELOW,
        margin={"l": 52, "r": room(named), "t": TOP, "b": below},
        xaxis=_level_axis(info),
        yaxis=axis(range=y_range(info), ticksuffix=" ", dtick=10),
        annotations=[*named, *_notes(info)],
        shapes=[level_line(info, level) for level in marked(info)],
        images=list(_strip(info, plot)),
    )
    made["layout"]["meta"] = {"baseline": [rounded(one) for one in info.baseline], "reading": _reading(info)}
    return captioned(made, _caption(info), shown)


def band_traces(info: BandsInfo, looks: Mapping[str, Look], shown: Shown, terse: bool = False) -> list[Trace]:
    """Every curve; `terse` names at their ends leave the hyperparameters out."""
    traces = [*_bands(info, looks), *_references(info), *_picks(info, looks, terse), *_others(info, looks)]
    for trace in traces:
        trace["visible"] = _visible(trace, filled_at_first(info), shown)
    return traces


def plot_height(info: BandsInfo, traces: Sequence[Trace]) -> int:
    """Pixels; a paper's figure is higher where its names need it, on two lines each or, beyond TALLEST, on one."""
    lines = [end.count("<br>") + 1 for trace in traces if trace["visible"] and (end := trace["meta"].get("end"))]
    room_for = needed(lines) if needed(lines) <= TALLEST else needed([1] * len(lines))
    return round(max(PLOT, room_for)) if info.paper else PLOT


def _caption(info: BandsInfo) -> list[Part]:
    return [
        trained_on(info.train_distortion),
        numbers((band.name, band.evaluated, band.diverged) for band in info.bands if band.evaluated),
        count(info.n, "test image"),
        *bands_over([info]),
        picked_on(info.bases, of=picked_of(info)),
    ]


def bands_over(infos: Sequence[BandsInfo]) -> Iterator[Part]:
    """What the bands hold, by what is chosen."""
    several = any(band.evaluated > 1 for info in infos for band in info.bands)
    over = ((name, "all trials" if name == "all" else f"{name.replace('q', '').replace('-', '–')} % of the trials")
            for name in BANDS)  # fmt: skip
    yield [{"when": {"band": name}, "text": f"bands over {told}"} for name, told in over if several]


def picked_of(info: BandsInfo, levels: bool = True) -> str:
    """` of each p at ε = 0.02`: what goes without saying is left out."""
    of = f" of each {listed(info.split)}" if info.split else ""
    elsewhere = levels and info.paper and info.picked_at != (info.sweep.practical,)
    return of + (f" at {at_levels(info.sweep, info.picked_at)}" if elsewhere else "")


def filled_at_first(info: BandsInfo) -> tuple[str, ...]:
    """The first band and its first rival of another kind: more overlapping fills say nothing.

    In a paper's figure those of BANDED, as far as they were trained as it is about.
    """
    if info.paper:
        return tuple(one.name for one in info.bands if one.evaluated and one.method in BANDED and not one.aside)
    names = [band.name for band in info.bands if band.evaluated]
    rivals = [name for name in names[1:] if not name.startswith(names[0])] + names[1:]
    return (*names[:1], *rivals[: FILLED_AT_FIRST - 1])


def _visible(trace: Trace, filled: Sequence[str], shown: Shown) -> bool:
    meta = trace["meta"]
    if "follow" in meta or (meta.get("fill") and meta["name"] not in filled):
        return False
    return bool({**shown, **meta.get("show", {})} == dict(shown))


def _bands(info: BandsInfo, looks: Mapping[str, Look]) -> Iterator[Trace]:
    """Two edges a band, the upper one filled down to the lower; thin, straight between levels."""
    for band in info.bands:
        if band.evaluated < 2:
            continue
        for name, (low, high) in BANDS.items():
            yield from _edges(info, band, looks[band.label], name, low, high)


def _edges(info: BandsInfo, band: Band, look: Look, name: str, low: str, high: str) -> Iterator[Trace]:
    meta = {"label": band.label, "name": band.name, "fill": True, "show": {"band": name}, "relative": "y"}
    line = {"color": translucent(look.colour, 0.55), "width": 1, "dash": "dot" if band.aside else "solid"}
    shared = {"type": "scatter", "mode": "lines", "x": info.axis.positions, "line": line, "meta": meta}
    yield {**shared, "y": _percentages(band.edges[low]), "hoverinfo": "skip", "name": f"{band.name} {low}"}
    yield {
        **shared,
        "y": _percentages(band.edges[high]),
        "fill": "tonexty",
        "fillcolor": translucent(look.colour, FILL),
        "name": f"{band.name} {high}",
        "text": [_band_text(info, band, step, low, high) for step in range(info.steps)],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _band_text(info: BandsInfo, band: Band, step: int, low: str, high: str) -> str:
    lower, upper, expected = band.edges[low][step], band.edges[high][step], band.expected[step]
    if lower is None or upper is None:
        return ""
    span = "all" if low == "min" else f"{low[1:]}–{high[1:]} %"
    lines = [
        f"<b>{escaped(band.name)}</b>, {span} of {count(band.evaluated, 'trial')}, {_where(info, step)}",
        f"{percent(lower)} to {percent(upper)} %: {width(upper - lower)} points",
    ]
    if expected is not None and info.equal_n < band.evaluated:
        lines.append(f"any {info.equal_n} of them span {width(expected)} on average")
    if band.diverged:
        lines.append(f"{band.diverged} of {band.evaluated} diverged")
    return "<br>".join(lines)


def _where(info: BandsInfo, step: int) -> str:
    return CLEAN if step == 0 else at_level(info.sweep, info.sweep.levels[step - 1])


def _references(info: BandsInfo) -> Iterator[Trace]:
    """The baseline, and chance."""
    if any(value is not None for value in info.baseline):
        name = info.baseline_label or ""
        yield {
            "type": "scatter", "mode": "lines+markers", "x": info.axis.positions,
            "y": _percentages(info.baseline), "name": name,
            "line": {"color": BASELINE.colour, "width": 1.5},
            "marker": {"symbol": BASELINE.symbol, "size": 8, "color": BASELINE.colour},
            "customdata": _hover_data(info, info.baseline, info.baseline_error),
            "hovertemplate": _hover_template(f"<b>{escaped(info.baseline_name)}</b>", info.n, ""),
            "meta": {"label": name, "name": name, "relative": "y", "end": end_text(info.baseline_name)},
        }  # fmt: skip
    if info.chance is not None:
        yield {
            "type": "scatter", "mode": "lines", "x": info.axis.positions,
            "y": [rounded(info.chance)] * info.steps, "name": "chance",
            "line": {"color": MUTED, "width": 1, "dash": "dot"}, "hoverinfo": "skip",
            "meta": {"name": "chance", "relative": "y", "end": f"chance, {percent(info.chance)} %"},
        }  # fmt: skip


def _picks(info: BandsInfo, looks: Mapping[str, Look], terse: bool) -> Iterator[Trace]:
    """Best solid with filled markers, worst dashed with open ones; dotted and dash-dotted where drawn beside."""
    asides = {band.name for band in info.bands if band.aside}
    for curve in info.curves:
        if curve.role != "member":
            look, worst = looks[curve.label], curve.role == "worst"
            look = replace(look, colour=_shade(look, curve))
            dash = DASHES[curve.name in asides, worst]
            trace = _line(info, curve, look, dash, 2.2, f"{look.symbol}-open" if worst else look.symbol)
            trace["meta"] |= {
                "show": {"pick": curve.by},
                "end": end_lines(*curve_parts(curve, info)[:2]) if terse else _end(curve, info),
            }
            yield trace


DASHES = {(False, False): "solid", (False, True): "dash", (True, False): "dot", (True, True): "dashdot"}
"""(drawn beside, worst) → its line"""


def _shade(look: Look, curve: Curve) -> str:
    """Subsets in the plan's order from a tint to the method's full colour."""
    place, number = curve.place
    return tinted(look.colour, FAINTEST * (number - 1 - place) / (number - 1)) if number > 1 else look.colour


def _end(curve: Curve, info: BandsInfo, before: str = "") -> str:
    """A paper's on two lines by its own words: `best DA; p = 0.5` and `(σ 0.22)`."""
    if not info.paper:
        return end_text(f"{before}{curve_name(curve, info)}")
    what, subset, hyperparameters = curve_parts(curve, info)
    first = f"{before}{with_hyperparameters(what, subset)}"
    if len(first) <= LONGEST:
        return end_lines(first, hyperparameters)
    return end_lines(f"{before}{what}", f"{subset} {hyperparameters}".strip())


def _others(info: BandsInfo, looks: Mapping[str, Look]) -> Iterator[Trace]:
    """Every trial's curve, hidden until it is followed; and a cross for each trial that diverged."""
    for curve in info.curves:
        if curve.role == "member":
            trace = _line(info, curve, looks[curve.label], "solid", 3.5, looks[curve.label].symbol)
            trace["name"] = f"followed {curve_name(curve, info)}"
            trace["meta"] |= {"follow": curve.trial_id, "end": _end(curve, info, "followed ")}
            yield trace
    for curve in info.diverged:
        yield _cross(info, curve, looks[curve.label])


def _line(info: BandsInfo, curve: Curve, look: Look, dash: str, thick: float, symbol: str) -> Trace:
    return {
        "type": "scatter", "mode": "lines+markers", "x": info.axis.positions, "y": _percentages(curve.accuracy),
        "name": curve_name(curve, info),
        "line": {"color": look.colour, "width": thick, "dash": dash},
        "marker": {"symbol": symbol, "size": 8, "color": look.colour},
        "customdata": _hover_data(info, curve.accuracy, curve.error),
        "hovertemplate": _hover_template(
            f"<b>{escaped(curve_name(curve, info))}</b>", info.n, curve.trial_id[:ID_DIGITS]
        ),
        "meta": {"label": curve.label, "name": curve.name, "relative": "y", "trials": [curve.trial_id] * info.steps},
    }  # fmt: skip


def _cross(info: BandsInfo, curve: Curve, look: Look) -> Trace:
    """At the practical level."""
    step = info.sweep.levels.index(info.sweep.practical) + 1
    return {
        "type": "scatter", "mode": "markers", "x": [info.axis.positions[step]], "y": [rounded(curve.accuracy[step])],
        "name": f"{curve.name}, diverged",
        "marker": {"symbol": DIVERGED_SYMBOL, "size": 9, "color": look.colour},
        "customdata": [_hover_data(info, curve.accuracy, curve.error)[step]],
        "hovertemplate": _hover_template(
            f"<b>{escaped(curve_name(curve, info))}</b>, diverged", info.n, curve.trial_id[:ID_DIGITS]
        ),
        "meta": {"label": curve.label, "name": curve.name, "relative": "y", "at": step, "trials": [curve.trial_id]},
    }  # fmt: skip


def _percentages(values: Sequence[float | None]) -> list[float | None]:
    return [rounded(value) for value in values]


def _hover_data(info: BandsInfo, values: Sequence[float | None], errors: Sequence[float | None]) -> list[list[str]]:
    """(level, accuracy ± error) at each position."""
    return [
        [_where(info, step), "" if value is None or error is None else f"{percent(value)} ± {percent(error)} %"]
        for step, (value, error) in enumerate(zip(values, errors, strict=True))
    ]


def _hover_template(head: str, n: int, trial: str) -> str:
    lines = [head, "%{customdata[0]}: %{customdata[1]}", f"{n:,} test images"]
    if trial:
        lines.append(f"trial {trial}, click to follow")
    return "<br>".join(lines) + "<extra></extra>"


def _level_axis(info: BandsInfo) -> dict[str, Any]:
    title = axis_title(info.sweep)
    if any(info.examples):
        title += f"; the same image at each level{drawn_from(info.sweep)}"
    made = axis(title, range=[-0.045, 1.045], tickvals=info.axis.positions, ticktext=info.axis.ticks)
    made["title"]["standoff"] = STRIP + 8 if any(info.examples) else 10
    ticks = {"ticks": "outside", "tickcolor": made["gridcolor"], "tickangle": 0}
    return {**made, **ticks, "showgrid": False, "showline": True}


def y_range(info: BandsInfo) -> list[float]:
    """From chance, or below it where a model is, to the next ten above the study's best accuracy."""
    low, high = info.span
    return [100 * min(info.chance or 0.0, low) - 1.5, min(100, 10 * math.ceil(10 * high)) + 1]


def _reading(info: BandsInfo) -> dict[str, Any]:
    """What the y axis becomes for points above the baseline: the same for every pair of the study."""
    low, high = info.above or (0.0, 0.0)
    return {
        "axis": "yaxis",
        "title": "points above (+) or below (−) the baseline",
        "range": [100 * low - 2, 100 * high + 2],
    }


def _notes(info: BandsInfo) -> Iterator[dict[str, Any]]:
    """What the axis reads, above it; and the name of the practical level's line."""
    yield note(
        f"{info.measure} on test images, %", name="reading", xref="paper", yref="paper", x=0, y=1, xanchor="left",
        yanchor="bottom", xshift=-46, yshift=18,
    )  # fmt: skip
    for number, (place, level) in enumerate(sorted((_position(info, level), level) for level in marked(info))):
        told = "practical" if level == info.sweep.practical else "picked at"
        yield note(
            f"{told}, {at_level(info.sweep, level)}", xref="x", yref="paper", x=place, y=1, yanchor="bottom",
            yshift=13 * (number % 2),  # one above the other, so that a phone has room for both
        )  # fmt: skip


def marked(info: BandsInfo) -> tuple[float, ...]:
    """The practical level, and those at which best and worst were picked."""
    return tuple(dict.fromkeys((info.sweep.practical, *info.picked_at)))


def _position(info: BandsInfo, level: float) -> float:
    return info.axis.positions[info.sweep.levels.index(level) + 1]


def level_line(info: BandsInfo, level: float) -> dict[str, Any]:
    """Through the figure; its tick and its image stay free of it. Dotted where best and worst are picked besides."""
    return {
        "type": "line", "xref": "x", "yref": "paper", "x0": _position(info, level), "x1": _position(info, level),
        "y0": 0, "y1": 1, "layer": "below",
        "line": {"color": MUTED, "width": 1, "dash": "dash" if level == info.sweep.practical else "dot"},
    }  # fmt: skip


def _strip(info: BandsInfo, plot: int) -> Iterator[dict[str, Any]]:
    """The test image at each level, below its tick; of two that would touch, the first."""
    last = -1.0
    for place, condition in zip(info.axis.positions, info.examples, strict=True):
        if condition is not None and place - last >= IMAGE_GAP - 1e-9:
            last = place
            yield {
                "source": f"example:{condition}", "xref": "x", "yref": "paper", "x": place, "y": -TICKS / plot,
                "sizex": IMAGE_GAP - 0.005, "sizey": (STRIP - 8) / plot, "sizing": "contain", "xanchor": "center",
                "yanchor": "top", "layer": "above",
            }  # fmt: skip


def explanation(info: BandsInfo) -> str:
    """The figure in words, for who cannot see it."""
    first = info.picked_at[0]
    level = info.sweep.levels.index(first) + 1
    told = [
        f"{band.name}: {percent(low)} to {percent(high)} % over {count(band.evaluated, 'trial')}"
        for band in info.bands
        if (low := band.edges["min"][level]) is not None and (high := band.edges["max"][level]) is not None
    ]
    baseline = info.baseline[level]
    if baseline is not None:
        told.append(f"{info.baseline_name}: {percent(baseline)} %")
    return (
        f"{headed(info.measure)} of models trained on {spoken(info.train_distortion)} against the level of "
        f"{spoken(info.sweep.test_distortion)}. At {at_level(info.sweep, first)}: {'; '.join(told)}."
    )
