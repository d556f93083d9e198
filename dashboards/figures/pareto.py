"""What a search came to: its points by two objectives with the front, and each objective in the order of the draws."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from dashboards.captions import Part, captioned, numbers
from dashboards.drawing import SMALL, Drawing, Trace, axis, drawing, escaped, note
from dashboards.palette import BASELINE, Look
from dashboards.results import Results, Trial
from dashboards.wording import count, fitted, listed, percent, spoken
from study.front import PointResult, point_results
from study.standing import error_of_mean

On = Literal["test", "validation"]
HEIGHT, COURSE_HEIGHT, TOP = 490, 370, 76
"""Pixels."""
LEGEND = {
    "orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
    "font": {"size": SMALL}, "itemclick": False, "itemdoubleclick": False,
}  # fmt: skip
"""In the picture, so that it has its key wherever it goes; the page's own is what hides methods."""
LONGEST = 26
"""Characters of the baseline's name."""
ID_DIGITS = 8


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One point of a search, with all of its objectives."""

    label: str
    number: int
    trial_id: str
    """Its trial; of several replicates, the first."""
    hyperparameters: str
    validation: tuple[float, ...]
    """Accuracies in [0, 1], in the order of the objectives."""
    test: tuple[float, ...]
    errors: tuple[float | None, ...]
    """One standard error of each of `test`, over images, each with its own mean; None where that is not known."""
    front: bool
    """On validation images."""

    def on(self, images: On) -> tuple[float, ...]:
        return self.test if images == "test" else self.validation


@dataclass(frozen=True, kw_only=True)
class SearchInfo:
    """Every search of a study on one training distortion, as far as its points are evaluated."""

    measure: str
    """What a share of right ones is called."""
    train_distortion: str
    objectives: tuple[str, ...]
    dots: tuple[Dot, ...]
    """Search by search, in the order of their draws."""
    planned: Mapping[str, int]
    """Label → points to draw."""
    baseline: Mapping[On, tuple[float, ...]]
    """Its objectives; empty where it is not evaluated, or there is none."""
    baseline_label: str
    baseline_name: str
    n: Mapping[On, int]
    """Images."""


def searched_on(results: Results) -> tuple[str, ...]:
    """Training distortions of the study's searches."""
    return tuple(dict.fromkeys(search.train_distortion or "nothing" for search in results.plan.searches))


def search_info(results: Results, train_distortion: str) -> SearchInfo:
    """The figures' data."""
    searches = [one for one in results.plan.searches if (one.train_distortion or "nothing") == train_distortion]
    ids = {one.search_id for one in searches}
    accuracies = {place: cell.accuracy for place, cell in results.cells.items()}
    found = [one for one in point_results(results.plan, accuracies) if one.search.search_id in ids]
    trials = {(trial.label, trial.trial_id): trial for trial in results.trials}
    wanted = searches[0].objectives
    return SearchInfo(
        measure=results.plan.measure,
        train_distortion=train_distortion,
        objectives=tuple(one.name for one in wanted),
        dots=tuple(_dot(results, one, trials) for one in found if one.test is not None and one.validation is not None),
        planned={one.label: one.points for one in searches},
        baseline={
            "test": _baseline(results, [one.test for one in wanted]),
            "validation": _baseline(results, [one.validation for one in wanted]),
        },
        baseline_label=results.baseline_label or "",
        baseline_name=results.baseline_name,
        n={
            "test": _images(results, [one for wants in wanted for one in wants.test]),
            "validation": _images(results, [one for wants in wanted for one in wants.validation]),
        },
    )


def _dot(results: Results, point: PointResult, trials: Mapping[tuple[str, str], Trial]) -> Dot:
    trial_id = point.drawn.trial_ids[0]
    assert point.test is not None
    assert point.validation is not None
    return Dot(
        label=point.search.label,
        number=point.drawn.number,
        trial_id=trial_id,
        hyperparameters=trials[point.search.label, trial_id].in_brackets,
        validation=point.validation,
        test=point.test,
        errors=tuple(_error(results, point.drawn.trial_ids, one.test) for one in point.search.objectives),
        front=point.front,
    )


def _error(results: Results, trial_ids: Sequence[str], conditions: Sequence[str]) -> float | None:
    known = [results.bits.get((one, condition)) for one in trial_ids for condition in conditions]
    there = [bits for bits in known if bits is not None]
    return error_of_mean(there) if len(there) == len(known) else None


