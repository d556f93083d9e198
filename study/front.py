"""The front: of the points that a search drew, those that no other beats in every objective."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from study.plan import Drawn, Plan, Search

Accuracies = Mapping[tuple[str, str], float]
"""(trial id, condition id) → accuracy."""


@dataclass(frozen=True, kw_only=True)
class PointResult:
    """What a point came to, objective by objective; each the mean over its conditions and replicates."""

    search: Search
    drawn: Drawn
    validation: tuple[float, ...] | None
    """None until all of it is evaluated."""
    test: tuple[float, ...] | None
    front: bool
    """Whether no other point of its search is as good in every objective on validation images, and better in one."""


def point_results(plan: Plan, accuracies: Accuracies) -> tuple[PointResult, ...]:
    """Every point drawn so far, search by search, in the order of their numbers."""
    return tuple(result for search in plan.searches for result in _results(search, plan, accuracies))


def _results(search: Search, plan: Plan, accuracies: Accuracies) -> Iterator[PointResult]:
    drawn = [point for point in plan.drawn if point.search_id == search.search_id]
    validation = [_means(point.trial_ids, [one.validation for one in search.objectives], accuracies) for point in drawn]
    front = on_front(validation)
    for point, value, best in zip(drawn, validation, front, strict=True):
        test = _means(point.trial_ids, [one.test for one in search.objectives], accuracies)
        yield PointResult(search=search, drawn=point, validation=value, test=test, front=best)


def _means(
    trial_ids: Sequence[str], conditions: Sequence[Sequence[str]], accuracies: Accuracies
) -> tuple[float, ...] | None:
    """One mean for each group of conditions; None while a cell is missing."""
    cells = [[accuracies.get((one, condition)) for one in trial_ids for condition in group] for group in conditions]
    if any(cell is None for group in cells for cell in group):
        return None
    return tuple(fmean(cell for cell in group if cell is not None) for group in cells)


def on_front(values: Sequence[tuple[float, ...] | None]) -> list[bool]:
    """Which are on the front; larger is better, and what is not known yet is not on it. Equal points are all on it."""
    known = {value for value in values if value is not None}
    best = {one for one in known if not any(_beats(other, one) for other in known)}
    return [value in best for value in values]


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))
