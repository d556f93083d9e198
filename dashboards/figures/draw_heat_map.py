"""Heat map, drawn: squares, the edge between those above the baseline and the others, crosses over what diverged."""

from collections.abc import Iterator, Sequence

from dashboards.captions import captioned, numbers, trained_on
from dashboards.drawing import Drawing, Trace, axis, drawing, escaped, note
from dashboards.figures.heat_map import HeatMapInfo, Square
from dashboards.palette import INK, MUTED, PAPER
from dashboards.ranges import quantile
from dashboards.wording import at_level, count, fitted, percent, spoken
from study.report import figure

HEIGHT = 560
COLOURS = "Cividis"
"""Even in lightness for readers of every kind of colour vision (Nuñez et al. 2018)."""
BAR_TICKS = 5
LONGEST = 10
"""Characters of a line beside the bar."""
FREE = 0.06
"""Of the colour bar's length: what the baseline's tick needs for itself."""


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
    squares = [square for row in info.squares for square in row if square.accuracy is not None]
    trials = (info.label, sum(len(one.trial_ids) for one in squares), sum(one.diverged for one in squares))
    return captioned(made, [trained_on(info.train_distortion), numbers([trials]), count(info.n, "test image")])


def _axis(title: str, values: Sequence[float]) -> dict[str, object]:
    every = 1 if len(values) <= 9 else 2
    return axis(
        escaped(title), tickvals=list(range(len(values)))[::every],
        ticktext=[figure(value) for value in values][::every], range=[-0.5, len(values) - 0.5], showgrid=False,
    )  # fmt: skip


def _shown(square: Square) -> float | None:
    """One that diverged is crossed out instead: its colour would leave none for the differences between the others."""
    return None if square.accuracy is None or square.diverged else round(100 * square.accuracy, 3)


def _known(info: HeatMapInfo) -> list[float]:
    return [value for row in info.squares for square in row if (value := _shown(square)) is not None]


def _limits(info: HeatMapInfo) -> tuple[float, float]:
    """Of the colours, in percent: from Tukey's lower fence, Q1 − 1.5 IQR, where squares lie below it, to the highest.

    So a few collapsed trials leave the others their colours. The baseline is within.
    """
    known = sorted(_known(info))
    if not known:
        return 0.0, 100.0
    q1, q3 = quantile(known, 0.25), quantile(known, 0.75)
    marked = [] if info.baseline is None else [100 * info.baseline]
    low = min(max(known[0], q1 - 1.5 * (q3 - q1)), *marked, known[-1])
    return low, max(*known, *marked, low + 0.1)


def _below(info: HeatMapInfo) -> int:
    """Squares that lie below all colours."""
    low, _ = _limits(info)
    return sum(value < low for value in _known(info))


def _squares(info: HeatMapInfo) -> Trace:
    values = [[_shown(square) for square in row] for row in info.squares]
    low, high = _limits(info)
    return {
        "type": "heatmap", "z": values, "zmin": low, "zmax": high, "colorscale": COLOURS,
        "xgap": 2, "ygap": 2, "hoverongaps": True, "name": info.label,
        "text": [[_text(square) for square in row] for row in info.squares], "texttemplate": "%{text}",
        "customdata": [[_told(info, row, column) for column in range(len(info.columns))]
                       for row in range(len(info.rows))],
        "hovertemplate": "%{customdata[0]}<extra></extra>",
        "colorbar": _colour_bar(info, low, high),
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
    least = "≤ " if _below(info) else ""
    texts[0] = least + texts[0]
    if info.baseline is not None:
        base = 100 * info.baseline
        kept = [(tick, text) for tick, text in zip(ticks, texts, strict=True) if abs(tick - base) > FREE * (high - low)]
        name = "<br>".join(map(escaped, fitted(info.baseline_name, LONGEST, lines=2)))
        told = f"<b>◂ {least if base == low else ''}{base:.1f}<br>{name}</b>"
        ticks, texts = [*(tick for tick, _ in kept), base], [*(text for _, text in kept), told]
    return {
        "tickvals": ticks, "ticktext": texts, "outlinewidth": 0, "thickness": 16, "len": 1, "ticks": "outside",
        "tickcolor": MUTED, "tickfont": {"color": INK},
    }  # fmt: skip


def _contour(info: HeatMapInfo) -> Iterator[Trace]:
    """Along the edges between squares above the baseline and others, clear of their numbers; dark on a light rim."""
    edges = list(_edges(info))
    for colour, wide in ((PAPER, 6), (INK, 2.5)) if edges else ():
        yield {
            "type": "scatter", "mode": "lines", "name": f"level of {info.baseline_label}",
            "x": [x for (a, _), (b, _) in edges for x in (a, b, None)],
            "y": [y for (_, a), (_, b) in edges for y in (a, b, None)],
            "line": {"color": colour, "width": wide}, "hoverinfo": "skip",
            "meta": {"label": info.label, "name": info.label},
        }  # fmt: skip


Point = tuple[float, float]


def _edges(info: HeatMapInfo) -> Iterator[tuple[Point, Point]]:
    """From end to end, a little longer, so that they meet at corners."""
    half = 0.515
    above = {
        (column, row): square.accuracy > info.baseline
        for row, line in enumerate(info.squares)
        for column, square in enumerate(line)
        if info.baseline is not None and square.accuracy is not None and not square.diverged
    }
    for (column, row), side in above.items():
        if above.get((column + 1, row), side) != side:
            yield (column + 0.5, row - half), (column + 0.5, row + half)
        if above.get((column, row + 1), side) != side:
            yield (column - half, row + 0.5), (column + half, row + 0.5)


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
    below = _below(info)
    beyond = "lies" if below == 1 else "lie"
    clipped = (
        f" {count(below, 'square')} {beyond} below {_limits(info)[0]:.1f} %, where colours begin." if below else ""
    )
    crossed = sum(square.diverged > 0 for square in squares)
    cross = f" A cross: diverged, as in {count(crossed, 'square')}." if crossed else ""
    if info.baseline is None:
        return first + cross + clipped
    above = sum(square.accuracy > info.baseline for square in squares if square.accuracy is not None)
    line = " The line is between those and the others." if any(_contour(info)) else ""
    return (
        f"{first}{cross}{clipped} {above} of {len(squares)} are above the baseline's {percent(info.baseline)} %.{line}"
    )
