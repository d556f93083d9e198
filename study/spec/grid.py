"""The grid of one entry of `methods:`: its points, in the order in which they are written; and what is searched."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from study.spec.form import Axis, MethodSpec, Setting
from trainables.parameters import Value
from trainables.recipe import Component

Owner = int
"""The number of a step of the training distortion, or METHOD."""
METHOD: Owner = -1


@dataclass(frozen=True, kw_only=True)
class Point:
    """One setting of everything a method varies."""

    method: Component
    distortions: tuple[Component, ...]


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """Parameters that advance together (`zip`), or a single one."""

    columns: tuple[tuple[Owner, str], ...]
    rows: tuple[tuple[Value, ...], ...]
    """One value a column in each."""


def count(method: MethodSpec) -> int:
    """How many points of its grids a replicate has, without unrolling them."""
    return sum(_count(method, setting) for setting in method.settings if not open_axes(method, setting))


def points(method: MethodSpec) -> Iterator[Point]:
    """Every point of its grids, each training distortion in turn."""
    for setting in method.settings:
        if not open_axes(method, setting):
            yield from _points(method, setting)


def searched(method: MethodSpec) -> tuple[Setting, ...]:
    """The training distortions under which something is open: each is a search of its own."""
    return tuple(setting for setting in method.settings if open_axes(method, setting))


def open_axes(method: MethodSpec, setting: Setting) -> tuple[tuple[Owner, Axis], ...]:
    """What a search draws under one training distortion, and whose it is."""
    return tuple((owner, axis) for owner, axis in _owned(method, setting) if axis.draw is not None)


def corners(method: MethodSpec, setting: Setting) -> tuple[Point, ...]:
    """Every combination of ends, choices and values; the first is of the lower ends and the first choices."""
    return tuple(_points(method, setting))


def distinct(method: MethodSpec) -> tuple[Component, ...]:
    """The method at every point of its grids, and at the ends of what is searched; equal ones once."""
    ends = (point for setting in searched(method) for point in corners(method, setting))
    return tuple({point.method: None for point in itertools.chain(points(method), ends)})


def _points(method: MethodSpec, setting: Setting) -> Iterator[Point]:
    dimensions = _dimensions(method, setting)
    columns = tuple(column for dimension in dimensions for column in dimension.columns)
    for rows in _rows(dimensions, method.vary):
        yield _point(method, setting, columns, tuple(itertools.chain.from_iterable(rows)))


def names(method: MethodSpec, setting: Setting) -> list[str]:
    """The names `zip` may use: hyperparameters, then the parameters of the training distortion."""
    own = [axis.name for axis in method.axes]
    return own + [axis.name for step in setting.steps for axis in step.axes]


def _count(method: MethodSpec, setting: Setting) -> int:
    lengths = [len(dimension.rows) for dimension in _dimensions(method, setting)]
    if method.vary == "one_at_a_time":
        return 1 + sum(length - 1 for length in lengths)
    return math.prod(lengths)


def _dimensions(method: MethodSpec, setting: Setting) -> list[Dimension]:
    """The axes of a method under one training distortion, zipped ones joined where the first of them stands."""
    owned = _owned(method, setting)
    together = [(owner, axis) for owner, axis in owned if axis.name in method.zip]
    dimensions = []
    for owner, axis in owned:
        if axis.name not in method.zip:
            rows = tuple((value,) for value in axis.values)
            dimensions.append(Dimension(columns=((owner, axis.name),), rows=rows))
        elif (owner, axis) == together[0]:
            columns = tuple((owner, axis.name) for owner, axis in together)
            rows = tuple(zip(*(axis.values for _, axis in together), strict=True))
            dimensions.append(Dimension(columns=columns, rows=rows))
    return dimensions


def _owned(method: MethodSpec, setting: Setting) -> list[tuple[Owner, Axis]]:
    own = [(METHOD, axis) for axis in method.axes]
    return own + [(number, axis) for number, step in enumerate(setting.steps) for axis in step.axes]


def _rows(dimensions: list[Dimension], vary: str) -> Iterator[tuple[tuple[Value, ...], ...]]:
    """One row of each dimension at a time."""
    if vary == "product":
        yield from itertools.product(*(dimension.rows for dimension in dimensions))
        return
    default = tuple(dimension.rows[0] for dimension in dimensions)
    yield default
    for number, dimension in enumerate(dimensions):
        for row in dimension.rows[1:]:
            yield (*default[:number], row, *default[number + 1 :])


def _point(
    method: MethodSpec, setting: Setting, columns: tuple[tuple[Owner, str], ...], values: tuple[Value, ...]
) -> Point:
    parts: list[list[tuple[str, Value]]] = [[] for _ in range(len(setting.steps) + 1)]
    for (owner, name), value in zip(columns, values, strict=True):
        parts[owner].append((name, value))
    steps = (_component(step.name, tuple(sorted(part))) for step, part in zip(setting.steps, parts, strict=False))
    return Point(method=_component(method.method, tuple(sorted(parts[METHOD]))), distortions=tuple(steps))


@lru_cache(maxsize=4096)
def _component(name: str, items: tuple[tuple[str, Value], ...]) -> Component:
    """Equal components are one object, so that a large plan stays small."""
    return Component(name, items)
