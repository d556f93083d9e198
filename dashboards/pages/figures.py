"""The study's figures, as its `figures:` names them: the curves that a paper draws, one figure at a time or all."""

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from dashboards.answers import answer, sentences, why_nothing
from dashboards.figures.bands import BandsInfo, Curve, Selection, bands_info
from dashboards.figures.draw_bands import explanation, filled_at_first
from dashboards.figures.draw_panels import draw_panels
from dashboards.legends import band_families
from dashboards.pages.bands import drawn_bands
from dashboards.palette import Look, looks
from dashboards.parts import Choice, Column, Page, Slot, Table, Variant, choice_html, slot_html
from dashboards.picks import BY, By
from dashboards.ranges import QUANTILES
from dashboards.results import Results
from dashboards.selections import PaperFigure, paper_figures, pick_choice, scale_choice
from dashboards.wording import at_level, listed, spoken

ORDER = 15
EVERY = "all"
"""The figure that is all of them, and the level that is all at which a figure picks."""
LEAD = (
    "Best and worst are told as papers draw them: for each p of data augmentation, over all other hyperparameters, "
    "which stand in brackets. The band is the range over all trials of stability training; the legend fills others."
)


def page(results: Results) -> Page | None:
    """None for a study without `figures:`."""
    figures = paper_figures(results)
    if not figures:
        return None
    choices = (_figure_choice(figures), _level_choice(figures), scale_choice(results), pick_choice())
    slot = Slot(name="figures", title="Figures of the study", variants=tuple(_variants(results, figures)))
    first, _, *rest = choices
    body = (
        f'<h2>Figures</h2><p class="lead">{html.escape(LEAD)}</p><div class="choices">{choice_html(first)}'
        f"{''.join(_levels(results, one) for one in figures)}{''.join(map(choice_html, rest))}</div>"
        f"{slot_html(slot)}{''.join(map(_pair, figures))}"
    )
    return Page(name="figures", nav="Figures", body=body, choices=choices, slots=(slot,))


def _figure_choice(figures: Sequence[PaperFigure]) -> Choice:
    named = tuple((one.name, _headed(one)) for one in figures)
    every = ((EVERY, f"all {len(figures)}"),) if len(figures) > 1 else ()
    return Choice(name="figure", title="Figure", options=(*named, *every), default=figures[0].name)


def _headed(figure: PaperFigure) -> str:
    """`1b: thumbnail → jpeg`"""
    selection = figure.selection
    return f"{figure.name}: {spoken(selection.train_distortion)} → {spoken(selection.test_distortion)}"


def _level_choice(figures: Sequence[PaperFigure]) -> Choice:
    """What may stand in an address; one that a figure does not have is its first."""
    several = (one.selection.pick_at for one in figures if len(one.selection.pick_at) > 1)
    values = dict.fromkeys(f"{level:g}" for levels in several for level in levels)
    return Choice(
        name="pick_at", title="picked at", options=tuple((one, one) for one in ("", *values, EVERY)), default=""
    )


def _levels(results: Results, figure: PaperFigure) -> str:
    """Where a figure picks at several levels: which of them."""
    levels = figure.selection.pick_at
    if len(levels) < 2:
        return ""
    sweep = results.sweep(figure.selection.test_distortion)
    each = tuple((f"{one:g}", at_level(sweep, one)) for one in levels)
    both = "both" if len(levels) == 2 else f"all {len(levels)}"
    choice = Choice(name="pick_at", title="picked at", options=(*each, (EVERY, both)), default=each[0][0])
    return f'<span data-show-figure="{html.escape(figure.name)}" hidden>{choice_html(choice)}</span>'


def _pair(figure: PaperFigure) -> str:
    """The way to everything else about its pair."""
    selection = figure.selection
    train, test = selection.train_distortion, selection.test_distortion
    address = urlencode({"train": train, "test": test, "page": "bands"})
    return (
        f'<p class="figure-links" data-show-figure="{html.escape(figure.name)}" hidden>Every trial of it as a dot, and '
        f'what each hyperparameter does: <a href="#{html.escape(address)}" data-page="bands" '
        f'data-train="{html.escape(train)}" data-test="{html.escape(test)}">trained on {html.escape(spoken(train))}, '
        f"tested on {html.escape(spoken(test))}</a></p>"
    )


def _variants(results: Results, figures: Sequence[PaperFigure]) -> Iterator[Variant]:
    """Of each figure by level, the last of them for whatever level is chosen; then all figures as one."""
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    for figure in figures:
        for level, selection in _picked(figure.selection):
            yield _variant(results, {"figure": figure.name, **level}, selection, drawn_as)
    if len(figures) > 1:
        yield _together(results, figures, drawn_as)


