"""Heat map: accuracy over a grid of two hyperparameters, with the baseline's level marked in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboards.drawing import Drawing, Trace, axis, drawing, escaped, note
from dashboards.palette import INK, MUTED, PAPER
from dashboards.results import Group, Results, Trial
from dashboards.wording import at_level, count, percent, spoken
from study.plan import Sweep
from study.report import Setting, figure

LEAST = 5
"""Values of each hyperparameter, at least, for a heat map to say more than its numbers."""
HEIGHT = 560
COLOURS = "Cividis"
"""Even in lightness for readers of every kind of colour vision (Nuñez et al. 2018)."""
BAR_TICKS = 5
FREE = 0.06
"""Of the colour bar's length: what the baseline's tick needs for itself."""


@dataclass(frozen=True, kw_only=True)
class Square:
    """One point of the grid: a trial, or replicates of it."""

    trial_ids: tuple[str, ...]
    accuracy: float | None
    """Mean over its trials; None until one is evaluated."""
    error: float | None
    """Standard error of one of them, binomial."""
    diverged: int


@dataclass(frozen=True, kw_only=True)
class HeatMapInfo:
    """One label on one training distortion, under one test condition."""

    measure: str
    """What a share of right ones is called."""
    label: str
    train_distortion: str
    sweep: Sweep
    level: float
    columns: tuple[float, ...]
    column_symbol: str
    rows: tuple[float, ...]
    row_symbol: str
    squares: tuple[tuple[Square, ...], ...]
    """By row, then column."""
    baseline_label: str | None
    baseline: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A group whose trials are all combinations of two hyperparameters, and nothing else varies."""

    group: Group
    across: Setting
    up: Setting

    @property
    def name(self) -> str:
        """`ST on gaussian noise: α × σ`"""
        group = self.group
        return f"{group.label} on {spoken(group.train_distortion)}: {self.across.symbol} × {self.up.symbol}"


def grids(results: Results) -> tuple[Grid, ...]:
    """Those of at least 5 × 5 points."""
    return tuple(grid for group in results.groups if (grid := _grid(group)) is not None)


def _grid(group: Group) -> Grid | None:
    """The first hyperparameter across, the second upwards."""
    varied = [one for one in group.trials[0].settings if len(_values(group.trials, one)) > 1]
    if len(varied) != 2 or min(len(_values(group.trials, one)) for one in varied) < LEAST:
        return None
    across, up = varied
    points = {(value_of(trial, across), value_of(trial, up)) for trial in group.trials}
    whole = len(_values(group.trials, across)) * len(_values(group.trials, up))
    return Grid(group=group, across=across, up=up) if len(points) == whole else None


def _values(trials: Sequence[Trial], knob: Setting) -> list[float]:
    return sorted({value for trial in trials if (value := value_of(trial, knob)) is not None})


def value_of(trial: Trial, knob: Setting) -> float | None:
    """None for what is no number."""
    found = next((one.value for one in trial.settings if (one.owner, one.name) == (knob.owner, knob.name)), None)
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def heat_map_info(results: Results, grid: Grid, sweep: Sweep, level: float) -> HeatMapInfo:
    """The figure's data at one level of one sweep."""
    condition = sweep.condition_ids[sweep.levels.index(level)]
    columns, rows = _values(grid.group.trials, grid.across), _values(grid.group.trials, grid.up)
    return HeatMapInfo(
        measure=results.plan.measure,
        label=grid.group.label,
        train_distortion=grid.group.train_distortion,
        sweep=sweep,
        level=level,
        columns=tuple(columns),
        column_symbol=_symbol(grid.across),
        rows=tuple(rows),
        row_symbol=_symbol(grid.up),
        squares=tuple(tuple(_square(results, grid, column, row, condition) for column in columns) for row in rows),
        baseline_label=results.baseline_label,
        baseline=results.baseline(condition),
        n=results.n,
    )


def _symbol(knob: Setting) -> str:
    return knob.symbol if knob.owner == "method" else f"{knob.symbol} in training ({spoken(knob.owner)})"


