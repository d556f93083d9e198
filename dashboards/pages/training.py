"""Training curves of the trials on the chosen training distortion."""

from collections.abc import Iterator

from dashboards.figures.training import (
    ACCURACY,
    TrainingInfo,
    draw_training,
    explanation,
    measures,
    training_info,
    widths,
)
from dashboards.palette import looks
from dashboards.parts import Choice, Column, Kind, Page, Slot, Table, Variant, choices_html, slot_html
from dashboards.results import Results
from dashboards.selections import opening_pair, train_options
from dashboards.wording import spoken

ORDER = 50


def page(results: Results) -> Page | None:
    """None before any epoch is finished, and for a study without anything to compare."""
    shown = {train: measures(results, train) for train in train_options(results)} if results.sweeps else {}
    names = tuple(dict.fromkeys(name for found in shown.values() for name in found))
    if not names:
        return None
    choice = Choice(name="measure", title="Curve", options=tuple(_named(results, names)), default=names[0])
    slot = Slot(name="training", title="Training curves", variants=tuple(_variants(results, names)))
    body = (
        '<h2>Training</h2><p class="lead">A line a trial, by epoch; those that are best (solid) and worst (dashed) in '
        "the pair chosen above are drawn strongly. A marker is the epoch whose weights are kept, a cross a loss that "
        f"stopped being finite; dotted, the baseline's own training.</p>{choices_html((choice,))}{slot_html(slot)}"
    )
    return Page(name="training", nav="Training", body=body, choices=(choice,), slots=(slot,))


def _named(results: Results, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each measure, and what it is called in this study."""
    for name in names:
        yield name, f"validation {results.plan.measure}" if name == ACCURACY else name


def _variants(results: Results, names: tuple[str, ...]) -> Iterator[Variant]:
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    _, test = opening_pair(results)
    for train in train_options(results):
        for name in names:
            info = training_info(results, train, name) if results.groups_on(train) else None
            when = {"train": train, "measure": name}
            if info is None or not any(not curve.baseline for curve in info.curves):
                yield Variant(when=when, missing=_why(results, train, name))
            else:
                yield Variant(
                    when=when, drawing=draw_training(info, drawn_as, test), alt=explanation(info), table=_table(info)
                )  # fmt: skip


def _why(results: Results, train: str, measure: str) -> str:
    if not results.groups_on(train):
        return f"No trial of this study was trained on {spoken(train)}."
    if not measures(results, train):
        return f"No trial on {spoken(train)} has finished training yet."
    return f"No loss of the methods on {spoken(train)} has this part: {measure}."


def _table(info: TrainingInfo) -> Table:
    epochs = widths(info)
    kind: Kind = "rate" if info.is_accuracy else "number"
    columns = (
        Column("label", "method"), Column("trial_id", "trial", "trial"), Column("hyperparameters", "hyperparameters"),
        Column("kept_epoch", "kept", "number"), Column("diverged_epoch", "diverged in", "number"),
        *(Column(f"epoch_{epoch}", f"epoch {epoch}", kind) for epoch in epochs),
    )  # fmt: skip
    rows = (
        (
            curve.label, curve.trial_id, curve.hyperparameters, curve.selected_epoch, curve.diverged_epoch,
            *(float(f"{value:.6g}") for value in curve.values), *[None] * (len(epochs) - len(curve.values)),
        )
        for curve in info.curves
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(rows))