def _baseline(results: Results, groups: Sequence[Sequence[str]]) -> tuple[float, ...]:
    means = [[results.baseline(one) for one in group] for group in groups]
    known = [[one for one in group if one is not None] for group in means]
    whole = all(len(there) == len(group) for there, group in zip(known, means, strict=True))
    return tuple(sum(group) / len(group) for group in known) if whole else ()


def _images(results: Results, conditions: Sequence[str]) -> int:
    wanted = set(conditions)
    return max((cell.n for (_, one), cell in results.cells.items() if one in wanted), default=0)


def draw_front(info: SearchInfo, looks: Mapping[str, Look], images: On, x: int, y: int) -> Drawing:
    """The points by two objectives, larger to the right and up; those on the front full and joined."""
    traces: list[Trace] = []
    for label in info.planned:
        own = [dot for dot in info.dots if dot.label == label]
        traces.append(_joined(own, label, looks[label], images, x, y))
        traces += [_cloud(info, own, label, looks[label], images, x, y, front) for front in (False, True)]
    if info.baseline[images]:
        traces.append(_baseline_mark(info, images, x, y))
    made = drawing(
        [trace for trace in traces if trace["x"]],
        height=HEIGHT,
        margin={"l": 64, "r": 30, "t": TOP, "b": 62},
        showlegend=True,
        legend=LEGEND,
        xaxis=axis(_axis_title(info, images, x), ticksuffix=""),
        yaxis=axis(),
        annotations=[_y_title(_axis_title(info, images, y))],
    )
    return captioned(made, [*_caption(info), f"the front is by {count(info.n['validation'], 'validation image')}"])


def _caption(info: SearchInfo) -> list[Part]:
    points = ((label, sum(dot.label == label for dot in info.dots), 0) for label in info.planned)
    return [f"Searched on {spoken(info.train_distortion)}", numbers(points, "point")]


def _y_title(text: str) -> dict[str, object]:
    return note(
        escaped(text), xref="paper", yref="paper", x=0, y=1, xanchor="left", yanchor="bottom", xshift=-54, yshift=16
    )


def _axis_title(info: SearchInfo, images: On, objective: int) -> str:
    return f"{info.objectives[objective]} {info.measure} on {info.n[images]:,} {images} images, %"


def _cloud(
    info: SearchInfo, dots: Sequence[Dot], label: str, look: Look, images: On, x: int, y: int, front: bool
) -> Trace:
    shown = [dot for dot in dots if dot.front == front]
    return {
        "type": "scatter", "mode": "markers", "name": f"{label}, on the front" if front else label,
        "x": [_percent(dot.on(images)[x]) for dot in shown], "y": [_percent(dot.on(images)[y]) for dot in shown],
        "marker": {"symbol": look.symbol, "size": 12 if front else 9, "color": look.colour,
                   "opacity": 1.0 if front else 0.4, "line": {"color": look.colour, "width": 1}},
        "text": [_hover(info, dot) for dot in shown], "hovertemplate": "%{text}<extra></extra>",
        "meta": {"label": label, "name": label, "trials": [dot.trial_id for dot in shown]},
        **(_bars(shown, look, x, y) if front and images == "test" else {}),
    }  # fmt: skip


def _bars(dots: Sequence[Dot], look: Look, x: int, y: int) -> dict[str, object]:
    """One standard error to each side."""
    return {
        f"error_{side}": {
            "type": "data", "array": [_percent(dot.errors[objective] or 0.0) for dot in dots], "thickness": 1,
            "width": 3, "color": look.colour,
        }
        for side, objective in (("x", x), ("y", y))
    }  # fmt: skip


def _joined(dots: Sequence[Dot], label: str, look: Look, images: On, x: int, y: int) -> Trace:
    """A thin line through the front from left to right: on validation images it falls, on test images as it may."""
    shown = sorted((dot for dot in dots if dot.front), key=lambda dot: (dot.on(images)[x], -dot.on(images)[y]))
    return {
        "type": "scatter", "mode": "lines", "name": f"front of {label}", "hoverinfo": "skip", "showlegend": False,
        "x": [_percent(dot.on(images)[x]) for dot in shown], "y": [_percent(dot.on(images)[y]) for dot in shown],
        "line": {"color": look.colour, "width": 1},
        "meta": {"label": label, "name": label},
    }  # fmt: skip


