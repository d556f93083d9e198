"""Overrides: `--set path=value` laid over a study's tree, and the tree written back as YAML."""

import json
import re
from dataclasses import dataclass, replace

from study.spec.axes import kind_of
from study.spec.faults import Faults, Place, refusal, unknown
from study.spec.reading import Mapping, Node, Scalar, Series, moved, read
from study.tracking_uri import shown

SHORT = ("data", "model")
"""Sections whose short form, a name, grows into a mapping when a parameter is set."""
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*( [A-Za-z0-9_.]+)*")


@dataclass(frozen=True, kw_only=True)
class Override:
    """One `path=value`."""

    path: str
    value: Node

    @property
    def place(self) -> Place:
        return self.value.place


def parse(text: str, faults: Faults) -> Override:
    """`train.epochs=3`; the value is YAML. Raises SpecError."""
    path, equals, value = text.partition("=")
    path = path.strip()
    place = Place(file=f"--set {shown(' '.join(text.split()))}", path=path)
    if not equals or not path:
        raise refusal(Place(file=place.file), "an override is path=value, such as train.epochs=3")
    if not value.strip():
        return Override(path=path, value=Scalar(place=place, text=""))
    return Override(path=path, value=read(value, place, faults, lines=False))


def apply(tree: Mapping, override: Override) -> Mapping:
    """The tree with the override's value at its path. Raises SpecError where the path leads nowhere."""
    changed = _set(tree, override.path, override)
    assert isinstance(changed, Mapping)
    return changed


def write(node: Node) -> str:
    """YAML that reads back as this tree: the sections in lines, all below in one line each."""
    if not isinstance(node, Mapping):
        return _flow(node) + "\n"
    return "".join(_section(name, part) for name, part in node.entries.items())


def _set(node: Node, path: str, override: Override) -> Node:
    """`node` with the value at `path` below it."""
    if isinstance(node, Scalar) and node.value is None:
        node = Mapping(place=node.place, entries={})
    if isinstance(node, Scalar) and node.place.path in SHORT:
        node = Mapping(place=node.place, entries={"name": moved(node, node.place.at("name"))})
    if not isinstance(node, Mapping):
        raise refusal(override.place, f"{node.place.path} is {kind_of(node)}, so nothing lies below it; set it whole")
    name, rest = _first(node, path)
    here = node.place.at(name)
    if not rest:
        part = moved(override.value, here)
    elif name in node.entries:
        part = _set(node.entries[name], rest, override)
    elif node.place.path == "methods":
        raise refusal(override.place, unknown("method of this study", name, tuple(node.entries)))
    else:
        part = _set(Mapping(place=replace(override.place, path=here.path), entries={}), rest, override)
    return Mapping(place=node.place, entries={**node.entries, name: part})


def _first(node: Mapping, path: str) -> tuple[str, str]:
    """The first name of a path and the rest: a name that is there, dots and all, or what stands before a dot."""
    for name in sorted(node.entries, key=len, reverse=True):
        if path == name or path.startswith(f"{name}."):
            return name, path[len(name) + 1 :]
    name, _, rest = path.partition(".")
    return name, rest


def _section(name: str, node: Node) -> str:
    if not isinstance(node, Mapping) or not node.entries:
        return f"{_text(name)}: {_flow(node)}\n"
    lines = (f"  {_text(part)}: {_flow(value)}\n" for part, value in node.entries.items())
    return f"{_text(name)}:\n{''.join(lines)}"


def _flow(node: Node) -> str:
    if isinstance(node, Mapping):
        return "{" + ", ".join(f"{_text(name)}: {_flow(part)}" for name, part in node.entries.items()) + "}"
    if isinstance(node, Series):
        return "[" + ", ".join(map(_flow, node.items)) + "]"
    if node.quoted or isinstance(node.value, str):
        return _text(node.text, node.quoted)
    return node.text or "null"


def _text(text: str, quoted: bool = False) -> str:
    """A text as it is where YAML reads it so, else in double quotes."""
    plain = PLAIN.fullmatch(text) and isinstance(Scalar(place=Place(file=""), text=text).value, str) and not quoted
    return text if plain and len(text) < 100 else _quoted(text)


def _quoted(text: str) -> str:
    """In double quotes, where YAML escapes as JSON does, and what cannot be printed beyond that."""
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in escaped)
