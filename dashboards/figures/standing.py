"""Who stands where at the practical level: every trial a dot, a row for each method."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboards.captions import AT_FIRST, Part, Shown, captioned, picked_on, trained_on
from dashboards.drawing import Drawing, Trace, axis, drawing, escaped, note, rounded
from dashboards.ends import CHARACTER, characters
from dashboards.figures.bands import Selection
from dashboards.paired import Difference
from dashboards.palette import BASELINE, DIVERGED_SYMBOL, Look
from dashboards.picks import BY, By, bases, pick
from dashboards.results import Group, Results, practical_condition
from dashboards.wording import at_level, count, fitted, headed, percent, points, spoken
from study.plan import Sweep

ROW, TOP, BOTTOM, LEFT = 44, 40, 54, 96
"""Pixels."""
NAME_ROOM = 1.75
"""How much more room there is on the right, where a ring's name may stand."""
LONGEST = 20
"""Characters of a row's name; longer ones go on to a second line."""
ID_DIGITS = 8


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One trial at one level."""

    label: str
    trial_id: str
    hyperparameters: str
    accuracy: float
    error: float
    difference: Difference | None
    """From the baseline; None without one."""
    diverged: bool
    role: Mapping[By, str]
    """best, worst or nothing, by each way of picking"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """The trials of one label that are evaluated."""

    label: str
    dots: tuple[Dot, ...]
    planned: int


@dataclass(frozen=True, kw_only=True)
class StandingInfo:
    """One training distortion at the practical level of one test distortion."""

    measure: str
    """What a share of right ones is called."""
    train_distortion: str
    sweep: Sweep
    baseline_label: str | None
    baseline_name: str
    baseline: float | None
    baseline_error: float | None
    rows: tuple[Row, ...]
    bases: Mapping[By, str]
    """What best and worst were ranked by, for each way; empty without any."""
    n: int


def standing_info(results: Results, selection: Selection) -> StandingInfo:
    """The figure's data."""
    sweep = results.sweep(selection.test_distortion)
    condition = practical_condition(sweep)
    cell = results.cells.get((results.baselines[0].trial_id, condition)) if results.baselines else None
    groups = [
        group
        for group in results.groups_on(selection.train_distortion)
        if selection.labels is None or group.label in selection.labels
    ]
    return StandingInfo(
        measure=results.plan.measure,
        train_distortion=selection.train_distortion,
        sweep=sweep,
        baseline_label=results.baseline_label,
        baseline_name=results.baseline_name,
        baseline=results.baseline(condition),
        baseline_error=None if cell is None else cell.error,
        rows=tuple(_row(results, sweep, condition, group) for group in groups),
        bases=bases(results, groups, sweep, condition),
        n=results.n,
    )


def _row(results: Results, sweep: Sweep, condition: str, group: Group) -> Row:
    picks = {by: pick(results, group, sweep, condition, by) for by in BY}
    dots = (
        Dot(
            label=trial.label,
            trial_id=trial.trial_id,
            hyperparameters=trial.in_brackets,
            accuracy=cell.accuracy,
            error=cell.error,
            difference=results.difference(trial, condition),
            diverged=trial.diverged,
            role={by: "" if chosen is None else chosen.role(trial) for by, chosen in picks.items()},
        )
        for trial in group.trials
        if (cell := results.cells.get((trial.trial_id, condition))) is not None
    )
    return Row(label=group.label, dots=tuple(dots), planned=len(group.trials))


def draw_standing(info: StandingInfo, looks: Mapping[str, Look], shown: Shown = AT_FIRST) -> Drawing:
    """Rows from the top in the plan's order, the baseline a line through all of them."""
    rows = [row for row in info.rows if row.dots]
    names = [*([info.baseline_label or ""] if info.baseline is not None else []), *(row.label for row in rows)]
    places = {name: -place for place, name in enumerate(names)}
    ticks = {row.label: f"{_tick(row.label)}  <b>{len(row.dots)}</b>" for row in rows}
    left = _left([ticks.get(name, _tick(info.baseline_name)) for name in names])
    dots = [trace for row in rows for trace in _dots(info, row, places[row.label], looks)]
    for trace in dots:
        trace["visible"] = trace["meta"].get("show", {}).get("pick") in (None, shown["pick"])
    made = drawing(
        [*_baseline(info, len(names)), *dots],
        height=TOP + BOTTOM + ROW * max(len(names), 1),
        margin={"l": left, "r": 26, "t": TOP, "b": BOTTOM},
        xaxis=axis(f"{info.measure}, %", range=_x_range(info), ticks="outside", tickcolor="rgba(0,0,0,0)", nticks=6),
        yaxis=axis(
            range=[-len(names) + 0.5, 0.5], tickvals=list(places.values()),
            ticktext=[ticks.get(name, _tick(info.baseline_name)) for name in names], showgrid=True,
        ),
        annotations=[
            note(
                f"<b>at {at_level(info.sweep, info.sweep.practical)}</b>, a dot a trial", xref="paper", yref="paper",
                x=0, y=1, xanchor="left", yanchor="bottom", xshift=10 - left, yshift=14,
            )
        ],
    )  # fmt: skip
    made["layout"]["xaxis"]["title"]["standoff"] = 8
    made["layout"]["meta"] = {"baseline": rounded(info.baseline), "reading": _reading(info)}
    return captioned(made, _caption(info), shown)


def _caption(info: StandingInfo) -> list[Part]:
    where = f"{spoken(info.sweep.test_distortion)}, {at_level(info.sweep, info.sweep.practical)}"
    return [
        trained_on(info.train_distortion), f"tested on {where}", count(info.n, "test image"), picked_on(info.bases),
    ]  # fmt: skip


