"""Which knob does it: accuracy at the practical level against each hyperparameter."""

from collections.abc import Iterator, Sequence

from dashboards.answers import why_nothing
from dashboards.figures.bands import Selection
from dashboards.figures.draw_knobs import draw_knobs, explanation
from dashboards.figures.knobs import KnobsInfo, knobs_info
from dashboards.palette import looks
from dashboards.parts import Column, Page, Slot, Table, Variant, paragraph, slot_html
from dashboards.results import Results
from dashboards.selections import train_options
from dashboards.wording import listed

ORDER = 20
NOTHING = "No hyperparameter of these methods takes more than one value among the trials evaluated so far."


def page(results: Results) -> Page | None:
    if not results.sweeps:
        return None
    infos = tuple(_infos(results))
    slot = Slot(name="knobs", title="What each knob does", variants=tuple(_variants(results, infos)))
    body = f"<h2>What each knob does</h2>{paragraph(_lead(infos), 'lead')}{slot_html(slot)}"
    return Page(name="knobs", nav="Knobs", body=body, slots=(slot,))


def _infos(results: Results) -> Iterator[KnobsInfo]:
    for train in train_options(results):
        for sweep in results.sweeps:
            yield knobs_info(results, Selection(train_distortion=train, test_distortion=sweep.test_distortion))


def _lead(infos: Sequence[KnobsInfo]) -> str:
    """What lines and points are, as far as the study has them."""
    panels = [panel for info in infos for panel in info.panels]
    scattered = dict.fromkeys(panel.label for panel in panels if panel.scattered)
    dotted = ", the baseline dotted" if any(info.baseline is not None for info in infos) else ""
    told = [f"Each point is a trial at the practical level; one y axis for all{dotted}."]
    if any(not panel.scattered for panel in panels):
        told.append("A line for each value of the other hyperparameters.")
    if scattered:
        told.append(f"Points of {listed(list(scattered))} without a line differ in the other hyperparameters too.")
    return " ".join(told)


def _variants(results: Results, infos: Sequence[KnobsInfo]) -> Iterator[Variant]:
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    for info in infos:
        train, test = info.train_distortion, info.sweep.test_distortion
        when = {"train": train, "test": test}
        if info.panels:
            yield Variant(
                when=when, drawing=draw_knobs(info, drawn_as), alt=explanation(info), table=_table(info)
            )  # fmt: skip
        else:
            yield Variant(when=when, missing=why_nothing(results, train, test) or NOTHING)


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
