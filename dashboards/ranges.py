"""Ranges over trials: what a band's edges are, and how wide ranges over unequal numbers of trials compare."""

import math
from collections.abc import Iterable, Mapping, Sequence

BANDS: Mapping[str, tuple[str, str]] = {
    "all": ("min", "max"),
    "q10-q90": ("q10", "q90"),
    "q25-q75": ("q25", "q75"),
}
"""A band's name → its lower and upper edge."""

QUANTILES: Mapping[str, float] = {
    "min": 0.0, "q10": 0.1, "q25": 0.25, "median": 0.5, "q75": 0.75, "q90": 0.9, "max": 1.0,
}  # fmt: skip


def quantile(ascending: Sequence[float], share: float) -> float:
    """Linear interpolation between the two nearest of the sorted values, as DuckDB's quantile_cont and numpy do it."""
    place = share * (len(ascending) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (place - below) * (ascending[above] - ascending[below])


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Each of QUANTILES of at least one value."""
    ascending = sorted(values)
    return {name: quantile(ascending, share) for name, share in QUANTILES.items()}


def comparable(numbers: Iterable[int]) -> int:
    """How many trials widths are compared at: those of the smallest group that has a range; 0 if none has."""
    return min((number for number in numbers if number > 1), default=0)


def expected_range(values: Sequence[float], m: int) -> float:
    """The mean of max − min over all subsets of `m` of the values, 1 ≤ m ≤ n.

    Exactly what resampling without replacement tends to: x₍ᵢ₎ is the largest of C(i−1, m−1) of the C(n, m) subsets, and
    the smallest of C(n−i, m−1).
    """
    return sum(weight * value for weight, value in zip(range_weights(len(values), m), sorted(values), strict=True))


def range_weights(n: int, m: int) -> tuple[float, ...]:
    """What each of `n` values, lowest first, counts in their `expected_range`."""
    highest = best_weights(n, m)
    return tuple(high - low for high, low in zip(highest, reversed(highest), strict=True))


def best_weights(n: int, m: int) -> tuple[float, ...]:
    """What each of `n` values, lowest first, counts in the mean of the largest over all subsets of `m`."""
    if not 1 <= m <= n:
        raise ValueError(f"a range over {m} of {n} values: the number lies in [1, {n}]")
    return tuple(math.comb(i, m - 1) / math.comb(n, m) for i in range(n))