def _square(results: Results, grid: Grid, column: float, row: float, condition: str) -> Square:
    trials = [one for one in grid.group.trials if (value_of(one, grid.across), value_of(one, grid.up)) == (column, row)]
    cells = [cell for one in trials if (cell := results.cells.get((one.trial_id, condition))) is not None]
    return Square(
        trial_ids=tuple(one.trial_id for one in trials),
        accuracy=sum(cell.accuracy for cell in cells) / len(cells) if cells else None,
        error=cells[0].error if cells else None,
        diverged=sum(one.diverged for one in trials),
    )


def draw_heat_map(info: HeatMapInfo) -> Drawing:
    """Squares of one size, whatever the axes' steps: equal distances are equal ratios on a grid in logarithms."""
    made = drawing(
        [_squares(info), *_contour(info), *_crosses(info)],
        height=HEIGHT,
        margin={"l": 74, "r": 120, "t": 58, "b": 62},
        xaxis=_axis(info.column_symbol, info.columns),
        yaxis=_axis(info.row_symbol, info.rows),
        annotations=[
            note(
                f"{info.measure} on test images, %<br>under {escaped(spoken(info.sweep.test_distortion))}, "
                f"{at_level(info.sweep, info.level)}", xref="paper", yref="paper", x=0, y=1, xanchor="left",
                yanchor="bottom", xshift=-64, yshift=10, align="left",
            )
        ],
    )  # fmt: skip
    made["layout"]["meta"] = {"width": 200 + 110 * len(info.columns)}
    return made


def _axis(title: str, values: Sequence[float]) -> dict[str, object]:
    every = 1 if len(values) <= 9 else 2
    return axis(
        escaped(title), tickvals=list(range(len(values)))[::every],
        ticktext=[figure(value) for value in values][::every], range=[-0.5, len(values) - 0.5], showgrid=False,
    )  # fmt: skip


def _shown(square: Square) -> float | None:
    """One that diverged is crossed out instead: its colour would leave none for the differences between the others."""
    return None if square.accuracy is None or square.diverged else round(100 * square.accuracy, 3)


def _squares(info: HeatMapInfo) -> Trace:
    values = [[_shown(square) for square in row] for row in info.squares]
    known = [value for row in values for value in row if value is not None]
    known += [] if info.baseline is None else [100 * info.baseline]
    low, high = (min(known), max(known)) if known else (0.0, 100.0)
    return {
        "type": "heatmap", "z": values, "zmin": low, "zmax": max(high, low + 0.1), "colorscale": COLOURS,
        "xgap": 2, "ygap": 2, "hoverongaps": True, "name": info.label,
        "text": [[_text(square) for square in row] for row in info.squares], "texttemplate": "%{text}",
        "customdata": [[_told(info, row, column) for column in range(len(info.columns))]
                       for row in range(len(info.rows))],
        "hovertemplate": "%{customdata[0]}<extra></extra>",
        "colorbar": _colour_bar(info, low, max(high, low + 0.1)),
        "meta": {"label": info.label, "name": info.label,
                 "trials": [[square.trial_ids[0] for square in row] for row in info.squares]},
    }  # fmt: skip


def _text(square: Square) -> str:
    """How many replicates, too, where it is not one."""
    if square.accuracy is None or square.diverged:
        return ""
    number = len(square.trial_ids)
    return percent(square.accuracy) + (f"<br>n = {number}" if number > 1 else "")


def _told(info: HeatMapInfo, row: int, column: int) -> list[str]:
    square = info.squares[row][column]
    lines = [
        f"<b>{escaped(info.label)}</b> {info.column_symbol} = {figure(info.columns[column])}, "
        f"{info.row_symbol} = {figure(info.rows[row])}",
        "not evaluated yet"
        if square.accuracy is None or square.error is None
        else f"{percent(square.accuracy)} ± {percent(square.error)} % on {info.n:,} test images",
        f"{count(len(square.trial_ids), 'trial')}: {', '.join(one[:8] for one in square.trial_ids)}",
    ]
    return ["<br>".join([*lines, "diverged"] if square.diverged else lines)]


