"""Adversarial quality: how easily attacks succeed on each trial, how far they have to go, and what PGD leaves."""

from collections.abc import Iterator, Sequence
from statistics import mean

from dashboards.parts import Column, Page, Slot, Table, Variant, paragraph, slot_html
from dashboards.results import Attacked, Results, Trial
from dashboards.wording import count, percent, spoken, width
from study.report import figure
from study.summary import UNDISTORTED

ORDER = 27
LEAD = (
    "Of {images}, those that a network classifies right are attacked. FGS follows the gradient's sign and HC1 the "
    "logits, pixel level by pixel level, until the label changes: success among the images attacked; the largest "
    "change of a pixel (L∞, in levels of 0 to 255) and the similarity with the original (PASS, 1 the same) as mean ± "
    "standard deviation over the successes."
)
MASKING = (
    "A rate that falls by the rule paper alone is gradient masking, not robustness: that rule gives up where the loss "
    "is 0 in single precision (blank). So is a distance that grows by the rule unmasked alone, whose gradients in "
    "double precision are rounded too where a network is very sure. The rule exact goes by the log-odds, which never "
    "are, and so does PGD, which shows the accuracy that is left."
)
NAMES = {"fgs": "FGS", "hot_cold": "HC1", "pgd": "PGD"}
SAME = 0.01
"""Success rates that differ by less are called alike."""


def page(results: Results) -> Page | None:
    """None for a study that asks for no attacks, or of which none is evaluated."""
    if not results.attacks:
        return None
    slots = tuple(_slots(results))
    told = "".join(paragraph(line) for line in (*_masked(results), *_bounded(results)))
    tables = "".join(f"<h3>{slot.title}</h3>{slot_html(slot, open_table=True, classes='table-only')}" for slot in slots)
    lead = (paragraph(text, "lead") for text in (LEAD.format(images=_attacked(results)), MASKING))
    body = f"<h2>Adversarial quality</h2>{''.join(lead)}{told}{tables}"
    return Page(name="adversarial-quality", nav="Adversarial quality", body=body, slots=slots)


def _attacked(results: Results) -> str:
    """`1,000 test images`; of a study with parts of different size, the most."""
    conditions = _conditions(results)
    return count(max(cell.n for (_, one), cell in results.cells.items() if one in conditions), "test image")


def _slots(results: Results) -> Iterator[Slot]:
    """A table for each line search, PGD at its right; one of PGD where there is no other."""
    conditions = _conditions(results)
    bounded = [name for name, one in conditions.items() if one.attack == "pgd"]
    searches = [attack for attack in ("fgs", "hot_cold") if any(one.attack == attack for one in conditions.values())]
    for attack in searches or ["pgd"]:
        own = [name for name, one in conditions.items() if one.attack == attack and one.attack != "pgd"]
        table = _table(results, {name: conditions[name] for name in (*own, *bounded)})
        yield Slot(name=f"quality_{attack}", title=NAMES[attack], variants=(Variant(when={}, table=table),))


def _conditions(results: Results) -> dict[str, Attacked]:
    """Each attack of the study by its condition, in the plan's order, as it came out for some trial."""
    found = {name: one for rows in results.attacks.values() for name, one in rows.items()}
    return {one.condition_id: found[one.condition_id] for one in results.plan.conditions if one.condition_id in found}


def _masked(results: Results) -> Iterator[str]:
    """A label a line, of FGS by the paper's rule and by an honest one; the means of its trials."""
    for label in results.labels:
        rates = [pair for trial in results.trials if trial.label == label and (pair := _by_rule(results, trial))]
        if rates:
            paper, honest = (mean(rule) for rule in zip(*rates, strict=True))
            yield f"{label}, {count(len(rates), 'trial')}: {_told(paper, honest)}"


def _told(paper: float, honest: float) -> str:
    if honest - paper < SAME:
        return f"FGS succeeds on {percent(honest)} % of the images, by either rule."
    return (
        f"FGS succeeds on {percent(paper)} % of the images by the rule paper and on {percent(honest)} % without it: "
        f"the other {width(honest - paper)} points are masked gradients."
    )


def _bounded(results: Results) -> Iterator[str]:
    """What PGD was given: with other steps and restarts its numbers are others."""
    for one in _conditions(results).values():
        if one.attack == "pgd":
            yield f"PGD with ε {figure(one.epsilon or 0)}: {(one.settings or '').replace('_', ' ')}."


def _by_rule(results: Results, trial: Trial) -> tuple[float, float] | None:
    """FGS's rates by the rule paper, and by the rule exact or else unmasked."""
    found = {one.variant: one.success_rate for one in results.attacks.get(trial.trial_id, {}).values()}
    paper, honest = found.get("paper"), found.get("exact", found.get("unmasked"))
    return None if paper is None or honest is None else (paper, honest)


def _table(results: Results, conditions: dict[str, Attacked]) -> Table:
    """One row a trial and label, in the plan's order."""
    distorted = any(trial.train_distortion != UNDISTORTED for trial in results.trials)
    columns = (
        Column("trial_id", "trial", "trial"), Column("label", "method"),
        Column("trained_on", "trained on" if distorted else ""),
        Column("hyperparameters", "hyperparameters"), Column("clean", "clean", "rate"),
        *(column for one in conditions.values() for column in _columns(one)),
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(_rows(results, conditions)))


def _columns(one: Attacked) -> tuple[Column, ...]:
    """Those without a title are for the file."""
    if one.attack == "pgd":
        name, title = f"pgd_{one.epsilon:g}", f"PGD ε {figure(one.epsilon or 0)}"
        return Column(f"{name}_accuracy", f"{title}: accuracy left", "rate"), Column(f"{name}_success", "", "rate")
    name, title = f"{one.attack}_{one.variant}", one.variant or ""
    blank = Column(f"{name}_blank", f"{title}: blank" if one.variant == "paper" else "", "rate")
    similarity = ("", f"{title}: PASS unaligned") if one.aligned[0] is None else (f"{title}: PASS", "")
    return (
        Column(f"{name}_success", f"{title}: success", "rate"), blank,
        Column(f"{name}_linf", f"{title}: L∞", "number"), Column(f"{name}_pass", similarity[0], "number"),
        Column(f"{name}_pass_unaligned", similarity[1], "number"),
    )  # fmt: skip


def _rows(results: Results, conditions: dict[str, Attacked]) -> Iterator[tuple[object, ...]]:
    for trial in results.trials:
        found = results.attacks.get(trial.trial_id)
        if found:
            yield (
                trial.trial_id, trial.label, spoken(trial.train_distortion), trial.hyperparameters,
                results.accuracy(trial, results.clean),
                *(value for name, kind in conditions.items() for value in _values(found.get(name), kind)),
            )  # fmt: skip


def _values(one: Attacked | None, kind: Attacked) -> tuple[object, ...]:
    """In the order of `_columns` of `kind`."""
    if one is None:
        return (None,) * len(_columns(kind))
    if one.attack == "pgd":
        return one.accuracy, one.success_rate
    return (
        one.success_rate, one.blank_share, _spread(one.linf, 1), _spread(one.aligned, 3), _spread(one.unaligned, 3),
    )  # fmt: skip


def _spread(moments: Sequence[float | None], places: int) -> str | None:
    """`40.5 ± 15.7`; None without a success."""
    average, deviation = moments
    return None if average is None or deviation is None else f"{average:.{places}f} ± {deviation:.{places}f}"
