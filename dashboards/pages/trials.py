"""Every trial in a table that can be sorted and searched."""

from collections.abc import Iterator

from dashboards.parts import Column, Page, Slot, Table, Variant, slot_html
from dashboards.results import Results, practical_condition
from dashboards.wording import headed, short_level, spoken

ORDER = 60


def page(results: Results) -> Page:
    slot = Slot(name="trials", title="Trials", variants=(Variant(when={}, table=trials_table(results)),))
    body = (
        f'<h2>Trials</h2><p class="lead">{headed(results.plan.measure)} in % at each practical level. '
        "Choose a head to sort by it, a trial to follow it through every figure.</p>"
        '<label class="choice"><span>Find</span> <input type="search" data-find="trials" '
        'placeholder="ST, rotation, α 10 …" autocomplete="off"></label>'
        f"{slot_html(slot, open_table=True, classes='table-only')}"
    )
    return Page(name="trials", nav="Trials", body=body, slots=(slot,))


def trials_table(results: Results) -> Table:
    """One row a trial and label, in the plan's order."""
    columns = (
        Column("trial_id", "trial", "trial"), Column("label", "method"), Column("trained_on", "trained on"),
        Column("hyperparameters", "hyperparameters"), Column("state", "state"),
        Column("kept_epoch", "kept epoch", "number"), Column("validation_accuracy", "validation", "rate"),
        Column("clean", "clean", "rate"),
        *(Column(f"{one.test_distortion}_{one.practical:g}", short_level(one), "rate") for one in results.sweeps),
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(_rows(results)))


def _rows(results: Results) -> Iterator[tuple[object, ...]]:
    for trial in results.trials:
        tested = (results.accuracy(trial, practical_condition(sweep)) for sweep in results.sweeps)
        state = f"diverged in epoch {trial.diverged_epoch}" if trial.diverged else trial.state
        yield (
            trial.trial_id, trial.label, spoken(trial.train_distortion), trial.hyperparameters, state,
            trial.selected_epoch, _exact(trial.validation_accuracy), _exact(results.accuracy(trial, results.clean)),
            *map(_exact, tested),
        )  # fmt: skip


def _exact(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
