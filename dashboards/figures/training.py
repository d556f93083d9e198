"""Training curves: validation accuracy, loss and its named terms by epoch, a line a trial."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboards.drawing import Drawing, Trace, axis, drawing, escaped, note
from dashboards.ends import end_text, ends, room
from dashboards.palette import BASELINE, DIVERGED_SYMBOL, Look
from dashboards.picks import BY, By, pick
from dashboards.results import Epoch, Results, Trial, practical_condition
from dashboards.wording import count, spoken

HEIGHT, TOP, BOTTOM = 420, 60, 54
"""Pixels."""
ACCURACY, LOSS, VALIDATION_LOSS, TERM = "validation accuracy", "training loss", "validation loss", "loss term: "
ID_DIGITS = 8


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
class TrainingInfo:
    """One measure of the trials on one training distortion."""

    train_distortion: str
    measure: str
    curves: tuple[TrainingCurve, ...]

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
    """The figure's data: the baseline first."""
    roles = _roles(results, train_distortion)
    trials = [trial for group in results.groups_on(train_distortion) for trial in group.trials]
    curves = (_curve(results, trial, measure, roles) for trial in (*results.baselines, *trials))
    return TrainingInfo(
        train_distortion=train_distortion,
        measure=measure,
        curves=tuple(curve for curve in curves if curve.values or curve.diverged_epoch is not None),
    )


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


def draw_training(info: TrainingInfo, looks: Mapping[str, Look], test_distortion: str) -> Drawing:
    """A thin line a trial; those that are best or worst under the chosen test distortion again, stronger."""
    traces = [*(_thin(info, curve, looks) for curve in info.curves), *_strong(info, looks)]
    default = {"test": test_distortion, "pick": "test"}
    for trace in traces:
        trace["visible"] = "show" not in trace["meta"] or default in trace["meta"]["show"]
    low, high = _y_range(info) or (0.0, 1.0)
    named = ends(traces, (low, high), HEIGHT - TOP - BOTTOM)
    return drawing(
        traces,
        height=HEIGHT,
        margin={"l": 60, "r": room(named), "t": TOP, "b": BOTTOM},
        xaxis=axis("epoch", dtick=_tick(info), range=[0.7, _longest(info) + 0.3], showgrid=False),
        yaxis=axis(range=[low, high]),
        annotations=[
            *named,
            note(
                f"{_title(info)}{_baseline_told(info)}", xref="paper", yref="paper", x=0, y=1, xanchor="left",
                yanchor="bottom", xshift=-50, yshift=12, align="left",
            )
        ],
    )  # fmt: skip


def _title(info: TrainingInfo) -> str:
    if info.is_accuracy:
        return "accuracy on undistorted validation images, %"
    return f"{escaped(info.measure)}, nats, mean over images"


def _baseline_told(info: TrainingInfo) -> str:
    """That the dotted line is the baseline's, and how much of it the axes leave out."""
    own = next((curve for curve in info.curves if curve.baseline and curve.values), None)
    if own is None:
        return ""
    low, high = _y_range(info) or (0.0, 1.0)
    seen = [low <= _drawn(info, value) <= high for value in own.values[: _longest(info)]]
    outside = len(own.values) - sum(seen)
    left = f", {outside} of its {count(len(own.values), 'epoch')} outside the axes" if outside else ""
    return f"<br>dotted: {escaped(own.label)}{left}"


def _longest(info: TrainingInfo) -> int:
    """Epochs of the longest training but for the baseline's."""
    own = [curve for curve in info.curves if not curve.baseline] or info.curves
    return max((max(len(curve.values), curve.diverged_epoch or 0) for curve in own), default=1)


def _tick(info: TrainingInfo) -> int | None:
    """Every epoch while there is room for it; else Plotly's choice."""
    return 1 if _longest(info) <= 15 else None


