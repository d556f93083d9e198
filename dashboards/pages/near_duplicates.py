"""Near-duplicates by their embeddings, of a ranking study, for the chosen pair."""

from collections.abc import Iterator

from dashboards.answers import why_nothing
from dashboards.figures.draw_near_duplicates import draw_near_duplicates, explanation, under
from dashboards.figures.near_duplicates import NearDuplicatesInfo, RetrievalCurve, near_duplicates_info
from dashboards.legends import families
from dashboards.palette import looks
from dashboards.parts import Column, Page, Slot, Table, Variant, paragraph, slot_html
from dashboards.results import Results
from dashboards.selections import train_options
from dashboards.wording import percent, points, spoken, with_hyperparameters

ORDER = 25
PRECISION = 0.9
"""At which the recall is told."""
LEAD = (
    "Two images are taken for near-duplicates where their embeddings lie within a threshold. Over all thresholds, how "
    "many distorted copies are found again, and how many of the pairs found are copies? Half of the pairs shown are."
)


def page(results: Results) -> Page | None:
    """None for a study whose networks give no embeddings, or have not been evaluated."""
    if not results.near_duplicates or not results.sweeps:
        return None
    slot = Slot(name="near_duplicates", title="Near-duplicates", variants=tuple(_variants(results)))
    body = f"<h2>Near-duplicates</h2>{paragraph(LEAD, 'lead')}{slot_html(slot)}"
    return Page(name="near-duplicates", nav="Near-duplicates", body=body, slots=(slot,))


def _variants(results: Results) -> Iterator[Variant]:
    drawn_as = looks(results.labels, {trial.label for trial in results.baselines})
    for train in train_options(results):
        for sweep in results.sweeps:
            when = {"train": train, "test": sweep.test_distortion}
            info = near_duplicates_info(results, train, sweep)
            if all(curve.baseline for curve in info.curves):
                missing = why_nothing(results, train, sweep.test_distortion)
                yield Variant(when=when, missing=missing or f"No copies under {spoken(sweep.test_distortion)} yet.")
            else:
                yield Variant(
                    when=when, drawing=draw_near_duplicates(info, drawn_as), text={"": tuple(_answer(info))},
                    alt=explanation(info), table=_table(info), families=tuple(families(info.curves, drawn_as)),
                )  # fmt: skip


def _answer(info: NearDuplicatesInfo) -> Iterator[str]:
    """The best and the worst trial's recall at a high precision, against the baseline's."""
    own = [curve for curve in info.curves if not curve.baseline]
    best, worst = (chosen(own, key=_recall) for chosen in (max, min))
    told = f"At {100 * PRECISION:.0f} % precision under {under(info)}, {_told(best)} finds"
    if len(own) == 1:
        yield f"{told} {percent(_recall(best))} % of the copies."
    else:
        most, fewest = percent(_recall(best)), percent(_recall(worst))
        yield f"{told} the most copies, {most} %; {_told(worst)} the fewest, {fewest} %."
    baselines = [_recall(curve) for curve in info.curves if curve.baseline]
    if baselines:
        mean = sum(baselines) / len(baselines)
        differs = points(_recall(best) - mean)
        yield f"{info.curves[0].label} finds {percent(mean)} %; the best differs by {differs} points."


def _recall(curve: RetrievalCurve) -> float:
    return curve.recall_at(PRECISION)


def _told(curve: RetrievalCurve) -> str:
    return with_hyperparameters(curve.label, curve.hyperparameters)


def _table(info: NearDuplicatesInfo) -> Table:
    columns = (
        Column("label", "method"), Column("trial_id", "trial", "trial"), Column("hyperparameters", "hyperparameters"),
        Column("recall_at_precision_90", f"recall at {100 * PRECISION:.0f} % precision", "rate"),
        Column("average_precision", "average precision", "rate"),
    )  # fmt: skip
    ranked = sorted(info.curves, key=lambda curve: (not curve.baseline, -_recall(curve)))
    rows = (
        (curve.label, curve.trial_id, curve.hyperparameters, _recall(curve), curve.average_precision)
        for curve in ranked
    )
    return Table(columns=columns, rows=tuple(rows))
