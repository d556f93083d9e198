"""Training distortions: the section `distortions:`, and what a method picks from it."""

import itertools
from collections.abc import Mapping

from study.spec.axes import kind_of
from study.spec.components import (
    distortion_parameters,
    entries,
    entries_or_fault,
    find_distortion,
    only,
    read_parameters,
)
from study.spec.faults import Faults, Place, shown, unknown
from study.spec.form import Axis, Range, Setting, Step
from study.spec.images import ImageShape, check_level, check_margin, margin
from study.spec.open_axes import ranged
from study.spec.reading import Node, Scalar, Series
from trainables.attacks import Attack
from trainables.distortions import Distortion
from trainables.methods import Method
from trainables.recipe import Component
from trainables.sequence import JOIN, build, find

ALL = "all"


def read_distortions(node: Node | None, images: ImageShape | None, faults: Faults) -> dict[str, Setting | None]:
    """Every key of `distortions:` with its ranges; None for one at fault."""
    given = entries(node, "distortions", faults)
    found: dict[str, Setting | None] = {
        key: _single(key, part, images, faults) for key, part in given.items() if JOIN not in key and key != ALL
    }
    if ALL in given:
        faults.add(given[ALL].place, "all stands for every distortion of this section; it cannot be one of them")
    for key, part in given.items():
        if JOIN in key:
            if entries(part, "a sequence", faults):
                faults.add(part.place, "a sequence takes its ranges from its parts above; write {}")
            found[key] = sequence(key, found, part.place, images, faults)
    return {key: found[key] for key in given if key in found}


def sequence(
    name: str, there: Mapping[str, Setting | None], place: Place, images: ImageShape | None, faults: Faults
) -> Setting | None:
    """`A then B` over the ranges of A and of B; None if it is at fault."""
    names = name.split(JOIN)
    for part in names:
        if part not in there:
            faults.add(place, unknown("distortion of this study", part, [key for key in there if JOIN not in key]))
    settings = [there.get(part) for part in names]
    steps = tuple(step for setting in settings if setting is not None for step in setting.steps)
    if None in settings:
        return None
    return Setting(steps=steps) if _applicable(steps, place, images, faults) else None


def picked(node: Node, there: Mapping[str, Setting | None], images: ImageShape | None, faults: Faults) -> list[str]:
    """The keys that a method's `distortion:` names, each once; sequences that have no key are taken as they are."""
    if isinstance(node, Scalar) and node.text == ALL:
        if not there:
            faults.add(node.place, "all stands for every key of distortions:, and there are none")
        return list(there)
    items = node.items if isinstance(node, Series) else (node,)
    if not items:
        faults.add(node.place, f"a method trains on at least one distortion; there are {', '.join(there)}, all")
    names: dict[str, None] = {}
    for item in items:
        name = _picked_one(item, there, images, faults)
        if name in names:
            faults.add(item.place, f"{shown(name)} stands twice; keep one of them")
        if name is not None:
            names[name] = None
    return list(names)


def check_kind(method: type[Method], setting: Setting, place: Place, faults: Faults) -> None:
    """The method must be able to train on the distortion; a sequence that holds an attack is an attack."""
    kinds = [find(step.name).kind for step in setting.steps]
    for kind in ["attack"] if "attack" in kinds else dict.fromkeys(kinds):
        if kind not in method.distortion_kinds:
            name = JOIN.join(step.name for step in setting.steps)
            faults.add(
                place,
                f"{method.label} trains on distortions of the kind {' or '.join(method.distortion_kinds)}; "
                f"{name} is of the kind {kind}",
            )


def _single(name: str, node: Node, images: ImageShape | None, faults: Faults) -> Setting | None:
    kind = find_distortion(name, node.place, faults)
    if kind is None:
        return None
    given = entries_or_fault(node, f"the ranges of {name}", faults)
    step = None if given is None else _step(name, kind, given, node.place, images, faults)
    return None if step is None or not _applicable((step,), node.place, images, faults) else Setting(steps=(step,))


def _step(
    name: str,
    kind: type[Distortion] | type[Attack],
    given: dict[str, Node],
    place: Place,
    images: ImageShape | None,
    faults: Faults,
) -> Step | None:
    """A distortion with the axes of its level and its other parameters."""
    described = distortion_parameters(kind)
    only(given, [parameter.name for parameter in described], f"parameter of {name}", faults)
    ranges = read_parameters(given, described, place, faults, ranged, lambda default: Range(values=(default,)))
    if images is not None and kind.level.name in ranges:
        for level in ranges[kind.level.name].values:
            check_level(kind.level, level, images, given[kind.level.name].place, faults)
    axes = tuple(Axis(name=own, values=found.values, draw=found.draw) for own, found in ranges.items())
    return Step(name=name, axes=axes) if all(axis.values for axis in axes) and len(axes) == len(described) else None


def _applicable(steps: tuple[Step, ...], place: Place, images: ImageShape | None, faults: Faults) -> bool:
    """Whether the steps can be made and, in their order, find the margins they need."""
    reach = 0
    for number, step in enumerate(steps):
        settings = _components(step)
        if not all(_constructible(setting, place, faults) for setting in settings):
            return False
        widest = max(map(margin, settings))
        before = [earlier.name for earlier in steps[:number] if issubclass(find(earlier.name), Attack)]
        if widest and before:
            faults.add(place, f"{step.name} needs pixels around the image, so it must come before {before[0]}")
            return False
        reach += widest
    if images is not None:
        check_margin(reach, images, place, faults)
    return True


def _components(step: Step) -> list[Component]:
    names = [axis.name for axis in step.axes]
    rows = itertools.product(*(axis.values for axis in step.axes))
    return [Component.of(step.name, dict(zip(names, row, strict=True))) for row in rows]


def _constructible(step: Component, place: Place, faults: Faults) -> bool:
    """Whether its parameters, each sound by itself, go together."""
    try:
        build((step,))
    except ValueError as error:
        faults.add(place, error)
        return False
    return True


def _picked_one(
    node: Node, there: Mapping[str, Setting | None], images: ImageShape | None, faults: Faults
) -> str | None:
    if not isinstance(node, Scalar):
        faults.add(node.place, f"a distortion's name is expected, got {kind_of(node)}")
        return None
    if node.text == ALL:
        faults.add(node.place, "all stands alone, for every distortion of this study: write distortion: all")
        return None
    if node.text in there:
        return node.text
    if JOIN in node.text and sequence(node.text, there, node.place, images, faults) is not None:
        return node.text
    if JOIN not in node.text:
        faults.add(node.place, unknown("distortion of this study", node.text, [*there, ALL]))
    return None
