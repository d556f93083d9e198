"""Every pair of a training and a test distortion at once: worst and best trial against the baseline."""

import html
from collections.abc import Iterator

from dashboards.answers import interval
from dashboards.figures.pairs import PairCell, PairRow, PairsInfo, draw_pairs, kind, pairs_info
from dashboards.paired import Difference
from dashboards.parts import Column, Page, Slot, Table, Variant, slot_html
from dashboards.picks import BY
from dashboards.results import Results
from dashboards.wording import points, short_level, spoken
from study.plan import Sweep

ORDER = 30


def page(results: Results) -> Page | None:
    """None where there is no baseline to measure against."""
    if not results.sweeps or not results.baselines or not results.groups:
        return None
    infos = {by: pairs_info(results, by) for by in BY}
    slot = Slot(
        name="pairs",
        title="Every pair",
        variants=tuple(Variant(when={"pick": by}, table=_table(infos[by]), picture=draw_pairs(infos[by])) for by in BY),
    )
    matrices = "".join(_matrix(info) for info in infos.values())
    body = (
        "<h2>Every pair, at the practical level</h2>"
        '<p class="lead">Worst and best trial, in points above (+) or below (−) the baseline. '
        "Grey: inside ± 2 standard errors of the difference, image by image. Choose a cell, and the figures above show "
        f"that pair.</p>{matrices}{slot_html(slot, classes='table-only')}"
    )
    return Page(name="pairs", nav="Pairs", body=body, slots=(slot,))


def _matrix(info: PairsInfo) -> str:
    heads = "".join(
        f'<th scope="col">{html.escape(short_level(sweep))}<span class="sub">worst · best</span></th>'
        for sweep in info.sweeps
    )
    hidden = "" if info.by == "test" else " hidden"
    return (
        f'<div class="table-box matrix-box" tabindex="0" data-show-pick="{info.by}"{hidden}><table class="matrix">'
        f'<thead><tr><th scope="col">trained on</th><th scope="col">method</th>{heads}</tr></thead>'
        f"<tbody>{''.join(_lines(info))}</tbody></table></div>"
    )


def _lines(info: PairsInfo) -> Iterator[str]:
    before = None
    for row in info.rows:
        train = row.group.train_distortion
        head = html.escape(spoken(train)) if train != before else ""
        first = ' class="first"' if train != before else ""
        before = train
        cells = "".join(_button(info, row, sweep, cell) for sweep, cell in zip(info.sweeps, row.cells, strict=True))
        label = html.escape(row.group.label)
        yield f'<tr{first} data-label="{label}"><th scope="row">{head}</th><th scope="row">{label}</th>{cells}</tr>'


def _button(info: PairsInfo, row: PairRow, sweep: Sweep, cell: PairCell) -> str:
    if cell.worst is None or cell.best is None:
        return '<td class="empty">–</td>'
    train, label = row.group.train_distortion, row.group.label
    said = (
        f"{label} trained on {spoken(train)}, tested on {short_level(sweep)}: worst {points(cell.worst.value)} "
        f"{interval(cell.worst)}, best {points(cell.best.value)} {interval(cell.best)}; {cell.trials} trials"
    )
    return (
        f'<td><button type="button" data-train="{html.escape(train)}" data-test="{html.escape(sweep.test_distortion)}" '
        f'title="{html.escape(said)}" aria-label="{html.escape(said)}">{_value(cell.worst)} {_value(cell.best)}'
        "</button></td>"
    )


def _value(difference: Difference) -> str:
    return f'<span class="{kind(difference)}">{points(difference.value)}</span>'


def _table(info: PairsInfo) -> Table:
    columns = (
        Column("trained_on", "trained on"), Column("label", "method"), Column("tested_on", "tested on"),
        Column("level", "level", "number"), Column("trials", "trials", "number"),
        Column("worst", "worst", "points"), Column("worst_standard_error", "± one s.e.", "points"),
        Column("best", "best", "points"), Column("best_standard_error", "± one s.e.", "points"),
    )  # fmt: skip
    rows = (
        (
            row.group.train_distortion, row.group.label, sweep.test_distortion, sweep.practical, cell.trials,
            *(part for one in (cell.worst, cell.best) for part in _numbers(one)),
        )
        for row in info.rows
        for sweep, cell in zip(info.sweeps, row.cells, strict=True)
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(rows))


def _numbers(difference: Difference | None) -> tuple[float | None, float | None]:
    return (None, None) if difference is None else (round(difference.value, 6), round(difference.error, 6))
