"""The main question of a pair: the answer in sentences, the bands, and who stands where."""

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import urlencode

from dashboards.answers import answer, sentences, why_nothing
from dashboards.figures import standing
from dashboards.figures.bands import Band, BandsInfo, Curve, Selection, bands_info
from dashboards.figures.draw_bands import draw_bands, explanation, filled_at_first
from dashboards.legends import band_families
from dashboards.palette import Look, looks
from dashboards.parts import Choice, Column, Page, Slot, Table, Variant, choices_html, slot_html
from dashboards.picks import BY, By
from dashboards.ranges import QUANTILES
from dashboards.results import Results
from dashboards.selections import (
    PaperFigure,
    band_choice,
    opening_pair,
    paper_figures,
    pick_choice,
    scale_choice,
    train_choice,
    train_options,
)
from dashboards.wording import headed, spoken

ORDER = 10

BAND_TOLD = (
    '<p class="lead" data-unless-band="all" hidden>The sentences speak of all trials, whatever the band holds.</p>'
)
HOW_TO_READ = (
    "Each dot is a trial: hover for its hyperparameters, click to follow it through every figure, Escape to let it go. "
    "A hollow one is within 2 standard errors of the baseline, paired image by image; a cross diverged.",
)


def page(results: Results) -> Page | None:
    """None for a study that tests nothing but undistorted images."""
    if not results.sweeps:
        return None
    slots = (
        Slot(name="bands", title=f"{headed(results.plan.measure)} against test level", variants=tuple(_bands(results))),
        Slot(name="standing", title="Who stands where at the practical level", variants=tuple(_standing(results))),
    )
    choices = _choices(results)
    body = (
        f"{choices_html(choices)}{_figure_links(paper_figures(results))}{BAND_TOLD}"
        f'<div class="side-by-side">{slot_html(slots[0], classes="wide")}{slot_html(slots[1])}</div>'
    )
    return Page(name="bands", nav="Bands", body=body, choices=choices, slots=slots)


def _choices(results: Results) -> tuple[Choice, ...]:
    _, test = opening_pair(results)
    train = train_choice(results)
    return (
        *((train,) if train is not None else ()),
        Choice(
            name="test", title="tested on", default=test,
            options=tuple((one.test_distortion, spoken(one.test_distortion)) for one in results.sweeps),
        ),
        band_choice(),
        scale_choice(results),
        pick_choice(),
    )  # fmt: skip


def _figure_links(figures: Sequence[PaperFigure]) -> str:
    """Links to the page of the study's figures."""
    if not figures:
        return ""
    links = " ".join(
        f'<a href="#{urlencode({"page": "figures", "figure": one.name})}" data-page="figures"'
        f' data-figure="{html.escape(one.name)}">{html.escape(one.name)}</a>'
        for one in figures
    )
    return f'<p class="figure-links">Figures of the study: {links}</p>'


def _selections(results: Results) -> Iterator[tuple[dict[str, str], Selection]]:
    """(when, what) of every variant: every pair."""
    for train in train_options(results):
        for sweep in results.sweeps:
            when = {"train": train, "test": sweep.test_distortion}
            yield when, Selection(train_distortion=train, test_distortion=sweep.test_distortion)


def _bands(results: Results) -> Iterator[Variant]:
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    for when, selection in _selections(results):
        missing = why_nothing(results, selection.train_distortion, selection.test_distortion)
        if missing:
            yield Variant(when=when, missing=missing)
        else:
            yield drawn_bands(results, when, selection, drawn_as, bands_table)


def drawn_bands(
    results: Results,
    when: Mapping[str, str],
    selection: Selection,
    drawn_as: Mapping[str, Look],
    table: Callable[[BandsInfo], Table],
) -> Variant:
    """The figure of a selection, what it says in sentences, and its `table`."""
    info = bands_info(results, selection)
    return Variant(
        when=when,
        drawing=draw_bands(info, drawn_as),
        text={by: sentences(answer(results, selection, by)) for by in BY},
        alt=explanation(info),
        table=table(info),
        families=tuple(band_families(info, drawn_as)),
        filled=filled_at_first(info),
    )


