"""The x axis of a sweep: where each level stands, from undistorted to hard, and what its tick says."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, pstdev

from dashboards.wording import with_unit
from study.plan import Sweep

LOG_RATIO = 10.0
"""Largest over smallest level, at least, for an axis to be worth a logarithm."""
TICK_GAP = 0.06
"""Of the axis's length: what two tick labels need between them."""
CLEAN = "clean"


@dataclass(frozen=True, kw_only=True)
class LevelAxis:
    """The levels of a sweep from 0, undistorted, to 1, the hardest."""

    positions: tuple[float, ...]
    """Of clean and of each level, easy to hard."""
    names: tuple[str, ...]
    """`clean`, `0.1`, …"""
    log: bool
    """Whether equal distances are equal ratios of levels."""

    @property
    def ticks(self) -> tuple[str, ...]:
        """The names, but for those that would run into their neighbour's."""
        return ticked(self, TICK_GAP)

    @property
    def spacing(self) -> float:
        """The smallest distance between two neighbours."""
        return min(b - a for a, b in zip(self.positions, self.positions[1:], strict=False))


def ticked(levels: LevelAxis, gap: float) -> tuple[str, ...]:
    """The names, but for those nearer than `gap` of the axis's length to the one before."""
    shown: list[str] = []
    last = -1.0
    for place, name in zip(levels.positions, levels.names, strict=True):
        free = place - last >= gap
        shown.append(name if free else "")
        last = place if free else last
    return tuple(shown)


def level_axis(sweep: Sweep) -> LevelAxis:
    """Levels in the distortion's own unit, in logarithms where they are spaced so, turned round where harder is less.

    Undistorted images stand at 0 where the unit has a 0 that means nothing happens; on a logarithmic or reversed axis,
    which has none, a step before the first level.
    """
    log = is_log(sweep.levels)
    scaled = [math.log(level) if log else float(level) for level in sweep.levels]
    rises = len(scaled) < 2 or scaled[-1] > scaled[0]
    if log or not rises:
        start = scaled[0] - math.copysign(_usual_step(scaled), 1 if rises else -1)
    else:
        start = min(0.0, scaled[0])
    distances = [abs(value - start) for value in (start, *scaled)]
    longest = distances[-1] or 1.0
    return LevelAxis(
        positions=tuple(round(distance / longest, 5) for distance in distances),
        names=(CLEAN, *(with_unit(sweep, level) for level in sweep.levels)),
        log=log,
    )


def is_log(levels: Sequence[float]) -> bool:
    """Whether levels span a decade and are more even as ratios than as differences."""
    low, high = min(levels), max(levels)
    if len(levels) < 3 or low <= 0 or high < LOG_RATIO * low:
        return False
    return _unevenness([math.log(level) for level in levels]) < _unevenness(levels)


def _steps(values: Sequence[float]) -> list[float]:
    return [abs(b - a) for a, b in pairwise(values)]


def _usual_step(values: Sequence[float]) -> float:
    return median(_steps(values)) if len(values) > 1 else 1.0


def _unevenness(values: Sequence[float]) -> float:
    """Standard deviation of the steps by their mean."""
    steps = _steps(values)
    return pstdev(steps) / (sum(steps) / len(steps))
