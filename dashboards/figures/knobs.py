"""What each knob does: accuracy at the practical level against one hyperparameter, joined where the others agree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from dashboards.drawing import SMALL, Axis, Drawing, Trace, axis, drawing, escaped, note, rounded
from dashboards.figures.bands import Selection
from dashboards.levels import is_log
from dashboards.palette import BASELINE, DIVERGED_SYMBOL, Look
from dashboards.results import Group, Results, Trial, practical_condition
from dashboards.searched import drawn_as, search_of
from dashboards.wording import at_level, count, headed, percent, spoken, unit_word
from study.plan import Open, Sweep
from study.report import Setting, figure

PANEL, GAP, TOP, BOTTOM = 205, 84, 44, 50
"""Pixels of a panel, between two rows of them, above and below."""
ACROSS = (1, 2, 3, 4)
"""Numbers of panels side by side that are arranged for."""
USUAL = 4
MOST_LINES = 8
"""Beyond which lines of about one point each say nothing."""
SHARED = 1.5
"""Points a line, on the average, from which on lines say something however many they are."""
SCATTERED = "points of a search"
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
ID_DIGITS = 8


@dataclass(frozen=True, kw_only=True)
class KnobPoint:
    """One trial."""

    trial_id: str
    hyperparameters: str
    value: float
    """Of the panel's hyperparameter."""
    accuracy: float
    error: float
    diverged: bool


@dataclass(frozen=True, kw_only=True)
class KnobLine:
    """Trials that differ in the panel's hyperparameter, and in their replicate, only."""

    others: str
    """`σ 0.1`: the values of the other hyperparameters; empty if there are none"""
    points: tuple[KnobPoint, ...]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One hyperparameter of one label."""

    label: str
    symbol: str
    owner: str
    """`method`, or the name of the training distortion."""
    unit: str
    """`degrees`; empty where it has none, or the study tests nothing in it."""
    log: bool
    values: tuple[float, ...]
    lines: tuple[KnobLine, ...]
    """One over all trials where hardly any two share the other hyperparameters, as of a search."""

    @property
    def scattered(self) -> bool:
        """Whether its one line joins what differs in other hyperparameters too, and so is drawn as points alone."""
        return len(self.lines) == 1 and self.lines[0].others == SCATTERED


@dataclass(frozen=True, kw_only=True)
class KnobsInfo:
    """One training distortion at the practical level of one test distortion."""

    measure: str
    """What a share of right ones is called."""
    train_distortion: str
    sweep: Sweep
    baseline_label: str | None
    baseline: float | None
    panels: tuple[Panel, ...]
    chance: float | None
    n: int


def knobs_info(results: Results, selection: Selection) -> KnobsInfo:
    """A panel for every hyperparameter that takes two values or more among the trials evaluated."""
    sweep = results.sweep(selection.test_distortion)
    condition = practical_condition(sweep)
    groups = results.groups_on(selection.train_distortion)
    chosen = (one for one in groups if selection.labels is None or one.label in selection.labels)
    return KnobsInfo(
        measure=results.plan.measure,
        train_distortion=selection.train_distortion,
        sweep=sweep,
        baseline_label=results.baseline_label,
        baseline=results.baseline(condition),
        panels=tuple(panel for group in chosen for panel in _panels(results, group, condition)),
        chance=results.chance,
        n=results.n,
    )


def _panels(results: Results, group: Group, condition: str) -> Iterator[Panel]:
    evaluated = [trial for trial in group.trials if (trial.trial_id, condition) in results.cells]
    search = search_of(results, group)
    for knob in evaluated[0].settings if evaluated else ():
        values = sorted({float(value) for trial in evaluated if (value := _value(trial, knob)) is not None})
        if len(values) >= 2:
            yield Panel(
                label=group.label,
                symbol=knob.symbol,
                owner=knob.owner,
                unit=_unit(results, knob),
                log=_is_log(values, None if search is None else drawn_as(search, knob)),
                values=tuple(values),
                lines=_gathered(tuple(_lines(results, evaluated, knob, condition)), searched=search is not None),
            )


def _is_log(values: Sequence[float], drawn: Open | None) -> bool:
    """As it is drawn, if a search draws it from a range; else as the values are spaced."""
    if drawn is not None and drawn.draw != "choice":
        return drawn.draw == "loguniform"
    return values[0] > 0 and (is_log(values) or values[-1] >= 30 * values[0])


def _unit(results: Results, knob: Setting) -> str:
    """The one that the same parameter has where the study tests it."""
    name = knob.name.removeprefix(f"{knob.owner}.")
    named = (one for one in results.sweeps if (one.test_distortion, one.parameter) == (knob.owner, name))
    return next((unit_word(one) for one in named), "")


def _gathered(lines: tuple[KnobLine, ...], *, searched: bool) -> tuple[KnobLine, ...]:
    """One line over all points where a search drew them, or nearly every line is a single one."""
    points = [point for line in lines for point in line.points]
    if not searched and (len(lines) <= MOST_LINES or len(points) > SHARED * len(lines)):
        return lines
    return (KnobLine(others=SCATTERED, points=tuple(sorted(points, key=lambda point: point.value))),)


def _value(trial: Trial, knob: Setting) -> float | None:
    """None for a value that is no number."""
    found = next((one.value for one in trial.settings if (one.owner, one.name) == (knob.owner, knob.name)), None)
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def _lines(results: Results, trials: Sequence[Trial], knob: Setting, condition: str) -> Iterator[KnobLine]:
    groups: dict[str, list[KnobPoint]] = {}
    for trial in trials:
        value = _value(trial, knob)
        if value is not None:
            others = (one for one in trial.settings if (one.owner, one.name) != (knob.owner, knob.name))
            name = ", ".join(f"{one.symbol} {one.shown}" for one in others)
            groups.setdefault(name, []).append(_point(results, trial, value, condition))
    for name, points in groups.items():
        yield KnobLine(others=name, points=tuple(sorted(points, key=lambda point: point.value)))


def _point(results: Results, trial: Trial, value: float, condition: str) -> KnobPoint:
    cell = results.cells[trial.trial_id, condition]
    return KnobPoint(
        trial_id=trial.trial_id,
        hyperparameters=trial.in_brackets,
        value=value,
        accuracy=cell.accuracy,
        error=cell.error,
        diverged=trial.diverged,
    )


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
    layout["annotations"] = list(_titles(info))
    layout["meta"] = {
        "arrangements": arrangements,
        "baseline": rounded(info.baseline),
        "reading": {"axis": "yaxis", "title": "points above the baseline", "range": _relative_range(info)},
    }
    for path, value in arrangements[str(usual)].items():
        _change(layout, path.split("."), value)
    return made


def _change(layout: Drawing, path: Sequence[str], value: object) -> None:
    for name in path[:-1]:
        layout = layout[name]
    layout[path[-1]] = value


def _arranged(info: KnobsInfo, across: int) -> dict[str, object]:
    """Changes of layout that put the panels in rows of `across`, the first of each row with the y axis's title."""
    panels = len(info.panels)
    rows = max(1, ceil(panels / across))
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
    )  # fmt: skip
    made["title"]["standoff"] = 8
    if panel.scattered:
        decades = panel.log and panel.values[-1] >= 100 * panel.values[0]
        made |= {"tickvals": None, "ticktext": None}
        made |= {"tickmode": "linear", "dtick": 1} if decades else {"tickmode": "auto", "nticks": 5}
    elif len(panel.values) > 7:
        made |= {"tickvals": panel.values[::2], "ticktext": [figure(value) for value in panel.values[::2]]}
    return made


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
        yield note(
            f"<b>{escaped(panel.label)}</b>: {escaped(panel.symbol)}", xref=f"x{suffix} domain",
            yref=f"y{suffix} domain", x=0, y=1, xanchor="left", yanchor="bottom", yshift=4,
        )  # fmt: skip


