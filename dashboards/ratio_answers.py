"""What a benchmark came to, in sentences: how far each method's trials span, next to the normaliser."""

from collections.abc import Callable, Iterator, Sequence

from dashboards.figures.ratios import RatioCurve, RatioRange, RatiosInfo
from dashboards.picks import By
from dashboards.results import CorruptionMeans, Of, Results
from dashboards.wording import count, headed, listed, spoken
from study.plan import Benchmark

Means = Callable[[str, str], CorruptionMeans | None]
"""(label, trial id) → its means."""


def spans(info: RatiosInfo, by: By, over: Sequence[str]) -> Iterator[str]:
    """`mCE over 15 of 15 corruptions, Baseline = 100: the 3 ST trials span 96.1 with α = 0.3 to 103.2 with α = 10; …`

    `over`: what the means of the trials are over.
    """
    parts = [_span(info, one, by) for one in info.ranges if one.mean]
    if info.baseline is not None and info.baseline.mean is not None:
        parts.append(f"{info.baseline_name} has {info.measure.told(info.baseline.mean)}")
    if parts:
        normalizer = info.measure.normalizer
        against = f", {normalizer} = {info.measure.factor:g}" if normalizer else ""
        yield f"{_begun(info.measure.mean)} over {listed(list(over))}{against}: {'; '.join(parts)}."


def _begun(mean: str) -> str:
    """`Mean error`, but `mCE`."""
    return mean if mean[1:2].isupper() else headed(mean)


def _span(info: RatiosInfo, one: RatioRange, by: By) -> str:
    told = info.measure.told
    best, worst = (_chosen(info, one.label, role, by) for role in ("best", "worst"))
    if best is None or worst is None or best.mean is None or worst.mean is None:
        return f"the {one.label} trial has {told(one.mean['min'])}"
    low, high = f"{told(best.mean)}{_at(best)}", f"{told(worst.mean)}{_at(worst)}"
    trials = f"the {count(one.evaluated, f'{one.label} trial')}"
    if by == "test":
        return f"{trials} span {low} to {high}"
    return f"of {trials} the best on {info.bases[by]} has {low}, the worst there {high}"


def _chosen(info: RatiosInfo, label: str, role: str, by: By) -> RatioCurve | None:
    return next((one for one in info.curves if (one.label, one.role, one.by) == (label, role, by)), None)


def _at(curve: RatioCurve) -> str:
    """` with α = 10 (σ 0.1)`"""
    return (
        f" with {curve.hyperparameters.strip('()')}"
        if curve.hyperparameters.startswith("(")
        else (f" with {curve.hyperparameters}" if curve.hyperparameters else "")
    )


def without(info: RatiosInfo, means: Means) -> Iterator[str]:
    """`Without what their training shows (gaussian noise): ST 97.0 to 104.1; without noise: …`"""
    seen = [test.spoken for number, test in enumerate(info.tests) if any(one.seen[number] for one in info.ranges)]
    told = [
        (f"Without {listed(seen)}, shown in training", _spans_of(info, lambda one: means(*one), "without_seen"))
        if seen
        else ("", ""),
        ("without noise", _spans_of(info, lambda one: means(*one), "without_noise")),
    ]
    parts = [f"{head}: {spans_}" for head, spans_ in told if spans_]
    if parts:
        text = "; ".join(parts)
        yield f"{text[:1].upper()}{text[1:]}."


def _spans_of(info: RatiosInfo, means: Callable[[tuple[str, str]], CorruptionMeans | None], field: str) -> str:
    parts = []
    for one in info.ranges:
        trials = [curve.trial_id for curve in info.curves if (curve.label, curve.role) == (one.label, "member")]
        found = [getattr(row, field) for trial in trials if (row := means((one.label, trial))) is not None]
        values = sorted(value for value in found if value is not None)
        if values:
            ends = dict.fromkeys(info.measure.told(value) for value in (values[0], values[-1]))
            parts.append(f"{one.label} {' to '.join(ends)}")
    return ", ".join(parts)


def caveats(results: Results, info: RatiosInfo, benchmark: Benchmark, by: By) -> Iterator[str]:
    """What was left out and why, what diverged, what is still to come, and how best and worst were told."""
    yield from left_out(benchmark)
    for one in info.ranges:
        if one.diverged:
            counts = "counts" if one.diverged == 1 else "count"
            yield f"{one.diverged} of {one.evaluated} {one.label} trials diverged, and {counts} all the same."
    if results.replicates > 1:
        yield f"The baseline is the mean of {results.replicates} replicates."
    missing = [
        f"{one.planned - one.evaluated} of {one.planned} {one.label} trials"
        for one in info.ranges
        if one.evaluated < one.planned
    ]
    if missing:
        yield f"Not evaluated yet: {listed(missing)}."
    if info.bases:
        where = "these same test images, as papers do: a range, not a choice" if by == "test" else info.bases[by]
        yield f"Best and worst are picked on {where}."


def left_out(benchmark: Benchmark) -> Iterator[str]:
    """`Left out: saturate (an image of one channel has no saturation to change).`"""
    reasons: dict[str, list[str]] = {}
    for one in benchmark.skipped:
        reasons.setdefault(one.reason, []).append(spoken(one.label))
    for reason, labels in reasons.items():
        yield f"Left out: {listed(list(dict.fromkeys(labels)))} ({reason})."


def counted(over: str) -> tuple[str, str]:
    """`13 of 15: without frost, snow` → (`13 of 15`, `without frost, snow`)"""
    number, _, which = over.partition(": ")
    return number, spoken(which)


def over(rows: Sequence[tuple[Of, str]], info: RatiosInfo) -> tuple[list[str], Iterator[str]]:
    """What the means of the figure's trials are over, each way once; and what is in none of them, in a sentence."""
    shown = {curve.label for curve in info.curves}
    found = list(dict.fromkeys(counted(told) for (_, label, _), told in rows if label in shown or not shown))
    return [number for number, _ in found], (_tested(which) for _, which in found if which)


def _tested(which: str) -> str:
    """Of `without frost, snow`, or of `fog`."""
    return f"Not tested: {which.removeprefix('without ')}." if which.startswith("without ") else f"Tested: {which}."
