"""A trial's accuracy by corruption and severity, drawn: a square each, with the first test image in it."""

from collections.abc import Iterator
from typing import Any

from dashboards.captions import Part, captioned, trained_on
from dashboards.drawing import SMALL, Drawing, Trace, axis, drawing, escaped, note
from dashboards.ends import CHARACTER
from dashboards.figures.draw_heat_map import COLOURS
from dashboards.figures.severities import SeveritiesInfo, SeveritySquare
from dashboards.palette import INK, PAPER
from dashboards.wording import count, headed, percent, points, with_hyperparameters

LEAST = 82
ROW, COLUMN, TOP, BOTTOM, RIGHT = 34, 128, 56, 20, 76
"""Pixels."""
IMAGE = 0.86
"""Of a square's height."""
ASIDE = 0.31
"""Of a square's width: how far from its middle its image stands."""


def draw_severities(info: SeveritiesInfo) -> Drawing:
    """From the first corruption down; darker is worse."""
    left = round(24 + CHARACTER * max((len(one.spoken) for one in info.tests), default=0))
    made = drawing(
        [_squares(info)],
        height=TOP + BOTTOM + ROW * len(info.tests),
        margin={"l": left, "r": RIGHT, "t": TOP, "b": BOTTOM},
        xaxis=axis(
            side="top", tickvals=list(range(len(info.severities))),
            ticktext=[f"severity {one}" if one == info.severities[0] else str(one) for one in info.severities],
            range=[-0.5, len(info.severities) - 0.5], showgrid=False,
        ),
        yaxis=axis(
            tickvals=list(range(len(info.tests))), ticktext=[escaped(one.spoken) for one in info.tests],
            range=[len(info.tests) - 0.5, -0.5], showgrid=False,
        ),
        annotations=[
            note(
                f"{info.measure} on test images, %", xref="paper", yref="paper", x=0, y=1, xanchor="left",
                yanchor="bottom", xshift=8 - left, yshift=26,
            )
        ],
        shapes=list(_dividers(info)),
        images=list(_images(info)),
    )  # fmt: skip
    made["layout"]["meta"] = {
        "width": left + RIGHT + COLUMN * len(info.severities),
        "tall": True,
        "least": left + RIGHT + LEAST * len(info.severities),
    }
    return captioned(made, _caption(info))


def _caption(info: SeveritiesInfo) -> list[Part]:
    clean = "" if info.clean is None else f"{percent(info.clean)} % undistorted"
    name = with_hyperparameters(info.name, info.trial.in_brackets)
    return [name, trained_on(info.trial.train_distortion), clean, count(info.n, "test image")]


def _known(info: SeveritiesInfo) -> Iterator[float]:
    return (square.accuracy for row in info.squares for square in row if square.accuracy is not None)


def _squares(info: SeveritiesInfo) -> Trace:
    highest = max((*_known(info), *(() if info.clean is None else (info.clean,))), default=1.0)
    lowest = min(_known(info), default=0.0)
    pictured = any(square.example for row in info.squares for square in row)
    return {
        "type": "heatmap", "colorscale": COLOURS, "zmin": round(100 * lowest, 1), "zmax": round(100 * highest, 1),
        "z": [[None if one.accuracy is None else round(100 * one.accuracy, 2) for one in row] for row in info.squares],
        "text": [["" if one.accuracy is None else ("     " if pictured else "") + percent(one.accuracy) for one in row]
                 for row in info.squares],
        "texttemplate": "%{text}", "xgap": 2, "ygap": 2, "hoverongaps": True, "name": info.name,
        "customdata": [[[_told(info, row, column)] for column in range(len(info.severities))]
                       for row in range(len(info.tests))],
        "hovertemplate": "%{customdata[0]}<extra></extra>",
        "colorbar": {"outlinewidth": 0, "thickness": 14, "len": 1, "tickfont": {"color": INK, "size": SMALL}},
        "meta": {"label": info.trial.label, "name": info.trial.label},
    }  # fmt: skip


def _told(info: SeveritiesInfo, row: int, column: int) -> str:
    square = info.squares[row][column]
    lines = [
        f"<b>{escaped(info.tests[row].spoken)}</b>, severity {info.severities[column]}",
        "not evaluated"
        if square.accuracy is None or square.error is None
        else f"{percent(square.accuracy)} ± {percent(square.error)} % on {info.n:,} test images",
        *_against(info, square),
    ]
    return "<br>".join(lines)


def _against(info: SeveritiesInfo, square: SeveritySquare) -> Iterator[str]:
    if info.compared and square.accuracy is not None and square.compared is not None:
        yield f"{points(square.accuracy - square.compared)} points against {escaped(info.compared)}'s"
        yield f"{percent(square.compared)} %"


def _dividers(info: SeveritiesInfo) -> Iterator[dict[str, Any]]:
    """Between kinds of corruptions."""
    for number, (before, after) in enumerate(zip(info.tests, info.tests[1:], strict=False)):
        if before.kind != after.kind:
            yield {
                "type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": number + 0.5, "y1": number + 0.5,
                "line": {"color": PAPER, "width": 7},
            }  # fmt: skip


def _images(info: SeveritiesInfo) -> Iterator[dict[str, Any]]:
    """At the left of its square."""
    for row, line in enumerate(info.squares):
        for column, square in enumerate(line):
            if square.example is not None:
                yield {
                    "source": f"example:{square.example}", "xref": "x", "yref": "y", "x": column - ASIDE, "y": row,
                    "sizex": IMAGE, "sizey": IMAGE, "sizing": "contain", "xanchor": "center", "yanchor": "middle",
                    "layer": "above",
                }  # fmt: skip


def explanation(info: SeveritiesInfo) -> str:
    """The figure in words."""
    known = sorted(
        (square.accuracy, test.spoken, severity)
        for test, row in zip(info.tests, info.squares, strict=True)
        for severity, square in zip(info.severities, row, strict=True)
        if square.accuracy is not None
    )
    if not known:
        return f"{headed(info.name)} has not been evaluated under a corruption yet."
    (low, worst, at), (high, best, best_at) = known[0], known[-1]
    return (
        f"{headed(with_hyperparameters(info.name, info.trial.in_brackets))}: {percent(low)} % under {worst} {at} to "
        f"{percent(high)} % under {best} {best_at}."
    )
