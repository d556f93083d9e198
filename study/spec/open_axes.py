"""Open axes: the ranges that a search draws from.

{uniform: [0, 1]}            a number between the two, evenly
{loguniform: [0.01, 10]}     a number between the two, evenly in the logarithm
{int: [1, 9]}                a whole number, both ends included
{choice: [0.1, 0.3]}         one of these
"""

from collections.abc import Iterator
from typing import cast

from study.plan import Draw
from study.spec.axes import axis, given, is_open, kind_of
from study.spec.faults import Faults, Place, shown
from study.spec.form import Range
from study.spec.reading import Mapping, Node, Scalar, Series
from trainables.parameters import Parameter, Value

DRAWS: dict[Draw, str] = {
    "uniform": "[low, high]",
    "loguniform": "[low, high]",
    "int": "[low, high]",
    "choice": "[value, value, …]",
}
"""Form → what it takes."""


def ranged(node: Node, parameter: Parameter, faults: Faults) -> Range:
    """The range of `parameter` that `node` stands for, open or not; without values if it is at fault."""
    if not is_open(node):
        return Range(values=axis(node, parameter, faults))
    assert isinstance(node, Mapping)
    form, part = next(iter(node.entries.items()))
    draw = cast("Draw", form)
    values = _choices(part, parameter, faults) if draw == "choice" else _ends(draw, part, parameter, faults)
    return Range(values=values, draw=draw)


def open_places(node: Node | None) -> Iterator[tuple[str, Place]]:
    """(form, place) of every open axis below `node`."""
    if node is not None and is_open(node):
        assert isinstance(node, Mapping)
        yield next(iter(node.entries)), node.place
        return
    parts = node.entries.values() if isinstance(node, Mapping) else node.items if isinstance(node, Series) else ()
    for part in parts:
        yield from open_places(part)


def _choices(node: Node, parameter: Parameter, faults: Faults) -> tuple[Value, ...]:
    if isinstance(node, Series) and len(node.items) > 1:
        return axis(node, parameter, faults)
    faults.add(node.place, f"{{choice: {DRAWS['choice']}}} takes two values or more, got {_amount(node)}")
    return ()


def _ends(draw: Draw, node: Node, parameter: Parameter, faults: Faults) -> tuple[Value, ...]:
    """The two ends, each a value of the parameter, the lower first."""
    scalars = [item for item in node.items if isinstance(item, Scalar)] if isinstance(node, Series) else []
    if len(scalars) != 2 or not isinstance(node, Series) or len(node.items) != 2:
        faults.add(node.place, f"{{{draw}: {DRAWS[draw]}}} takes two numbers, got {_amount(node)}")
        return ()
    try:
        low, high = (parameter.convert(given(scalar, parameter)) for scalar in scalars)
        _check_ends(draw, low, high, parameter)
    except ValueError as error:
        faults.add(node.place, error)
        return ()
    return low, high


def _check_ends(draw: Draw, low: Value, high: Value, parameter: Parameter) -> None:
    """Raises ValueError."""
    if parameter.choices or not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        raise ValueError(f"{parameter.name} is {parameter.range}, no number; write {{choice: [value, value]}}")
    if draw != "int" and parameter.type is int:
        raise ValueError(f"{parameter.name} is a whole number; write {{int: [{low:g}, {high:g}]}}")
    if draw == "int" and not (float(low).is_integer() and float(high).is_integer()):
        raise ValueError(f"{{int: …}} runs between whole numbers, got {low:g} and {high:g}")
    if draw == "loguniform" and low <= 0:
        raise ValueError(f"{{loguniform: …}} runs between numbers above 0, got {low:g}")
    if low >= high:
        raise ValueError(f"the lower end comes first, and the two differ; got {low:g} and {high:g}")


def _amount(node: Node) -> str:
    if not isinstance(node, Series):
        return kind_of(node)
    return (
        shown(node.items[0].text)
        if len(node.items) == 1 and isinstance(node.items[0], Scalar)
        else (f"{len(node.items)} values")
    )
