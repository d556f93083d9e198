"""Training curves: validation accuracy, loss and its named terms by epoch, a line a trial."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboards.picks import BY, By, bases, pick
from dashboards.results import Epoch, Results, Trial, practical_condition
from dashboards.wording import at_level, count, spoken

ACCURACY, LOSS, VALIDATION_LOSS, TERM = "validation accuracy", "training loss", "validation loss", "loss term: "


@dataclass(frozen=True, kw_only=True)
class TrainingCurve:
    """One trial."""

    label: str
    trial_id: str
    hyperparameters: str
    values: tuple[float, ...]
    """By finished epoch, from the first: a share for accuracies, nats for losses."""
    selected_epoch: int | None
    diverged_epoch: int | None
    baseline: bool
    roles: Mapping[tuple[str, By], str]
    """(test distortion, way of picking) → best or worst there."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """The baseline at the epoch whose weights it keeps, where trials start from them."""

    label: str
    trial_ids: tuple[str, ...]
    """Of several replicates, those that a trial starts from."""
    epochs: tuple[int, ...]
    """The one that each keeps."""
    value: float
    """Of the measure: their mean."""

    @property
    def name(self) -> str:
        """`Baseline, kept epoch 8`"""
        if len(self.epochs) > 1:
            return f"{self.label}, mean of {len(self.epochs)} at their kept epochs"
        return f"{self.label}, kept epoch {self.epochs[0]}"


@dataclass(frozen=True, kw_only=True)
class TrainingInfo:
    """One measure of the trials on one training distortion."""

    train_distortion: str
    share: str
    """What `validation accuracy` is called here."""
    measure: str
    curves: tuple[TrainingCurve, ...]
    """The baseline's first."""
    start: Start | None
    """None where no trial starts from the baseline, or its loss does not have the measure."""
    from_elsewhere: bool
    """Whether some trial starts from scratch, say, so that the baseline's own course is worth a look."""
    practical: Mapping[str, tuple[str, Mapping[By, str]]]
    """Test distortion → its practical level, in words, and what best and worst there were ranked by."""
    images: str
    """That the measure is a mean over: `500 validation images`; empty where their number is not known."""

    @property
    def is_accuracy(self) -> bool:
        return self.measure == ACCURACY


def measures(results: Results, train_distortion: str) -> tuple[str, ...]:
    """What was recorded of every epoch of these trials."""
    trials = [trial for group in results.groups_on(train_distortion) for trial in group.trials]
    epochs = [epoch for trial in trials for epoch in results.epochs.get(trial.trial_id, ())]
    terms = dict.fromkeys(name for epoch in epochs for name in epoch.terms)
    return (ACCURACY, LOSS, VALIDATION_LOSS, *(f"{TERM}{name}" for name in terms)) if epochs else ()


def training_info(results: Results, train_distortion: str, measure: str) -> TrainingInfo:
    """The figure's data."""
    roles = _roles(results, train_distortion)
    trials = [trial for group in results.groups_on(train_distortion) for trial in group.trials]
    parents = {trial.parent for trial in trials}
    curves = (_curve(results, trial, measure, roles) for trial in (*results.baselines, *trials))
    return TrainingInfo(
        share=results.plan.measure,
        train_distortion=train_distortion,
        measure=measure,
        curves=tuple(curve for curve in curves if curve.values or curve.diverged_epoch is not None),
        start=_start(results, [one for one in results.baselines if one.trial_id in parents], measure),
        from_elsewhere=not parents <= {one.trial_id for one in results.baselines},
        practical={
            sweep.test_distortion: (
                f"{spoken(sweep.test_distortion)}, {at_level(sweep, sweep.practical)}",
                bases(results, results.groups_on(train_distortion), sweep, practical_condition(sweep)),
            )
            for sweep in results.sweeps
        },
        images=_images(results, trials, measure),
    )


def _images(results: Results, trials: Sequence[Trial], measure: str) -> str:
    if measure in (ACCURACY, VALIDATION_LOSS):
        number, noun = max((one.validation_n or 0 for one in trials), default=0), "validation image"
    else:
        images = dict(results.launch.provenance.get("data", {})).get("images", {})
        number, noun = int(images.get("train", 0)), "training image"
    return count(number, noun) if number else ""


def _start(results: Results, baselines: Sequence[Trial], measure: str) -> Start | None:
    kept = [(one, one.selected_epoch) for one in baselines if one.selected_epoch is not None]
    found = [(one, epoch, _value(results.epochs[one.trial_id][epoch - 1], measure)) for one, epoch in kept]
    known = [(one.trial_id, epoch, value) for one, epoch, value in found if value is not None]
    if not known:
        return None
    ids, epochs, values = zip(*known, strict=True)
    label = results.baseline_label or ""
    return Start(label=label, trial_ids=ids, epochs=epochs, value=sum(values) / len(values))


Roles = Mapping[tuple[str, By], str]


def _roles(results: Results, train_distortion: str) -> Mapping[tuple[str, str], Roles]:
    """(label, trial id) → where it is best or worst; a trial may stand under two labels, and be the best of one."""
    found: dict[tuple[str, str], dict[tuple[str, By], str]] = {}
    for sweep in results.sweeps:
        for group in results.groups_on(train_distortion):
            for by in BY:
                chosen = pick(results, group, sweep, practical_condition(sweep), by)
                for trial in () if chosen is None else (chosen.worst, chosen.best):
                    if chosen is not None and (role := chosen.role(trial)):
                        found.setdefault((trial.label, trial.trial_id), {})[sweep.test_distortion, by] = role
    return found


def _curve(results: Results, trial: Trial, measure: str, roles: Mapping[tuple[str, str], Roles]) -> TrainingCurve:
    values = [_value(epoch, measure) for epoch in results.epochs.get(trial.trial_id, ())]
    return TrainingCurve(
        label=trial.label,
        trial_id=trial.trial_id,
        hyperparameters=trial.in_brackets,
        values=tuple(value for value in values if value is not None),
        selected_epoch=trial.selected_epoch,
        diverged_epoch=trial.diverged_epoch,
        baseline=trial.label == results.baseline_label,
        roles=roles.get((trial.label, trial.trial_id), {}),
    )


def _value(epoch: Epoch, measure: str) -> float | None:
    """None for a term that the trial's loss does not have."""
    if measure.startswith(TERM):
        return epoch.terms.get(measure.removeprefix(TERM))
    return {ACCURACY: epoch.validation_accuracy, LOSS: epoch.loss, VALIDATION_LOSS: epoch.validation_loss}[measure]


def widths(info: TrainingInfo) -> Sequence[int]:
    """The epochs of a table with a column each."""
    return range(1, max((len(curve.values) for curve in info.curves), default=0) + 1)
