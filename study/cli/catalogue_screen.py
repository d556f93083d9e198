"""What exists: methods, distortions, models, data sets, each with its parameters, ranges and sources."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from study.cli.errors import CommandError
from study.cli.terminal import Terminal, facts
from study.report import figure
from study.spec.faults import unknown
from trainables.corruptions import Corruption
from trainables.distortions import Level
from trainables.parameters import Parameter, parameters
from trainables.quality import QualityAttack

HANG = 22
"""Columns of a parameter's name before its description."""


def print_catalogue(kind: str, found: Mapping[str, Any], name: str | None, terminal: Terminal) -> None:
    """Every component of a kind, or the one called `name`."""
    if name is not None and name not in found:
        raise CommandError(unknown(kind, name, found))
    chosen = found if name is None else {name: found[name]}
    for place, (called, component) in enumerate(chosen.items()):
        if place:
            terminal.print()
        for line in component_lines(called, component, terminal):
            terminal.print(line)
        if name is not None and issubclass(component, Corruption):
            for line in facts(_severities(component), terminal, hang=HANG):
                terminal.print(line)


def _severities(corruption: type[Corruption]) -> Iterator[tuple[str, str]]:
    """`at 32 px`, `share 0.75, 0.5, 0.4, 0.3, 0.15`: what the five mean, tables that say the same together."""
    sides: dict[str, list[str]] = {}
    for side, settings in corruption.settings.items():
        fields = zip(settings[0]._fields, zip(*settings, strict=True), strict=True)
        told = "; ".join(f"{name} {', '.join(map(_number, values))}" for name, values in fields)
        sides.setdefault(told, []).append(str(side))
    for told, those in sides.items():
        yield f"at {', '.join(those)} px", told


def _number(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(_number, value))
    return figure(value) if isinstance(value, (int, float)) else str(value)


def component_lines(name: str, component: Any, terminal: Terminal) -> Iterator[str]:
    """Name, what it is, and a block a parameter."""
    notes = ", ".join(_notes(component))
    yield terminal.text(f"{name}    {notes}" if notes else name)
    yield from terminal.wrap(component.summary, 2, 2)
    described = (*_given_first(component), *parameters(component))
    yield from facts(((_titled(one, terminal), _told(one)) for one in described), terminal, hang=HANG)


def _given_first(component: Any) -> Iterator[Parameter]:
    """What is no field of it: a distortion's level, and what an attack comes in several of."""
    level = getattr(component, "level", None)
    if level is not None:
        yield level
    if issubclass(component, QualityAttack):
        yield replace(component.variant, name=component.line, default=component.usual)


def _notes(component: Any) -> Iterator[str]:
    label = getattr(component, "label", None)
    if isinstance(label, str) and label:
        yield label
    if hasattr(component, "trains_on_distortion"):
        kinds = component.distortion_kinds
        yield f"trains on {' or '.join(kinds)}" if component.trains_on_distortion else "trains on undistorted images"
    passes = getattr(component, "passes", None)
    if isinstance(passes, int) and passes > 1:
        yield f"{passes} passes an image"
    if hasattr(component, "kind"):
        yield component.kind
    if hasattr(component, "group"):
        yield component.group
    if hasattr(component, "from_first"):
        yield "each frame against the first" if component.from_first else "each frame against the one before it"
    if getattr(component, "extra", False):
        yield "kept for validation, in no mean"


def _titled(described: Parameter, terminal: Terminal) -> str:
    """Name and symbol, once where they are the same in the terminal's characters."""
    symbol = terminal.text(described.symbol)
    return described.name if symbol in ("", described.name) else f"{described.name} {symbol}"


def _told(described: Parameter) -> str:
    parts = [f"{described.doc}: {described.range}" if described.doc else described.range, *_particulars(described)]
    return "; ".join(parts) + (f".  {described.source}" if described.source else "")


def _particulars(described: Parameter) -> Iterator[str]:
    if described.unit:
        yield f"unit {described.unit}"
    if isinstance(described, Level):
        yield from _level(described)
    elif described.required:
        yield "must be given"
    elif described.default is not None:
        yield f"default {figure(described.default) if described.default != '' else 'none'}"


def _level(level: Level) -> Iterator[str]:
    scaled = " at 224 px" if level.in_pixels else ""
    yield f"practical {figure(level.practical)}{scaled}"
    if level.harder == "down":
        yield "harder as it falls"
    if level.identity_level is not None:
        yield f"{figure(level.identity_level)} changes nothing"
    if level.whole_side_is_identity:
        yield "the image's side or more changes nothing"
