"""Precision against recall of near-duplicates, drawn."""

from collections import Counter
from collections.abc import Mapping

from dashboards.captions import Part, captioned, numbers, trained_on
from dashboards.drawing import Drawing, Trace, axis, drawing, escaped, note, rounded
from dashboards.figures.near_duplicates import NearDuplicatesInfo, RetrievalCurve
from dashboards.palette import BASELINE, Look
from dashboards.wording import at_level, count, spoken, with_hyperparameters

HEIGHT, TOP, BOTTOM = 420, 40, 54
"""Pixels."""
ID_DIGITS = 8


def draw_near_duplicates(info: NearDuplicatesInfo, looks: Mapping[str, Look]) -> Drawing:
    """A thin line a trial, the baseline's strong; up and to the right is better."""
    traces = [_line(curve, looks) for curve in sorted(info.curves, key=lambda curve: curve.baseline)]
    made = drawing(
        traces,
        height=HEIGHT,
        margin={"l": 60, "r": 24, "t": TOP, "b": BOTTOM},
        xaxis=axis("recall: copies found, %", range=[0, 101], showgrid=False),
        yaxis=axis(range=[_floor(info), 101]),
        annotations=[
            note(
                "precision: copies among the pairs found, %", xref="paper", yref="paper", x=0, y=1, xanchor="left",
                yanchor="bottom", xshift=-50, yshift=10, align="left",
            )
        ],
    )  # fmt: skip
    made["layout"]["xaxis"]["title"]["standoff"] = 8
    return captioned(made, _caption(info))


def _floor(info: NearDuplicatesInfo) -> float:
    """Half of the pairs are copies, so that 50 % is guessing."""
    lowest = min((one.precision or 0 for curve in info.curves for one in curve.points), default=0.5)
    return min(49.0, 100 * lowest - 1)


def _caption(info: NearDuplicatesInfo) -> list[Part]:
    trials = Counter(curve.label for curve in info.curves if not curve.baseline)
    return [
        trained_on(info.train_distortion),
        f"copies under {under(info)}",
        numbers((label, number, 0) for label, number in trials.items()),
        count(info.n, "test image"),
    ]


def under(info: NearDuplicatesInfo) -> str:
    """`gaussian noise, σ 0.4`"""
    return f"{spoken(info.sweep.test_distortion)}, {at_level(info.sweep, info.sweep.practical)}"


def _line(curve: RetrievalCurve, looks: Mapping[str, Look]) -> Trace:
    look = BASELINE if curve.baseline else looks[curve.label]
    name = with_hyperparameters(curve.label, curve.hyperparameters)
    return {
        "type": "scatter", "mode": "lines", "opacity": 1.0 if curve.baseline else 0.7, "name": name,
        "x": [rounded(one.recall) for one in curve.points], "y": [rounded(one.precision) for one in curve.points],
        "line": {"color": look.colour, "width": 2.6 if curve.baseline else 1.3,
                 "dash": "dot" if curve.baseline else "solid"},
        "customdata": [one.threshold for one in curve.points],
        "hovertemplate": f"<b>{escaped(curve.label)}</b> {escaped(curve.hyperparameters)}<br>precision %{{y}} %, "
        f"recall %{{x}} %<br>within a distance of %{{customdata:.3g}}<br>trial {curve.trial_id[:ID_DIGITS]}, "
        "click to follow<extra></extra>",
        "meta": {"label": curve.label, "name": curve.label, "trials": [curve.trial_id] * len(curve.points),
                 "emphasis": curve.trial_id},
    }  # fmt: skip


def explanation(info: NearDuplicatesInfo) -> str:
    """The figure in words."""
    number = sum(not curve.baseline for curve in info.curves)
    return (
        f"Precision and recall of finding an image's copy under {under(info)}, of {count(number, 'trial')} trained on "
        f"{spoken(info.train_distortion)}."
    )
