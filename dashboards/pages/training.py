"""Training curves of the trials on the chosen training distortion."""

from collections.abc import Iterator

from dashboards.answers import why_no_epochs
from dashboards.figures.draw_training import draw_training, explanation
from dashboards.figures.training import ACCURACY, TrainingInfo, measures, training_info, widths
from dashboards.legends import families
from dashboards.palette import looks
from dashboards.parts import (
    Choice,
    Column,
    Kind,
    Page,
    Slot,
    Table,
    Variant,
    choices_html,
    paragraph,
    slot_html,
)
from dashboards.results import Results
from dashboards.selections import opening_pair, train_options
from dashboards.wording import spoken

ORDER = 50


def page(results: Results) -> Page | None:
    """None for a study that tests nothing but undistorted images, and so has nothing to compare."""
    if not results.sweeps:
        return None
    names = tuple(dict.fromkeys(name for train in train_options(results) for name in measures(results, train)))
    choices = tuple(
        Choice(name="measure", title="Curve", options=tuple(_named(results, names)), default=first)
        for first in names[:1]
    )
    slot = Slot(name="training", title="Training curves", variants=tuple(_variants(results, names or (ACCURACY,))))
    body = f"<h2>Training</h2>{paragraph(_lead(results), 'lead')}{choices_html(choices)}{slot_html(slot)}"
    return Page(name="training", nav="Training", body=body, choices=choices, slots=(slot,))


def _named(results: Results, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each measure, and what it is called in this study."""
    for name in names:
        yield name, f"validation {results.plan.measure}" if name == ACCURACY else name


def _lead(results: Results) -> str:
    told = (
        "A line a trial, by epoch; those that are best (solid) and worst (dashed) in the pair chosen above are drawn "
        "strongly. A marker is the epoch whose weights are kept, a cross a loss that stopped being finite"
    )
    return f"{told}{_dotted(results)}."


def _dotted(results: Results) -> str:
    """What the baseline's dotted line is; nothing without a baseline."""
    ids = {one.trial_id for one in results.baselines}
    from_baseline = {trial.parent in ids for group in results.groups for trial in group.trials}
    if not ids or not from_baseline:
        return ""
    if from_baseline == {True}:
        return "; dotted, the baseline at the epoch that it keeps, which they start from"
    if from_baseline == {False}:
        return "; dotted, the baseline's own training"
    return "; dotted, the baseline: at the epoch that it keeps for trials that start from it, else its own training"


def _variants(results: Results, names: tuple[str, ...]) -> Iterator[Variant]:
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    _, test = opening_pair(results)
    for train in train_options(results):
        if not measures(results, train):
            yield Variant(when={"train": train}, missing=why_no_epochs(results, train))
            continue
        for name in names:
            info = training_info(results, train, name)
            when = {"train": train, "measure": name}
            if not any(not curve.baseline for curve in info.curves):
                yield Variant(when=when, missing=f"No loss of the methods on {spoken(train)} has this part: {name}.")
            else:
                yield Variant(
                    when=when, drawing=draw_training(info, drawn_as, test), alt=explanation(info), table=_table(info),
                    families=tuple(families(info.curves, drawn_as)),
                )  # fmt: skip


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