def _traces(info: KnobsInfo, panel: Panel, look: Look, suffix: str) -> Iterator[Trace]:
    axes = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
    if info.baseline is not None:
        name = info.baseline_label or ""
        yield {
            "type": "scatter", "mode": "lines+markers+text", "x": [panel.values[0], panel.values[-1]],
            "y": [rounded(info.baseline)] * 2, "line": {"color": BASELINE.colour, "width": 1, "dash": "dot"},
            "marker": {"size": 7, "opacity": 0}, "text": ["", escaped(name)], "textposition": "bottom left",
            "textfont": {"size": SMALL - 1, "color": BASELINE.colour}, "cliponaxis": False, "hoverinfo": "skip",
            "name": name, "meta": {"name": name, "relative": "y"}, **axes,
        }  # fmt: skip
    for number, line in enumerate(panel.lines):
        yield _trace(info, panel, line, look, number) | axes


def _trace(info: KnobsInfo, panel: Panel, line: KnobLine, look: Look, number: int) -> Trace:
    """Where several replicates share a value, the line passes each of them in turn.

    Its name stands at the last point, the next line's at the one before: so names of lines that meet stay apart.
    """
    last = len(line.points) - 1
    named = None if panel.scattered else last - number % (last + 1)
    text = [escaped(line.others) if place == named else "" for place in range(last + 1)]
    sides = ["top right" if place == 0 else "top left" if place == last else "top center" for place in range(last + 1)]
    return {
        "type": "scatter", "mode": "markers" if panel.scattered else "lines+markers+text",
        "name": f"{panel.label}, {line.others}",
        "x": [point.value for point in line.points], "y": [rounded(point.accuracy) for point in line.points],
        "line": {"color": look.colour, "width": 1.6, "dash": DASHES[number % len(DASHES)]},
        "marker": {
            "symbol": [DIVERGED_SYMBOL if point.diverged else look.symbol for point in line.points],
            "size": 8, "color": look.colour,
        },
        "text": text, "textposition": sides, "textfont": {"size": SMALL - 1}, "cliponaxis": False,
        "customdata": [
            [point.hyperparameters, f"{percent(point.accuracy)} ± {percent(point.error)} %", point.trial_id[:ID_DIGITS]]
            for point in line.points
        ],
        "hovertemplate": f"<b>{escaped(panel.label)}</b> %{{customdata[0]}}<br>%{{customdata[1]}}<br>"
        f"{info.n:,} test images<br>trial %{{customdata[2]}}, click to follow<extra></extra>",
        "meta": {
            "label": panel.label, "name": panel.label, "relative": "y",
            "trials": [point.trial_id for point in line.points],
        },
    }  # fmt: skip


def explanation(info: KnobsInfo) -> str:
    """The figure in words."""
    told = ", ".join(f"{panel.label} {panel.symbol}" for panel in info.panels)
    where = f"{spoken(info.sweep.test_distortion)}, {at_level(info.sweep, info.sweep.practical)}"
    return f"{headed(info.measure)} under {where} against {count(len(info.panels), 'hyperparameter')}: {told}."