def _baseline_mark(info: SearchInfo, images: On, x: int, y: int) -> Trace:
    values = info.baseline[images]
    told = ", ".join(f"{name} {percent(value)} %" for name, value in zip(info.objectives, values, strict=True))
    return {
        "type": "scatter", "mode": "markers+text", "name": info.baseline_label, "showlegend": False,
        "x": [_percent(values[x])], "y": [_percent(values[y])],
        "marker": {"symbol": BASELINE.symbol, "size": 12, "color": BASELINE.colour},
        "text": [escaped(*fitted(info.baseline_name, LONGEST))], "textposition": "middle right",
        "textfont": {"color": BASELINE.colour},
        "hovertemplate": f"<b>{escaped(info.baseline_name)}</b><br>{escaped(told)}<extra></extra>",
        "meta": {"label": info.baseline_label, "name": info.baseline_label},
    }  # fmt: skip


def _hover(info: SearchInfo, dot: Dot) -> str:
    told = [
        f"{on}: " + ", ".join(f"{name} {percent(v)}" for name, v in zip(info.objectives, values, strict=True)) + " %"
        for on, values in (("test", dot.test), ("validation", dot.validation))
    ]
    where = "<br>on the front" if dot.front else ""
    return (
        f"<b>{escaped(dot.label)}</b> {escaped(dot.hyperparameters)}<br>{'<br>'.join(map(escaped, told))}{where}"
        f"<br>point {dot.number}, trial {dot.trial_id[:ID_DIGITS]}, click to follow"
    )


def draw_course(info: SearchInfo, looks: Mapping[str, Look], objective: int) -> Drawing:
    """One objective on validation images by the number of the draw, and the best so far."""
    traces: list[Trace] = []
    for label in info.planned:
        own = [dot for dot in info.dots if dot.label == label]
        traces += _drawn_course(info, own, label, looks[label], objective)
    made = drawing(
        traces,
        height=COURSE_HEIGHT,
        margin={"l": 64, "r": 30, "t": TOP, "b": 56},
        showlegend=True,
        legend=LEGEND,
        xaxis=axis("points drawn before", range=[-0.5, max(info.planned.values()) - 0.5], tickformat="d"),
        yaxis=axis(),
        annotations=[_y_title(_axis_title(info, "validation", objective))],
    )
    return captioned(made, _caption(info))


def _drawn_course(info: SearchInfo, dots: Sequence[Dot], label: str, look: Look, objective: int) -> Iterator[Trace]:
    values = [dot.validation[objective] for dot in dots]
    numbers = [dot.number for dot in dots]
    if not dots:
        return
    yield {
        "type": "scatter", "mode": "lines", "name": f"best {label} so far", "hoverinfo": "skip", "x": numbers,
        "y": [_percent(one) for one in accumulate(values, max)],
        "line": {"color": look.colour, "width": 2, "shape": "hv"}, "meta": {"label": label, "name": label},
    }  # fmt: skip
    yield {
        "type": "scatter", "mode": "markers", "name": label, "x": numbers, "y": [_percent(one) for one in values],
        "marker": {"symbol": look.symbol, "size": 8, "color": look.colour, "opacity": 0.7},
        "text": [_hover(info, dot) for dot in dots], "hovertemplate": "%{text}<extra></extra>",
        "meta": {"label": label, "name": label, "trials": [dot.trial_id for dot in dots]},
    }  # fmt: skip


def _percent(value: float) -> float:
    return round(100 * value, 3)


def explanation(info: SearchInfo) -> str:
    """What the figure says, in a sentence or two."""
    told = []
    for label in info.planned:
        own = [dot for dot in info.dots if dot.label == label]
        front = {dot.trial_id for dot in own if dot.front}
        told.append(f"{len(front)} of the {count(len({dot.trial_id for dot in own}), 'trial')} of {label}")
    return (
        f"On the front, beaten by no other of their search in {listed(info.objectives)} on "
        f"{count(info.n['validation'], 'validation image')}: {listed(told)}."
    )


def details(info: SearchInfo) -> tuple[str, ...]:
    """What else a reader should know: how the front is drawn, what is still to come, what was drawn again."""
    bars = "; bars are ± one standard error over images" if len(info.objectives) > 1 else ""
    return (f"The front is in full colour{bars}. The search looked at validation images alone.", *_counts(info))


def _counts(info: SearchInfo) -> Iterator[str]:
    for label, planned in info.planned.items():
        own = [dot.trial_id for dot in info.dots if dot.label == label]
        if len(own) < planned:
            yield f"{label} has {len(own)} of {count(planned, 'point')} so far."
        if len(set(own)) < len(own):
            yield f"The {count(len(own), 'point')} of {label} are {count(len(set(own)), 'different trial')}."


def pairs(info: SearchInfo) -> tuple[tuple[int, int], ...]:
    """Every two objectives, in their order."""
    number = len(info.objectives)
    return tuple((x, y) for x in range(number) for y in range(x + 1, number))
