"""A trial's curves as a still picture: SVG, drawn in a millisecond, for places that show images and no scripts."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby

from study.tracking.curves import Accuracies, Curves, SweepCurve

PANEL_WIDTH, PANEL_HEIGHT = 250, 170
"""Pixels of one panel's axes."""
LEFT, RIGHT, TOP, BOTTOM = 46, 18, 40, 44
"""Room around them."""
HEAD = 58
COLUMNS = 3
TRIAL, BASELINE, GRID, INK, MUTED = "#0072b2", "#6b6b6b", "#e3e3e3", "#222222", "#666666"
"""Okabe and Ito's blue, told apart from the grey by its line as well as its colour."""
FONT = "system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif"
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
FEW = 8
"""Epochs up to which each has its tick."""

Dot = tuple[float, float]
"""x and y in pixels."""


def still(curves: Curves) -> str:
    """Accuracy over each sweep beside the baseline's, and on the validation images by epoch."""
    panels = [
        *(_sweep(sweep, curves.measure) for sweep in curves.sweeps),
        *([_epochs(curves)] if curves.validation else []),
    ]
    columns = min(COLUMNS, max(1, len(panels)))
    rows = -(-len(panels) // columns)
    width = columns * (PANEL_WIDTH + LEFT + RIGHT)
    height = HEAD + rows * (PANEL_HEIGHT + TOP + BOTTOM)
    placed = (
        f'<g transform="translate({column * (PANEL_WIDTH + LEFT + RIGHT) + LEFT},'
        f'{HEAD + row * (PANEL_HEIGHT + TOP + BOTTOM) + TOP})">{panel}</g>'
        for (row, column), panel in zip(((i // columns, i % columns) for i in range(len(panels))), panels, strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="{FONT}" font-size="12" fill="{INK}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{_head(curves)}{"".join(placed)}</svg>\n'
    )


def _head(curves: Curves) -> str:
    title = f'<text x="16" y="24" font-size="15" font-weight="600">{escape(curves.name)}</text>'
    compared = any(sweep.baseline for sweep in curves.sweeps)
    legend = _legend(16, TRIAL, "this trial", "") + (_legend(110, BASELINE, "baseline", "5 4") if compared else "")
    n = (
        f'<text x="{210 if compared else 110}" y="46" fill="{MUTED}">{curves.n:,} test images</text>'
        if curves.n
        else ""
    )
    return title + legend + n


def _legend(x: int, colour: str, name: str, dashes: str) -> str:
    line = (
        f'<line x1="{x}" y1="42" x2="{x + 22}" y2="42" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'
    )
    return f'{line}<text x="{x + 28}" y="46">{name}</text>'


def _sweep(sweep: SweepCurve, measure: str) -> str:
    """Levels at equal distances, easy to hard, since some fall and some grow by orders of magnitude."""
    labels = ["clean", *(f"{level:g}" for level in sweep.levels)]
    xs = _places(len(labels))
    practical = xs[1 + sweep.levels.index(sweep.practical)]
    marker = (
        f'<line x1="{practical:.1f}" x2="{practical:.1f}" y1="0" y2="{PANEL_HEIGHT}" stroke="{MUTED}" '
        f'stroke-dasharray="1 3"/><text x="{practical:.1f}" y="-4" text-anchor="middle" font-size="10" '
        f'fill="{MUTED}">practical</text>'
    )
    drawn = _line(xs, sweep.baseline, BASELINE, "5 4") + _line(xs, sweep.accuracies, TRIAL, "")
    axis = sweep.parameter if sweep.parameter else "level"
    frame = _frame(f"tested on {sweep.test_distortion}", f"{axis}, easy to hard", measure, xs, labels)
    return frame + marker + drawn


def _epochs(curves: Curves) -> str:
    count = len(curves.validation)
    xs = _places(count)
    every = 1 if count <= FEW else -(-count // FEW)
    labels = [str(epoch) if epoch % every == 0 or every == 1 else "" for epoch in range(1, count + 1)]
    kept = curves.selected_epoch
    marker = ""
    if kept is not None and kept <= count:
        y = _y(curves.validation[kept - 1])
        marker = f'<circle cx="{xs[kept - 1]:.1f}" cy="{y:.1f}" r="6" fill="none" stroke="{INK}"/>'
    title = f"validation {curves.measure} by epoch"
    frame = _frame(title, "epoch; the kept one is circled", curves.measure, xs, labels)
    return frame + _line(xs, curves.validation, TRIAL, "") + marker


def _places(count: int) -> list[float]:
    return [PANEL_WIDTH * (0.5 if count == 1 else i / (count - 1)) for i in range(count)]


def _y(accuracy: float) -> float:
    return PANEL_HEIGHT * (1 - accuracy)


def _frame(title: str, axis: str, measure: str, xs: Sequence[float], labels: Iterable[str]) -> str:
    """Title, grid and ticks: percent upwards, `labels` along the foot."""
    rules = (
        f'<line x1="0" x2="{PANEL_WIDTH}" y1="{_y(tick):.1f}" y2="{_y(tick):.1f}" stroke="{GRID}"/>'
        f'<text x="-8" y="{_y(tick) + 4:.1f}" text-anchor="end" font-size="11" fill="{MUTED}">{100 * tick:.0f}</text>'
        for tick in TICKS
    )
    foot = (
        f'<text x="{x:.1f}" y="{PANEL_HEIGHT + 16}" text-anchor="middle" font-size="11" fill="{MUTED}">'
        f"{escape(label)}</text>"
        for x, label in zip(xs, labels, strict=True)
    )
    named = (
        f'<text x="0" y="-22" font-weight="600">{escape(title)}</text>'
        f'<text x="{PANEL_WIDTH / 2:.0f}" y="{PANEL_HEIGHT + 34}" text-anchor="middle" fill="{MUTED}">'
        f"{escape(axis)}</text>"
        f'<text x="{-LEFT + 12}" y="{PANEL_HEIGHT / 2:.0f}" text-anchor="middle" fill="{MUTED}" font-size="11" '
        f'transform="rotate(-90 {-LEFT + 12} {PANEL_HEIGHT / 2:.0f})">{escape(measure)}, %</text>'
    )
    return "".join((*rules, *foot, named))


def _line(xs: Sequence[float], accuracies: Accuracies, colour: str, dashes: str) -> str:
    """A line through what was measured, broken where nothing was."""
    return "".join(_stroke(dots, colour, dashes) for dots in _stretches(zip(xs, accuracies, strict=False)))


def _stretches(points: Iterable[tuple[float, float | None]]) -> Iterator[list[Dot]]:
    for measured, stretch in groupby(points, key=lambda point: point[1] is not None):
        if measured:
            yield [(x, _y(accuracy)) for x, accuracy in stretch if accuracy is not None]


def _stroke(dots: Sequence[Dot], colour: str, dashes: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
    line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'
    return line + "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in dots)
