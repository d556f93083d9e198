"""The answer in sentences: how far each method's trials span at the practical level, and where they stand."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from dashboards.figures.bands import Selection
from dashboards.paired import Difference
from dashboards.picks import By, Pick, pick
from dashboards.ranges import comparable, expected_range
from dashboards.results import Group, Results, Trial
from dashboards.wording import at_level, count, listed, percent, points, spoken, width
from study.plan import Sweep
from study.summary import UNDISTORTED


@dataclass(frozen=True, kw_only=True)
class Span:
    """One group at one level."""

    label: str
    planned: int
    n: int
    """Trials evaluated."""
    diverged: int
    range: float | None
    """Best minus worst, in [0, 1]; None without a trial."""
    expected: float | None
    """The same over `m` trials drawn from the group, the mean over all draws; None for a group of fewer."""
    chosen: Pick | None
    best: Difference | None
    worst: Difference | None


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A group that is drawn beside the others, trained on another distortion."""

    label: str
    train_distortion: str
    accuracies: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One training distortion at one level of one test distortion."""

    sweep: Sweep
    level: float
    """The practical one, or the first at which best and worst are picked."""
    by: By
    spans: tuple[Span, ...]
    replicates: int
    """Of the baseline: their mean is what differences are measured from."""
    m: int
    """Trials of the smallest group of several: what widths are compared at; 0 if there is none."""
    beside: tuple[Beside, ...] = ()


def answer(results: Results, selection: Selection, by: By) -> Answer:
    """The numbers of the sentences."""
    sweep = results.sweep(selection.test_distortion)
    level = next((one for one in selection.pick_at if one in sweep.levels), sweep.practical)
    condition = sweep.condition_ids[sweep.levels.index(level)]
    groups = _groups(results, selection.train_distortion, selection.labels)
    found = {group.label: _accuracies(results, group, condition) for group in groups}
    m = comparable(map(len, found.values()))
    return Answer(
        sweep=sweep,
        level=level,
        by=by,
        spans=tuple(_span(results, group, found[group.label], sweep, condition, by, m) for group in groups),
        replicates=results.replicates,
        m=m,
        beside=tuple(
            Beside(label=group.label, train_distortion=group.train_distortion, accuracies=tuple(values))
            for trained_on, labels in selection.also
            for group in _groups(results, trained_on, labels)
            if (values := _accuracies(results, group, condition))
        ),
    )


def _groups(results: Results, train_distortion: str, labels: Collection[str] | None) -> list[Group]:
    return [group for group in results.groups_on(train_distortion) if labels is None or group.label in labels]


def _accuracies(results: Results, group: Group, condition: str) -> list[float]:
    return [one for trial in group.trials if (one := results.accuracy(trial, condition)) is not None]


def _span(
    results: Results, group: Group, values: Sequence[float], sweep: Sweep, condition: str, by: By, m: int
) -> Span:
    chosen = pick(results, group, sweep, condition, by)
    return Span(
        label=group.label,
        planned=len(group.trials),
        n=len(values),
        diverged=sum(trial.diverged for trial in group.trials),
        range=max(values) - min(values) if values else None,
        expected=expected_range(values, m) if len(values) >= m > 0 else None,
        chosen=chosen,
        best=None if chosen is None else results.difference(chosen.best, condition),
        worst=None if chosen is None else results.difference(chosen.worst, condition),
    )


def sentences(told: Answer) -> tuple[str, ...]:
    """The answer as a reader meets it."""
    known = [span for span in told.spans if span.n]
    if not known:
        return ()
    return (
        *_spans(told, known),
        *(_stands(told, span) for span in known if span.worst is not None),
        *_beside(told),
        *_caveats(told, known),
    )


def _spans(told: Answer, known: Sequence[Span]) -> Iterator[str]:
    """`At σ = 0.3 the 6 ST trials span 10.3 points and the 4 DA trials 5.1; at equal numbers, any 4 of the 6 ST …`"""
    several = [span for span in known if span.n > 1]
    parts = [
        f"the {count(span.n, f'{span.label} trial')} {'span ' if number == 0 else ''}{width(span.range or 0)}"
        f"{' points' if number == 0 else ''}"
        for number, span in enumerate(several)
    ]
    where = at_level(told.sweep, told.level)
    if parts:
        equal = [span for span in several if span.expected is not None and span.n > told.m]
        compared = [
            f"any {told.m} of the {span.n} {span.label} trials span {width(span.expected or 0)}" for span in equal
        ]
        fair = f"; at equal numbers, {listed(compared)} on average" if compared else ""
        yield f"At {where} {listed(parts)}{fair}."
    lone = [span for span in known if span.n == 1]
    if lone:
        names = listed([span.label for span in lone])
        have, each = ("has", "") if len(lone) == 1 else ("have", " each")
        yield f"{names} {have} one trial{each}, so no range."


def _stands(told: Answer, span: Span) -> str:
    """`The worst ST trial is 2.0 points above the baseline (95 %: −0.1 to +4.1, paired over 1,500 images), …`"""
    assert span.worst is not None
    assert span.best is not None
    assert span.chosen is not None
    if span.n == 1:
        return f"The {span.label} trial is {_difference(span.best)}."
    if told.by == "test":
        return f"The worst {span.label} trial is {_difference(span.worst)}, the best {_short(span.best)}."
    where = f"on {span.chosen.basis}"
    return (
        f"The {span.label} trial that is best {where} is {_difference(span.best)}, the one that is worst there "
        f"{_short(span.worst)}."
    )


def _beside(told: Answer) -> Iterator[str]:
    """`Trained on rotation instead, the 2 ST trials lie at 20.3 to 24.1 % and the DA trial at 23.0.`"""
    for trained_on in dict.fromkeys(one.train_distortion for one in told.beside):
        groups = [one for one in told.beside if one.train_distortion == trained_on]
        parts = [
            f"the {_trials(one)} {_lie(one) if number == 0 else 'at'} {_reach(one)}{' %' if number == 0 else ''}"
            for number, one in enumerate(groups)
        ]
        yield f"Trained on {spoken(trained_on)} instead, {listed(parts)}."


def _trials(group: Beside) -> str:
    number = len(group.accuracies)
    return f"{group.label} trial" if number == 1 else f"{number} {group.label} trials"


def _lie(group: Beside) -> str:
    return "lies at" if len(group.accuracies) == 1 else "lie at"


def _reach(group: Beside) -> str:
    low, high = min(group.accuracies), max(group.accuracies)
    return percent(low) if len(group.accuracies) == 1 else f"{percent(low)} to {percent(high)}"


def _difference(difference: Difference) -> str:
    side = "above" if difference.value >= 0 else "below"
    return f"{width(abs(difference.value))} points {side} the baseline {interval(difference)}"


def _short(difference: Difference) -> str:
    return f"{points(difference.value)} ({points(difference.low)} to {points(difference.high)})"


def interval(difference: Difference) -> str:
    """`(95 %: −0.1 to +4.1, paired over 1,500 images)`"""
    how = "paired over" if difference.paired else "unpaired, binomial, over"
    return f"(95 %: {points(difference.low)} to {points(difference.high)}, {how} {count(difference.n, 'image')})"


def _caveats(told: Answer, known: Sequence[Span]) -> Iterator[str]:
    for span in known:
        if span.diverged:
            counts = "counts" if span.diverged == 1 else "count"
            yield f"{span.diverged} of {span.n} {span.label} trials diverged, and {counts} all the same."
    if told.replicates > 1:
        yield f"The baseline is the mean of {told.replicates} replicates."
    missing = [
        f"{span.planned - span.n} of {span.planned} {span.label} trials" for span in told.spans if span.n < span.planned
    ]
    if missing:
        yield f"Not evaluated yet: {listed(missing)}."
    if told.by == "test":
        yield "Best and worst are picked on these same test images, as the paper does: a range, not a choice."
    else:
        bases = dict.fromkeys(span.chosen.basis for span in known if span.chosen is not None)
        yield f"Best and worst are picked on {listed(list(bases))}, so that the test images only measure them."


def why_nothing(results: Results, train_distortion: str, test_distortion: str) -> str:
    """Why there is nothing to draw for a pair; empty where there is."""
    trials = [trial for group in results.groups_on(train_distortion) for trial in group.trials]
    if not trials:
        return _why_no_trial(results, train_distortion)
    sweep = results.sweep(test_distortion)
    conditions = (results.clean, *sweep.condition_ids)
    if any(results.accuracy(trial, one) is not None for trial in trials for one in conditions):
        return ""
    return _none_yet(results, train_distortion, trials, f"has been evaluated under {spoken(test_distortion)}")


def why_no_epochs(results: Results, train_distortion: str) -> str:
    """Why there are no training curves; empty where there are."""
    trials = [trial for group in results.groups_on(train_distortion) for trial in group.trials]
    if not trials:
        return _why_no_trial(results, train_distortion)
    if any(results.epochs.get(trial.trial_id) for trial in trials):
        return ""
    return _none_yet(results, train_distortion, trials, "has finished an epoch")


def why_no_rates(results: Results, train_distortion: str, measured: Collection[str], what: str) -> str:
    """Why none of the trials is among those `measured` under `what`; empty where one is."""
    trials = [trial for group in results.groups_on(train_distortion) for trial in group.trials]
    if not trials:
        return _why_no_trial(results, train_distortion)
    if any(trial.trial_id in measured for trial in trials):
        return ""
    return _none_yet(results, train_distortion, trials, f"has been evaluated under {what}")


def _why_no_trial(results: Results, train_distortion: str) -> str:
    searched = [one.label for one in results.plan.searches if (one.train_distortion or UNDISTORTED) == train_distortion]
    if searched:
        return (
            f"No point of {listed(searched)} on {spoken(train_distortion)} has been drawn yet. "
            f"`study launch {results.plan.study}` goes on."
        )
    there = listed([spoken(one) for one in results.trained_on]) or "no training distortion"
    return f"No trial of this study was trained on {spoken(train_distortion)}; it has {there}."


def _none_yet(results: Results, train_distortion: str, trials: Sequence[Trial], what: str) -> str:
    states = [trial.state for trial in trials]
    told = [f"{states.count(state)} {name}" for state, name in STATES.items() if state in states]
    return (
        f"None of the {count(len(trials), 'trial')} trained on {spoken(train_distortion)} {what} yet: {listed(told)}. "
        f"`study launch {results.plan.study}` goes on."
    )


STATES = {
    "done": "trained", "running": "running", "held": "held by another launch", "failed": "failed",
    "blocked": "waiting for a parent that failed", "pruned": "pruned",
    "left": "not begun",
}  # fmt: skip