def _colour_bar(info: HeatMapInfo, low: float, high: float) -> dict[str, object]:
    """With a tick of its own for the baseline."""
    ticks = [low + (high - low) * place / (BAR_TICKS - 1) for place in range(BAR_TICKS)]
    texts = [f"{tick:.1f}" for tick in ticks]
    if info.baseline is not None:
        base = 100 * info.baseline
        kept = [(tick, text) for tick, text in zip(ticks, texts, strict=True) if abs(tick - base) > FREE * (high - low)]
        told = f"<b>◂ {base:.1f}<br>{escaped(info.baseline_label or '')}</b>"
        ticks, texts = [*(tick for tick, _ in kept), base], [*(text for _, text in kept), told]
    return {
        "tickvals": ticks, "ticktext": texts, "outlinewidth": 0, "thickness": 16, "len": 1, "ticks": "outside",
        "tickcolor": MUTED, "tickfont": {"color": INK},
    }  # fmt: skip


def _contour(info: HeatMapInfo) -> Iterator[Trace]:
    """Where the accuracy equals the baseline's, interpolated between squares; dark on a light rim, seen on all."""
    values = [[_shown(square) for square in row] for row in info.squares]
    known = [value for row in values for value in row if value is not None]
    if info.baseline is None or not known or not min(known) < 100 * info.baseline < max(known):
        return
    for colour, wide in ((PAPER, 6), (INK, 2.5)):
        yield {
            "type": "contour", "z": values, "name": f"level of {info.baseline_label}", "showscale": False,
            "contours": {"start": 100 * info.baseline, "end": 100 * info.baseline, "size": 1, "coloring": "none"},
            "line": {"color": colour, "width": wide, "smoothing": 0}, "hoverinfo": "skip", "connectgaps": False,
            "meta": {"label": info.label, "name": info.label, "fixed": True},
        }  # fmt: skip


def _crosses(info: HeatMapInfo) -> Iterator[Trace]:
    """Over squares with a trial that diverged, their accuracy below; that they diverged is told on hover."""
    places = [
        (column, row, square)
        for row, line in enumerate(info.squares)
        for column, square in enumerate(line)
        if square.diverged
    ]
    if places:
        yield {
            "type": "scatter", "mode": "markers+text", "x": [column for column, _, _ in places],
            "y": [row for _, row, _ in places], "marker": {"symbol": "x", "size": 12, "color": MUTED},
            "text": ["" if one.accuracy is None else percent(one.accuracy) for _, _, one in places],
            "textposition": "bottom center", "textfont": {"size": 12}, "hoverinfo": "skip", "name": "diverged",
            "meta": {"label": info.label, "name": info.label},
        }  # fmt: skip


def explanation(info: HeatMapInfo) -> str:
    """The figure in words, with how many squares are above the baseline."""
    where = f"{spoken(info.sweep.test_distortion)}, {at_level(info.sweep, info.level)}"
    squares = [square for row in info.squares for square in row if square.accuracy is not None]
    if not squares:
        return f"No trial of this grid has been evaluated under {where} yet."
    numbers = {len(square.trial_ids) for square in squares}
    each = f"{count(numbers.pop(), 'trial')}" if len(numbers) == 1 else "one or more trials"
    first = f"Each of the {len(squares)} squares is {each} on {info.n:,} test images under {where}."
    crossed = sum(square.diverged > 0 for square in squares)
    cross = f" A cross: diverged, as in {count(crossed, 'square')}." if crossed else ""
    if info.baseline is None:
        return first + cross
    above = sum(square.accuracy > info.baseline for square in squares if square.accuracy is not None)
    line = " The line is where they are equal." if any(_contour(info)) else ""
    return f"{first}{cross} {above} of {len(squares)} are above the baseline's {percent(info.baseline)} %.{line}"
