"""Training curves, drawn."""

from collections import Counter
from collections.abc import Iterator, Mapping

from dashboards.captions import AT_FIRST, Part, Shown, captioned, numbers, picked_on, trained_on
from dashboards.drawing import Drawing, Trace, axis, drawing, escaped, note
from dashboards.ends import end_text, ends, room
from dashboards.figures.training import TrainingCurve, TrainingInfo
from dashboards.palette import BASELINE, DIVERGED_SYMBOL, Look
from dashboards.wording import count, spoken, with_hyperparameters

HEIGHT, TOP, BOTTOM = 420, 60, 54
"""Pixels."""
ID_DIGITS = 8


def draw_training(
    info: TrainingInfo, looks: Mapping[str, Look], test_distortion: str, shown: Shown = AT_FIRST
) -> Drawing:
    """A thin line a trial; those that are best or worst under the chosen test distortion again, stronger."""
    drawn = (curve for curve in info.curves if info.from_elsewhere or not curve.baseline)
    traces = [*_start_line(info), *(_thin(info, curve, looks) for curve in drawn), *_strong(info, looks)]
    default = {"test": test_distortion, "pick": shown["pick"]}
    for trace in traces:
        trace["visible"] = "show" not in trace["meta"] or default in trace["meta"]["show"]
    low, high = _y_range(info) or (0.0, 1.0)
    named = ends(traces, (low, high), HEIGHT - TOP - BOTTOM)
    made = drawing(
        traces,
        height=HEIGHT,
        margin={"l": 60, "r": room(named), "t": TOP, "b": BOTTOM},
        xaxis=axis("epoch", dtick=_tick(info), range=_x_range(info), showgrid=False),
        yaxis=axis(range=[low, high]),
        annotations=[
            *named,
            note(
                f"{_title(info)}{_baseline_told(info)}", xref="paper", yref="paper", x=0, y=1, xanchor="left",
                yanchor="bottom", xshift=-50, yshift=12, align="left",
            )
        ],
    )  # fmt: skip
    made["layout"]["xaxis"]["title"]["standoff"] = 8
    return captioned(made, _caption(info), {**shown, "test": test_distortion})


def _caption(info: TrainingInfo) -> list[Part]:
    trials = Counter(curve.label for curve in info.curves if not curve.baseline)
    diverged = Counter(curve.label for curve in info.curves if curve.diverged_epoch is not None)
    return [
        trained_on(info.train_distortion),
        numbers((label, number, diverged[label]) for label, number in trials.items()),
        info.images,
        [
            one
            for test, (under, bases) in info.practical.items()
            for one in picked_on(bases, f" under {under},", test=test)
        ],
    ]


def _title(info: TrainingInfo) -> str:
    if info.is_accuracy:
        return f"{info.share} on undistorted validation images, %"
    return f"{escaped(info.measure)}, nats, mean over images"


def _baseline_told(info: TrainingInfo) -> str:
    """That the dotted line is the baseline's own course, where it is drawn, and how much of it the axes leave out."""
    own = next((curve for curve in info.curves if curve.baseline and curve.values), None)
    if own is None or not info.from_elsewhere:
        return ""
    low, high = _y_range(info) or (0.0, 1.0)
    seen = sum(low <= _drawn(info, value) <= high for value in own.values[: _longest(info)])
    number = len(own.values)
    if not seen:
        return f"<br>{escaped(own.label)}'s own {'epoch is' if number == 1 else 'epochs are'} outside the axes"
    left = f", {number - seen} of its {count(number, 'epoch')} outside the axes" if seen < number else ""
    return f"<br>dotted: {escaped(own.label)}{left}"


def _longest(info: TrainingInfo) -> int:
    """Epochs of the longest training but for the baseline's."""
    own = [curve for curve in info.curves if not curve.baseline] or info.curves
    return max((max(len(curve.values), curve.diverged_epoch or 0) for curve in own), default=1)


def _tick(info: TrainingInfo) -> int | None:
    """Every epoch while there is room for it; else Plotly's choice."""
    return 1 if _longest(info) <= 15 else None