def _x_range(info: StandingInfo) -> list[float]:
    found = [100 * dot.accuracy for row in info.rows for dot in row.dots]
    found += [] if info.baseline is None else [100 * info.baseline]
    low, high = (min(found), max(found)) if found else (0.0, 100.0)
    pad = max(1.0, 0.08 * (high - low))
    return [round(max(-0.5, low - pad), 2), round(min(100.5, high + NAME_ROOM * pad), 2)]


def _reading(info: StandingInfo) -> dict[str, object]:
    low, high = _x_range(info)
    base = 100 * (info.baseline or 0.0)
    return {"axis": "xaxis", "title": "points above baseline", "range": [low - base, high - base]}


def _tick(label: str) -> str:
    return "<br>".join(map(escaped, fitted(label, LONGEST, lines=2)))


def _left(ticks: Sequence[str]) -> int:
    """Pixels for the longest line of the rows' names."""
    longest = max((characters(re.sub("</?b>", "", tick)) for tick in ticks), default=0)
    return round(max(LEFT, 20 + CHARACTER * longest))


def _baseline(info: StandingInfo, rows: int) -> Iterator[Trace]:
    """A line through all rows, its own dot in the first."""
    if info.baseline is None or info.baseline_error is None:
        return
    name, bottom = info.baseline_label or "", -rows + 0.5
    shared = {"type": "scatter", "mode": "lines", "meta": {"name": name, "relative": "x"}}
    yield {
        **shared, "x": [rounded(info.baseline)] * 2, "y": [0.5, bottom],
        "line": {"color": BASELINE.colour, "width": 1.5}, "name": name, "hoverinfo": "skip",
    }  # fmt: skip
    yield {
        **shared, "mode": "markers", "x": [rounded(info.baseline)], "y": [0], "name": name,
        "marker": {"symbol": BASELINE.symbol, "size": 10, "color": BASELINE.colour},
        "hovertemplate": f"<b>{escaped(info.baseline_name)}</b><br>{percent(info.baseline)} ± "
        f"{percent(info.baseline_error)} %<br>{info.n:,} test images<extra></extra>",
    }  # fmt: skip


def _dots(info: StandingInfo, row: Row, place: int, looks: Mapping[str, Look]) -> Iterator[Trace]:
    """The dots, hollow where the baseline is within reach; for each way of picking, rings around worst and best."""
    look = looks[row.label]
    yield {
        "type": "scatter", "mode": "markers", "name": row.label,
        "x": [rounded(dot.accuracy) for dot in row.dots], "y": [place] * len(row.dots),
        "marker": {
            "symbol": [_symbol(dot, look) for dot in row.dots], "size": 11, "color": look.colour, "opacity": 0.7,
            "line": {"width": [0 if _filled(dot) else 1.6 for dot in row.dots]},
        },
        "customdata": [_told(dot) for dot in row.dots],
        "hovertemplate": f"<b>{escaped(row.label)}</b> %{{customdata[0]}}<br>%{{customdata[1]}}<br>"
        f"{info.n:,} test images<br>trial %{{customdata[2]}}, click to follow<extra></extra>",
        "meta": {"label": row.label, "name": row.label, "relative": "x", "trials": [dot.trial_id for dot in row.dots]},
    }  # fmt: skip
    for by in BY:
        yield from _rings(row, place, by, look, close=0.12 * (_x_range(info)[1] - _x_range(info)[0]))


def _filled(dot: Dot) -> bool:
    """A cross always is; a hollow one could not be told from the mark of a trial that did not diverge."""
    return dot.diverged or dot.difference is None or dot.difference.clear


def _symbol(dot: Dot, look: Look) -> str:
    if dot.diverged:
        return DIVERGED_SYMBOL
    return look.symbol if _filled(dot) else f"{look.symbol}-open"


def _told(dot: Dot) -> Sequence[str]:
    diverged = ", diverged" if dot.diverged else ""
    found = dot.difference
    against = (
        ""
        if found is None
        else (
            f"<br>{points(found.value)} points against the baseline<br>"
            f"(95 %: {points(found.low)} to {points(found.high)}, {'paired' if found.paired else 'unpaired'})"
        )
    )
    return (
        f"{dot.hyperparameters}{diverged}",
        f"{percent(dot.accuracy)} ± {percent(dot.error)} %{against}",
        dot.trial_id[:ID_DIGITS],
    )


def _rings(row: Row, place: int, by: By, look: Look, close: float) -> Iterator[Trace]:
    """Two rings nearer than `close`, in points, have their names on their outer sides."""
    picked = sorted((dot for dot in row.dots if dot.role[by]), key=lambda dot: dot.accuracy)
    if picked:
        apart = 100 * (picked[-1].accuracy - picked[0].accuracy) > close
        sides = ["bottom center"] * len(picked) if apart else ["bottom left", "bottom right"][: len(picked)]
        yield {
            "type": "scatter", "mode": "markers+text", "name": f"{row.label}, picked by {by}",
            "x": [rounded(dot.accuracy) for dot in picked], "y": [place] * len(picked),
            "text": [dot.role[by] for dot in picked], "textposition": sides,
            "textfont": {"size": 11},
            "marker": {"symbol": "circle-open", "size": 19, "color": look.colour, "line": {"width": 1.5}},
            "hoverinfo": "skip", "cliponaxis": False,
            "meta": {"label": row.label, "name": row.label, "relative": "x", "show": {"pick": by}},
        }  # fmt: skip


def explanation(info: StandingInfo) -> str:
    """The figure in words."""
    told = "; ".join(f"{row.label}, {count(len(row.dots), 'trial')}" for row in info.rows if row.dots)
    where = at_level(info.sweep, info.sweep.practical)
    return f"{headed(info.measure)} at {where}, a dot a trial: {told}."
