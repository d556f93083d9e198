"""The grid of one entry of `methods:`: its points, in the order in which they are written."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from study.spec.form import MethodSpec, Setting
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
    """How many points a replicate has, without unrolling them."""
    return sum(_count(method, setting) for setting in method.settings)


def points(method: MethodSpec) -> Iterator[Point]:
    """Every point, each training distortion in turn."""
    for setting in method.settings:
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
    owned = [(METHOD, axis) for axis in method.axes]
    owned += [(number, axis) for number, step in enumerate(setting.steps) for axis in step.axes]
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
