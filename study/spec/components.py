"""Components: reading the names and parameters of data sets, models, optimizers, distortions and methods."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from study.spec.axes import kind_of, single
from study.spec.faults import Faults, Place, unknown
from study.spec.reading import Mapping as MappingNode
from study.spec.reading import Node, Scalar
from trainables.attacks import Attack, attacks
from trainables.distortions import Distortion, distortions
from trainables.parameters import REQUIRED, Parameter, Parameterised, Value, parameters
from trainables.recipe import Component
from trainables.sequence import find

T = TypeVar("T")
AT_FAULT: Any = object()
"""Stands for a parameter's value where that is at fault."""


def entries(node: Node | None, what: str, faults: Faults) -> dict[str, Node]:
    """The parts of a mapping; none where `node` is absent, or empty, or at fault."""
    return entries_or_fault(node, what, faults) or {}


def entries_or_fault(node: Node | None, what: str, faults: Faults) -> dict[str, Node] | None:
    """The parts of a mapping; none where `node` is absent or empty. None if it is at fault."""
    if isinstance(node, MappingNode):
        return node.entries
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return {}
    faults.add(node.place, f"{what} is a mapping of names to values, got {kind_of(node)}")
    return None


def only(given: dict[str, Node], known: Collection[str], kind: str, faults: Faults) -> None:
    """Every name that is not known is at fault."""
    for name, node in given.items():
        if name not in known:
            faults.add(node.place, unknown(kind, name, known))


def name_of(node: Node, kind: str, known: Collection[str], faults: Faults) -> str | None:
    """The registered name that `node` is; None if it is at fault."""
    if not isinstance(node, Scalar):
        faults.add(node.place, f"the name of a {kind} is expected, got {kind_of(node)}")
        return None
    if node.text not in known:
        faults.add(node.place, unknown(kind, node.text, known))
        return None
    return node.text


def read_parameters(
    given: Mapping[str, Node],
    described: Iterable[Parameter],
    place: Place,
    faults: Faults,
    read: Callable[[Node, Parameter, Faults], T],
    default: Callable[[Value], T],
) -> dict[str, T]:
    """Each described parameter as `read` from what is given, or its default; a missing one is at fault."""
    values: dict[str, T] = {}
    for parameter in described:
        if parameter.name in given:
            values[parameter.name] = read(given[parameter.name], parameter, faults)
        elif parameter.default is REQUIRED:
            meaning = f"{parameter.doc}, {parameter.range}" if parameter.doc else parameter.range
            faults.add(place, f"{parameter.name} must be given ({meaning})")
        else:
            values[parameter.name] = default(parameter.default)
    return values


def as_is(default: Value) -> Value:
    return default


def read_component(
    name: str, kind: type[Parameterised], given: dict[str, Node], place: Place, faults: Faults
) -> Component:
    """`name` with its full parameters, one value each; without those at fault."""
    described = parameters(kind)
    only(given, [parameter.name for parameter in described], f"parameter of {name}", faults)
    read = read_parameters(given, described, place, faults, single_or_fault, as_is)
    component = Component.of(name, {own: value for own, value in read.items() if value is not AT_FAULT})
    if is_whole(component, kind):
        constructible(kind, component.parameters, place, faults)
    return component


def single_or_fault(node: Node, parameter: Parameter, faults: Faults) -> Value:
    """The one value of `parameter`, which may be None; AT_FAULT if it is at fault."""
    before = len(faults.found)
    value = single(node, parameter, faults)
    return value if len(faults.found) == before else AT_FAULT


def is_whole(component: Component, kind: type[Parameterised]) -> bool:
    """Whether none of its parameters was at fault."""
    return len(component.parameters) == len(parameters(kind))


def constructible(kind: type[Parameterised], values: Mapping[str, Value], place: Place, faults: Faults) -> bool:
    """Whether the parameters, each sound by itself, go together."""
    try:
        kind(**values)
    except ValueError as error:
        faults.add(place, error)
        return False
    return True


def named(node: Node, kind: str, registry: Any, faults: Faults) -> Component | None:
    """`lenet`, or `{name: resnet18, width: 16}`: a data set or a model. None if its name is at fault."""
    given: dict[str, Node] = dict(node.entries) if isinstance(node, MappingNode) else {"name": node}
    if "name" not in given:
        faults.add(node.place, f"name must be given: {{name: …, parameters}}, one of {', '.join(registry.names())}")
        return None
    name = name_of(given.pop("name"), kind, registry.names(), faults)
    return None if name is None else read_component(name, registry.get(name), given, node.place, faults)


def chosen(node: Node, kind: str, there: Mapping[str, type[Parameterised]], faults: Faults) -> Component | None:
    """`constant`, or `{sgd: {lr: 0.01}}`: an optimizer or a schedule. None if its name is at fault."""
    given = node.entries if isinstance(node, MappingNode) else {}
    if len(given) != 1:
        name = name_of(node, kind, there, faults) if isinstance(node, Scalar) else None
        if not isinstance(node, Scalar):
            faults.add(node.place, f"one {kind} is expected: {{name: {{parameters}}}}, got {kind_of(node)}")
        return None if name is None else read_component(name, there[name], {}, node.place, faults)
    name, part = next(iter(given.items()))
    if name not in there:
        faults.add(part.place, unknown(kind, name, there))
        return None
    own = entries_or_fault(part, f"the {kind}", faults)
    return None if own is None else read_component(name, there[name], own, part.place, faults)


def distortion_names() -> tuple[str, ...]:
    """Every distortion and attack."""
    return (*distortions.names(), *attacks.names())


def distortion_parameters(kind: type[Distortion] | type[Attack]) -> tuple[Parameter, ...]:
    """The level first, then the other parameters."""
    return (kind.level, *parameters(kind))


def find_distortion(name: str, place: Place, faults: Faults) -> type[Distortion] | type[Attack] | None:
    """The class; None if nothing is called so."""
    if name in distortion_names():
        return find(name)
    faults.add(place, unknown("distortion", name, distortion_names()))
    return None