def _y_range(info: TrainingInfo) -> list[float] | None:
    """What the trials span; the baseline's first epochs, from random weights, may lie outside."""
    own = [curve for curve in info.curves if not curve.baseline] or info.curves
    found = [_drawn(info, value) for curve in own for value in curve.values]
    if not found:
        return None
    pad = 0.06 * (max(found) - min(found)) or 1.0
    return [min(found) - pad, max(found) + pad]


def _drawn(info: TrainingInfo, value: float) -> float:
    return round(100 * value, 3) if info.is_accuracy else float(f"{value:.5g}")


def _thin(info: TrainingInfo, curve: TrainingCurve, looks: Mapping[str, Look]) -> Trace:
    trace = _line(info, curve, looks, wide=1.1, opacity=0.9 if curve.baseline else 0.4, marker=6)
    if curve.baseline:
        trace["line"]["dash"] = "dot"
    return trace


def _strong(info: TrainingInfo, looks: Mapping[str, Look]) -> Iterator[Trace]:
    """Best solid, worst dashed."""
    for curve in info.curves:
        for role in ("best", "worst"):
            where = [{"test": test, "pick": by} for (test, by), found in curve.roles.items() if found == role]
            if where:
                trace = _line(info, curve, looks, wide=2.6, opacity=1.0, marker=10)
                trace["line"]["dash"] = "dash" if role == "worst" else "solid"
                trace["name"] = f"{role} {trace['name']}"
                trace["meta"] |= {"show": where, "end": end_text(trace["name"])}
                yield trace


def _line(
    info: TrainingInfo, curve: TrainingCurve, looks: Mapping[str, Look], wide: float, opacity: float, marker: int
) -> Trace:
    """A marker at the epoch whose weights are kept, a cross where the loss stopped being finite."""
    look = BASELINE if curve.baseline else looks[curve.label]
    epochs = list(range(1, len(curve.values) + 1))
    values = [_drawn(info, value) for value in curve.values]
    sizes = [marker if epoch == curve.selected_epoch else 0 for epoch in epochs]
    symbols = [look.symbol] * len(epochs)
    if curve.diverged_epoch is not None:
        epochs.append(max(curve.diverged_epoch, 1))
        values.append(values[-1] if values else _floor(info))
        sizes.append(marker + 2)
        symbols.append(DIVERGED_SYMBOL)
    return {
        "type": "scatter", "mode": "lines+markers", "x": epochs, "y": values, "opacity": opacity,
        "name": f"{curve.label}; {curve.hyperparameters}" if curve.hyperparameters else curve.label,
        "line": {"color": look.colour, "width": wide},
        "marker": {"symbol": symbols, "size": sizes, "color": look.colour},
        "hovertemplate": f"<b>{escaped(curve.label)}</b> {escaped(curve.hyperparameters)}<br>epoch %{{x}}: %{{y}}"
        f"{' %' if info.is_accuracy else ''}{_ended(curve)}<br>trial {curve.trial_id[:ID_DIGITS]}, click to follow"
        "<extra></extra>",
        "meta": {"label": curve.label, "name": curve.label, "trials": [curve.trial_id] * len(epochs),
                 "emphasis": curve.trial_id},
    }  # fmt: skip


def _floor(info: TrainingInfo) -> float:
    """Where a trial stands that has no finite epoch."""
    found = _y_range(info)
    return 0.0 if found is None else found[0]


def _ended(curve: TrainingCurve) -> str:
    selected = f"<br>kept: epoch {curve.selected_epoch}" if curve.selected_epoch is not None else ""
    diverged = f"<br>diverged in epoch {curve.diverged_epoch}" if curve.diverged_epoch is not None else ""
    return selected + diverged


def explanation(info: TrainingInfo) -> str:
    """The figure in words."""
    number = sum(not curve.baseline for curve in info.curves)
    return (
        f"{info.measure.capitalize()} by epoch of {count(number, 'trial')} trained on {spoken(info.train_distortion)}."
    )


def widths(info: TrainingInfo) -> Sequence[int]:
    """The epochs of a table with a column each."""
    return range(1, max((len(curve.values) for curve in info.curves), default=0) + 1)