def _x_range(info: TrainingInfo) -> list[float]:
    """Little room on the right, where the names of the ends stand."""
    longest = _longest(info)
    pad = 0.04 * max(longest - 1, 1)
    return [0.5 if longest == 1 else round(1 - pad, 3), round(longest + pad, 3)]


def _y_range(info: TrainingInfo) -> list[float] | None:
    """What the trials span, and start from; the baseline's own epochs, from random weights, may lie outside."""
    own = [curve for curve in info.curves if not curve.baseline] or info.curves
    found = [_drawn(info, value) for curve in own for value in curve.values]
    found += [] if info.start is None else [_drawn(info, info.start.value)]
    if not found:
        return None
    pad = 0.06 * (max(found) - min(found)) or 1.0
    return [min(found) - pad, max(found) + pad]


def _drawn(info: TrainingInfo, value: float) -> float:
    return round(100 * value, 3) if info.is_accuracy else float(f"{value:.5g}")


def _start_line(info: TrainingInfo) -> Iterator[Trace]:
    if info.start is not None:
        start, value = info.start, _drawn(info, info.start.value)
        yield {
            "type": "scatter", "mode": "lines", "x": [_x_range(info)[0], _longest(info)], "y": [value, value],
            "opacity": 0.9, "name": start.name, "line": {"color": BASELINE.colour, "width": 1.5, "dash": "dot"},
            "hovertemplate": f"<b>{escaped(start.name)}</b>: %{{y}}{' %' if info.is_accuracy else ''}<extra></extra>",
            "meta": {"label": start.label, "name": start.label, "end": end_text(start.name),
                     "emphasis": start.trial_ids[0]},
        }  # fmt: skip


def _thin(info: TrainingInfo, curve: TrainingCurve, looks: Mapping[str, Look]) -> Trace:
    lone = len(curve.values) <= 1
    faint = 0.9 if curve.baseline else 0.7 if lone else 0.4
    trace = _line(info, curve, looks, wide=1.1, opacity=faint, marker=10 if lone else 6)
    if curve.baseline:
        trace["line"]["dash"] = "dot"
    return trace


def _strong(info: TrainingInfo, looks: Mapping[str, Look]) -> Iterator[Trace]:
    """Best solid with filled markers, worst dashed with open ones."""
    for curve in info.curves:
        for role in ("best", "worst"):
            where = [{"test": test, "pick": by} for (test, by), found in curve.roles.items() if found == role]
            if where:
                trace = _line(info, curve, looks, wide=2.6, opacity=1.0, marker=11)
                trace["line"]["dash"] = "dash" if role == "worst" else "solid"
                if role == "worst":
                    trace["marker"]["symbol"] = [_opened(symbol) for symbol in trace["marker"]["symbol"]]
                trace["name"] = f"{role} {trace['name']}"
                trace["meta"] |= {"show": where, "end": end_text(trace["name"])}
                yield trace


def _opened(symbol: str) -> str:
    return symbol if symbol == DIVERGED_SYMBOL else f"{symbol}-open"


def _line(
    info: TrainingInfo, curve: TrainingCurve, looks: Mapping[str, Look], wide: float, opacity: float, marker: int
) -> Trace:
    """A marker at the epoch whose weights are kept, or that is alone; a cross where the loss stopped being finite."""
    look = BASELINE if curve.baseline else looks[curve.label]
    epochs = list(range(1, len(curve.values) + 1))
    values = [_drawn(info, value) for value in curve.values]
    sizes = [marker if epoch == curve.selected_epoch or len(epochs) == 1 else 0 for epoch in epochs]
    symbols = [look.symbol] * len(epochs)
    if curve.diverged_epoch is not None:
        epochs.append(max(curve.diverged_epoch, 1))
        values.append(values[-1] if values else _floor(info))
        sizes.append(marker + 2)
        symbols.append(DIVERGED_SYMBOL)
    return {
        "type": "scatter", "mode": "lines+markers", "x": epochs, "y": values, "opacity": opacity,
        "name": with_hyperparameters(curve.label, curve.hyperparameters),
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
    name = f"validation {info.share}" if info.is_accuracy else info.measure
    return f"{name.capitalize()} by epoch of {count(number, 'trial')} trained on {spoken(info.train_distortion)}."