def bands_table(info: BandsInfo) -> Table:
    """A row for each band and level."""
    columns = (
        Column("label", "method"), Column("trained_on", "trained on"), Column(info.sweep.parameter, "level", "number"),
        Column("trials", "trials", "number"), Column("diverged", "diverged", "number"),
        *(Column(edge, edge, "rate") for edge in QUANTILES),
        *(_width_column(info.equal_n),) * bool(info.equal_n),
        *(column for pick in PICKS for column in _pick_columns(pick)),
        Column("baseline", info.baseline_name or "baseline", "rate"), Column("n", "images", "number"),
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(_table_rows(info)))


def _width_column(equal_n: int) -> Column:
    return Column(f"expected_width_of_{equal_n}", f"width of any {equal_n}", "width")


PickedBy = tuple[str, By]
"""best or worst, by which images"""
PICKS: tuple[PickedBy, ...] = tuple((role, by) for by in BY for role in ("best", "worst"))


def _pick_columns(pick: PickedBy) -> tuple[Column, ...]:
    """A curve that is drawn, and whose it is."""
    role, by = pick
    name, title = f"{role}_by_{by}", f"{role} by {by}"
    return (
        Column(name, title, "rate"), Column(f"{name}_trial", ""),
        Column(f"{name}_hyperparameters", f"hyperparameters of {title}"),
    )  # fmt: skip


def _table_rows(info: BandsInfo) -> Iterator[tuple[object, ...]]:
    for band in info.bands:
        picked = [_picked(info, band, pick) for pick in PICKS]
        for step in range(info.steps):
            level = "clean" if step == 0 else info.sweep.levels[step - 1]
            edges = (_exact(band.edges[edge][step]) for edge in QUANTILES)
            yield (
                band.label, band.train_distortion, level, band.evaluated, band.diverged, *edges,
                *([_exact(band.expected[step])] if info.equal_n else []),
                *(cell for curve in picked for cell in _pick_cells(curve, step)), _exact(info.baseline[step]), info.n,
            )  # fmt: skip


def _picked(info: BandsInfo, band: Band, pick: PickedBy) -> Curve | None:
    role, by = pick
    wanted = (one for one in info.curves if (one.name, one.by) == (band.name, by))
    return next((one for one in wanted if one.role in (role, "only")), None)


def _pick_cells(curve: Curve | None, step: int) -> tuple[object, ...]:
    return (None,) * 3 if curve is None else (_exact(curve.accuracy[step]), curve.trial_id, curve.hyperparameters)


def _exact(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _standing(results: Results) -> Iterator[Variant]:
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    for when, selection in _selections(results):
        info = standing.standing_info(results, selection)
        if any(row.dots for row in info.rows):
            yield Variant(
                when=when,
                drawing=standing.draw_standing(info, drawn_as),
                text={"": HOW_TO_READ},
                alt=standing.explanation(info),
                table=_standing_table(info),
            )
        else:
            yield Variant(when=when)


def _standing_table(info: standing.StandingInfo) -> Table:
    columns = (
        Column("label", "method"), Column("trial_id", "trial", "trial"), Column("hyperparameters", "hyperparameters"),
        Column("accuracy", "accuracy", "rate"), Column("standard_error", "± one s.e.", "rate"),
        Column("above_baseline", "above the baseline", "points"),
        Column("standard_error_of_difference", "± one s.e. of it", "width"),
        Column("diverged", "diverged"), Column("picked_by_test", "by test"),
        Column("picked_by_validation", "by validation"),
    )  # fmt: skip
    rows = (
        (
            dot.label, dot.trial_id, dot.hyperparameters, _exact(dot.accuracy), _exact(dot.error),
            None if dot.difference is None else _exact(dot.difference.value),
            None if dot.difference is None else _exact(dot.difference.error),
            "yes" if dot.diverged else "", dot.role["test"], dot.role["validation"],
        )
        for row in info.rows
        for dot in row.dots
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(rows))