def _picked(selection: Selection) -> Iterator[tuple[dict[str, str], Selection]]:
    first, *further = selection.pick_at or (None,)
    for level in further:
        yield {"pick_at": f"{level:g}"}, replace(selection, pick_at=(level,))
    if further:
        yield {"pick_at": EVERY}, selection
    yield {}, selection if first is None else replace(selection, pick_at=(first,))


def _variant(results: Results, when: dict[str, str], selection: Selection, drawn_as: Mapping[str, Look]) -> Variant:
    missing = why_nothing(results, selection.train_distortion, selection.test_distortion)
    if missing:
        return Variant(when=when, missing=missing)
    return drawn_bands(results, when, selection, drawn_as, lambda info: curves_table([("", info)]))


def _together(results: Results, figures: Sequence[PaperFigure], drawn_as: Mapping[str, Look]) -> Variant:
    """Those with anything to draw, each picked at all its levels."""
    shown = [
        (one.name, one.selection)
        for one in figures
        if not why_nothing(results, one.selection.train_distortion, one.selection.test_distortion)
    ]
    if not shown:
        return Variant(when={"figure": EVERY}, missing="None of the figures has anything to draw yet.")
    infos = [(name, bands_info(results, selection)) for name, selection in shown]
    families = {one.name: one for _, info in infos for one in band_families(info, drawn_as)}
    return Variant(
        when={"figure": EVERY},
        drawing=draw_panels(infos, drawn_as),
        text={by: tuple(_answers(results, shown, by)) for by in BY},
        alt=" ".join(f"{name}: {explanation(info)}" for name, info in infos),
        table=curves_table(infos),
        families=tuple(replace(one, note="") for one in families.values()),
        filled=tuple(dict.fromkeys(name for _, info in infos for name in filled_at_first(info))),
    )


def _answers(results: Results, shown: Sequence[tuple[str, Selection]], by: By) -> Iterator[str]:
    """The first sentence of each figure."""
    yield f"The figures {listed([name for name, _ in shown])} of the study, side by side with one y axis."
    for name, selection in shown:
        for first in sentences(answer(results, selection, by))[:1]:
            yield f"{name}: {first}"


Head = tuple[object, ...]


def curves_table(named: Sequence[tuple[str, BandsInfo]]) -> Table:
    """A row for each curve and level: what a figure draws, and the quantiles of its bands."""
    columns = (
        *(Column("figure", "figure"),) * (len(named) > 1), Column("curve", "curve"), Column("label", "method"),
        Column("trained_on", "trained on"), Column("subset", "subset"), Column("picked_at", "picked at", "number"),
        Column("picked_by", "picked by"), Column("hyperparameters", "hyperparameters"),
        Column("trial_id", "trial", "trial"), Column("parameter", ""), Column("level", "level", "number"),
        Column("accuracy", "accuracy", "rate"), Column("standard_error", "± one s.e.", "width"),
        Column("trials", "trials", "number"), Column("diverged", "diverged", "number"),
        Column("n", "images", "number"),
    )  # fmt: skip
    rows = (
        (*(name,) * (len(named) > 1), *row, info.n) for name, info in named for row in _curve_rows(info)
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(rows))


def _curve_rows(info: BandsInfo) -> Iterator[tuple[object, ...]]:
    trained_on = {band.name: band.train_distortion for band in info.bands}
    if info.baseline_label is not None:
        head: Head = ("baseline", info.baseline_label, None, None, None, None, None, None)
        yield from _by_level(info, head, info.baseline, info.baseline_error, (None, None))
    for curve in info.curves:
        for at in curve.at:
            head = _head(curve, trained_on[curve.name], at)
            yield from _by_level(info, head, curve.accuracy, curve.error, (None, None))
    for band in info.bands:
        for edge in QUANTILES if band.evaluated > 1 else ():
            quantile: Head = (edge, band.label, band.train_distortion, None, None, None, None, None)
            nothing = (None,) * info.steps
            yield from _by_level(info, quantile, band.edges[edge], nothing, (band.evaluated, band.diverged))


def _head(curve: Curve, trained_on: str, at: float) -> Head:
    return (
        curve.role, curve.label, trained_on, curve.subset or None, at, curve.by,
        curve.hyperparameters.strip("()") or None, curve.trial_id,
    )  # fmt: skip


def _by_level(
    info: BandsInfo, head: Head, values: Sequence[float | None], errors: Sequence[float | None], trials: Head
) -> Iterator[tuple[object, ...]]:
    for step, (value, error) in enumerate(zip(values, errors, strict=True)):
        level = "clean" if step == 0 else info.sweep.levels[step - 1]
        yield (*head, info.sweep.parameter, level, _exact(value), _exact(error), *trials)


def _exact(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
