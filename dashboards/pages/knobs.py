"""Which knob does it: accuracy at the practical level against each hyperparameter."""

from collections.abc import Iterator

from dashboards.answers import why_nothing
from dashboards.figures.bands import Selection
from dashboards.figures.knobs import KnobsInfo, draw_knobs, explanation, knobs_info
from dashboards.palette import looks
from dashboards.parts import Column, Page, Slot, Table, Variant, slot_html
from dashboards.results import Results
from dashboards.selections import train_options

ORDER = 20
NOTHING = "No hyperparameter of these methods takes more than one value among the trials evaluated so far."


def page(results: Results) -> Page | None:
    if not results.sweeps:
        return None
    slot = Slot(name="knobs", title="What each knob does", variants=tuple(_variants(results)))
    body = (
        '<h2>What each knob does</h2><p class="lead">At the practical level; a line for each value of the other '
        f"hyperparameters, one y axis for all.</p>{slot_html(slot)}"
    )
    return Page(name="knobs", nav="Knobs", body=body, slots=(slot,))


def _variants(results: Results) -> Iterator[Variant]:
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    for train in train_options(results):
        for sweep in results.sweeps:
            info = knobs_info(results, Selection(train_distortion=train, test_distortion=sweep.test_distortion))
            when = {"train": train, "test": sweep.test_distortion}
            if info.panels:
                yield Variant(
                    when=when, drawing=draw_knobs(info, drawn_as), alt=explanation(info), table=_table(info)
                )  # fmt: skip
            else:
                yield Variant(when=when, missing=why_nothing(results, train, sweep.test_distortion) or NOTHING)


def _table(info: KnobsInfo) -> Table:
    columns = (
        Column("label", "method"), Column("hyperparameter", "hyperparameter"), Column("value", "value", "number"),
        Column("others", "others"), Column("accuracy", "accuracy", "rate"), Column("trial_id", "trial", "trial"),
    )  # fmt: skip
    rows = (
        (panel.label, panel.symbol, point.value, line.others, round(point.accuracy, 6), point.trial_id)
        for panel in info.panels
        for line in panel.lines
        for point in line.points
    )
    return Table(columns=columns, rows=tuple(rows))
