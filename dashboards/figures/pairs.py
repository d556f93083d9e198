"""Every pair of a training and a test distortion at once: worst and best trial against the baseline."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from dashboards.captions import captioned
from dashboards.drawing import Drawing, axis, drawing, escaped
from dashboards.ends import CHARACTER
from dashboards.paired import Difference
from dashboards.palette import ABOVE, BELOW, INK, PAPER, WITHIN
from dashboards.picks import By, bases, pick
from dashboards.results import Group, Results, practical_condition
from dashboards.wording import count, fitted, listed, points, short_level, spoken
from study.plan import Sweep

ROW, COLUMN, TOP, BOTTOM = 32, 130, 84, 18
"""Pixels."""
LONGEST, HEAD = 30, 18
"""Characters of a row's name, and of a line of a column's."""


@dataclass(frozen=True, kw_only=True)
class PairCell:
    """Worst and best trial of a group at one practical level, against the baseline."""

    worst: Difference | None
    best: Difference | None
    trials: int


@dataclass(frozen=True, kw_only=True)
class PairRow:
    """One group under every test distortion."""

    group: Group
    cells: tuple[PairCell, ...]


@dataclass(frozen=True, kw_only=True)
class PairsInfo:
    """The whole matrix."""

    sweeps: tuple[Sweep, ...]
    rows: tuple[PairRow, ...]
    by: By
    basis: str
    """What best and worst were ranked by, in words."""
    n: int
    """Test images."""


def pairs_info(results: Results, by: By) -> PairsInfo:
    """Rows by training distortion, then label, in the plan's order."""
    return PairsInfo(
        sweeps=results.sweeps,
        rows=tuple(
            PairRow(
                group=group,
                cells=tuple(_cell(results, group, sweep, by) for sweep in results.sweeps),
            )
            for train in results.trained_on
            for group in results.groups_on(train)
        ),
        by=by,
        basis=_basis(results, by),
        n=results.n,
    )


def _cell(results: Results, group: Group, sweep: Sweep, by: By) -> PairCell:
    condition = practical_condition(sweep)
    chosen = pick(results, group, sweep, condition, by)
    if chosen is None:
        return PairCell(worst=None, best=None, trials=0)
    return PairCell(
        worst=results.difference(chosen.worst, condition),
        best=results.difference(chosen.best, condition),
        trials=sum(results.accuracy(trial, condition) is not None for trial in group.trials),
    )


def _basis(results: Results, by: By) -> str:
    found = (bases(results, results.groups, sweep, practical_condition(sweep))[by] for sweep in results.sweeps)
    return listed(list(dict.fromkeys(filter(None, found))))


Kind = Literal["below", "within", "above"]
KINDS: dict[Kind, int] = {"below": -1, "within": 0, "above": 1}


def kind(difference: Difference) -> Kind:
    """On which side of the baseline, or too near to say."""
    return "within" if not difference.clear else "above" if difference.value > 0 else "below"


def draw_pairs(info: PairsInfo) -> Drawing:
    """The matrix as a picture, to be downloaded: on the page it is a table."""
    values = [[one for cell in row.cells for one in (cell.worst, cell.best)] for row in info.rows]
    names = [_name(row, before) for before, row in pairwise((None, *info.rows)) if row is not None]
    left = round(24 + CHARACTER * max(map(len, names), default=0))
    made = drawing(
        [
            {
                "type": "heatmap", "z": [[None if one is None else KINDS[kind(one)] for one in row] for row in values],
                "text": [["" if one is None else points(one.value) for one in row] for row in values],
                "texttemplate": "%{text}", "textfont": {"color": INK}, "zmin": -1, "zmax": 1, "showscale": False,
                "colorscale": [[0, BELOW], [0.5, WITHIN], [1, ABOVE]], "xgap": 3, "ygap": 3, "hoverinfo": "skip",
                "name": "pairs", "meta": {},
            }
        ],
        height=TOP + BOTTOM + ROW * len(info.rows),
        margin={"l": left, "r": 16, "t": TOP, "b": BOTTOM},
        xaxis=axis(
            side="top", tickvals=[2 * place + 0.5 for place in range(len(info.sweeps))],
            ticktext=[_head(sweep) for sweep in info.sweeps], showgrid=False,
        ),
        yaxis=axis(
            tickvals=list(range(len(names))), ticktext=list(map(escaped, names)), showgrid=False,
            range=[len(names) - 0.5, -0.5],
        ),
        shapes=[
            {"type": "line", "x0": 2 * place - 0.5, "x1": 2 * place - 0.5, "y0": 0, "y1": 1, "yref": "paper",
             "line": {"color": PAPER, "width": 14}}
            for place in range(1, len(info.sweeps))
        ],
    )  # fmt: skip
    made["layout"]["width"] = left + 16 + COLUMN * len(info.sweeps)
    made["layout"]["meta"] = {"width": made["layout"]["width"]}
    told = "Worst and best trial at the practical level, in points above (+) or below (−) the baseline"
    parts = [told, "grey: within 2 standard errors of the difference", count(info.n, "test image")]
    return captioned(made, [*parts, f"picked on {info.basis}"] if info.basis else parts)


def _name(row: PairRow, before: PairRow | None) -> str:
    """With what it was trained on where that changes."""
    train, label = row.group.train_distortion, *fitted(row.group.label, LONGEST)
    same = before is not None and before.group.train_distortion == train
    return label if same else f"{spoken(train)} · {label}"


def _head(sweep: Sweep) -> str:
    return "<br>".join(map(escaped, (*fitted(short_level(sweep), HEAD, lines=2), "worst · best")))
