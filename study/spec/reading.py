"""Reading: the text of a study → a tree in which every part knows its line.

YAML 1.2: `1e-3` is a number; `on`, `yes` and `010` are what they look like. A key twice is an error, with both lines.
The tree is built from the parser's events, so that no tag makes an object and no alias grows without bound.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from study.spec.faults import Faults, Place, SpecError, refusal, shown
from trainables.parameters import Value

MAX_BYTES = 1_000_000
MAX_NODES = 200_000
MAX_DEPTH = 20
MAX_DIGITS = 60

SURROGATE = re.compile("[\ud800-\udfff]")
NULL = re.compile(r"null|Null|NULL|~|")
BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
INTEGER = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
FRACTION = re.compile(r"([-+]?[0-9]+(?:\.[0-9]+)?) ?/ ?([0-9]+(?:\.[0-9]+)?)")

Plain = Fraction | float | bool | str | None
"""A scalar's value; a Fraction is exact, a float is not finite."""


@dataclass(frozen=True, kw_only=True)
class Scalar:
    """One value."""

    place: Place
    text: str
    quoted: bool = False

    @property
    def value(self) -> Plain:
        """The value by YAML 1.2's core schema; numbers exactly."""
        return self.text if self.quoted else _resolve(self.text)

    @property
    def number(self) -> Fraction | float | None:
        """The value where a number is expected: `8/255` is one; None if it is none."""
        value = self.value
        if isinstance(value, str):
            return _ratio(value)
        return value if isinstance(value, (Fraction, float)) and not isinstance(value, bool) else None


@dataclass(frozen=True, kw_only=True)
class Series:
    """A list."""

    place: Place
    items: tuple["Node", ...]


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """Names with their parts, in the order written; each name once."""

    place: Place
    entries: dict[str, "Node"]


Node = Scalar | Series | Mapping


def says(node: "Node | None", value: bool) -> bool:
    """Whether it is `true`, or `false`, and nothing else."""
    return isinstance(node, Scalar) and node.value is value


def read(text: str, place: Place, faults: Faults, lines: bool = True) -> Node:
    """The tree of `text`, which stands at `place`, without what stands twice; raises SpecError if it is no YAML.

    `lines`: whether the text is a file, whose lines are worth telling.
    """
    return _Builder(place, faults, lines).build(text)


def decode(content: bytes, place: Place) -> str:
    """A file's content as text; raises SpecError if it is too large or no text."""
    if len(content) > MAX_BYTES:
        raise refusal(place, f"a study is at most {MAX_BYTES:,} bytes; this file has {len(content):,}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"a study is text in UTF-8; byte {error.start} of this file is not (is it a YAML file?)"
        raise refusal(place, message) from None
    if "\0" in text:
        raise refusal(place, "a study is text; this file is binary (is it a YAML file?)")
    return text


def rounded(number: Fraction | float) -> int | float:
    """The number to 12 significant digits; whole numbers as they are."""
    if isinstance(number, Fraction) and number.denominator == 1:
        return int(number)
    return float(f"{float(number):.12g}")


def plain(node: Node) -> Any:
    """The tree as dicts, lists, numbers and texts."""
    if isinstance(node, Mapping):
        return {name: plain(part) for name, part in node.entries.items()}
    if isinstance(node, Series):
        return [plain(part) for part in node.items]
    return value_of(node)


def value_of(scalar: Scalar) -> Value:
    """The scalar as the plain Python value it stands for, numbers rounded."""
    value = scalar.value
    return rounded(value) if isinstance(value, Fraction) else value


def moved(node: Node, place: Place) -> Node:
    """The same tree under another path; its lines stay those where it is written."""
    here = replace(node.place, path=place.path)
    if isinstance(node, Mapping):
        entries = {name: moved(part, here.at(name)) for name, part in node.entries.items()}
        return Mapping(place=here, entries=entries)
    if isinstance(node, Series):
        return Series(place=here, items=tuple(moved(part, _item(here, i)) for i, part in enumerate(node.items)))
    return replace(node, place=here)


def size(node: Node) -> int:
    """How many parts the tree has."""
    parts = node.entries.values() if isinstance(node, Mapping) else node.items if isinstance(node, Series) else ()
    return 1 + sum(map(size, parts))


class _Builder:
    """Builds one document's tree from its events."""

    def __init__(self, place: Place, faults: Faults, lines: bool) -> None:
        self.place = place
        self.faults = faults
        self.lines = lines
        self.anchors: dict[str, Node] = {}
        self.nodes = 0

    def build(self, text: str) -> Node:
        """The tree; raises SpecError where it cannot be read on."""
        try:
            return self._document(_events(text))
        except SpecError:
            raise
        except (YAMLError, ValueError, OverflowError) as error:
            mark = getattr(error, "problem_mark", None)
            raise self._refuse(mark, f"this is not YAML: {_problem(error)}") from None

    def _document(self, events: Iterator[Any]) -> Node:
        first = next(events, None)
        if first is None or isinstance(first, StreamEndEvent):
            raise self._refuse(None, "the file is empty; `study spec demo_mnist` prints a study to begin from")
        root = self._node(first, events, self.place, 0)
        for event in events:
            if isinstance(event, DocumentStartEvent):
                raise self._refuse(event.start_mark, "a file holds one study; a second document begins here")
        return root

    def _node(self, event: Any, events: Iterator[Any], place: Place, depth: int) -> Node:
        self._count(1, event, depth)
        if isinstance(event, AliasEvent):
            return self._alias(event, place)
        if event.tag is not None:
            raise self._refuse(event.start_mark, f"tags such as {shown(event.tag)} are not read here; write the value")
        node = self._untagged(event, events, place, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _untagged(self, event: Any, events: Iterator[Any], place: Place, depth: int) -> Node:
        """`place` holds the line of the name before the value: where a value of several lines is said to stand."""
        if isinstance(event, ScalarEvent):
            line = self._line(event.start_mark) if event.value or event.style else place.line
            return Scalar(place=replace(place, line=line), text=self._text(event), quoted=event.style is not None)
        if isinstance(event, SequenceStartEvent):
            return self._series(events, place, depth)
        return self._mapping(events, place, depth)

    def _series(self, events: Iterator[Any], place: Place, depth: int) -> Series:
        items: list[Node] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            here = replace(_item(place, len(items)), line=self._line(event.start_mark))
            items.append(self._node(event, events, here, depth + 1))
        return Series(place=place, items=tuple(items))

    def _mapping(self, events: Iterator[Any], place: Place, depth: int) -> Mapping:
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            name, line = self._name(event), self._line(event.start_mark)
            here = replace(place.at(name), line=line)
            part = self._node(next(events), events, here, depth + 1)
            if name in entries:
                self.faults.add(here, _twice(place.path, lines[name]))
            else:
                entries[name], lines[name] = part, line
        return Mapping(place=place, entries=entries)

    def _name(self, event: Any) -> str:
        self._count(1, event, 0)
        if not isinstance(event, ScalarEvent) or event.tag is not None or event.anchor is not None:
            raise self._refuse(event.start_mark, "what stands left of a colon is a plain name: no list, tag or anchor")
        return self._text(event)

    def _text(self, event: Any) -> str:
        if SURROGATE.search(event.value):
            raise self._refuse(event.start_mark, "an escape here is half a character, which no file can hold")
        return str(event.value)

    def _alias(self, event: Any, place: Place) -> Node:
        if event.anchor not in self.anchors:
            message = f"*{event.anchor} stands for nothing: no finished &{event.anchor} comes before it"
            raise self._refuse(event.start_mark, message)
        node = self.anchors[event.anchor]
        self._count(size(node), event, 0)
        return moved(node, place)

    def _count(self, nodes: int, event: Any, depth: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise self._refuse(event.start_mark, f"a study has at most {MAX_NODES:,} values, aliases written out")
        if depth > MAX_DEPTH:
            raise self._refuse(event.start_mark, f"a study is nested at most {MAX_DEPTH} deep")

    def _line(self, mark: Any) -> int:
        return int(mark.line) + 1 if self.lines else 0

    def _refuse(self, mark: Any, message: str) -> SpecError:
        """The fault that ends reading, with those found before it."""
        line = self.place.line if mark is None else self._line(mark)
        self.faults.add(replace(self.place, line=line), message)
        return SpecError(self.faults.found, read=False)


def _events(text: str) -> Iterator[Any]:
    """The events that follow the start of the first document."""
    events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(text))
    for event in events:
        if isinstance(event, DocumentStartEvent):
            break
    return events


def _problem(error: Exception) -> str:
    """The parser's complaint on one line."""
    return " ".join(str(getattr(error, "problem", None) or error).split())


def _twice(path: str, first: int) -> str:
    what, way_out = ("name", "give one of them another") if path == "methods" else ("key", "keep one of them")
    return f"the {what} stands twice (first on line {first}); {way_out}"


def _item(place: Place, index: int) -> Place:
    return replace(place, path=f"{place.path}[{index}]")


def _resolve(text: str) -> Plain:
    """A plain scalar by YAML 1.2's core schema."""
    if NULL.fullmatch(text):
        return None
    if BOOLEAN.fullmatch(text):
        return text.lower() == "true"
    if NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    if len(text) > MAX_DIGITS:
        return text
    if INTEGER.fullmatch(text):
        return Fraction(int(text, 0))
    return _finite(Fraction(text)) if DECIMAL.fullmatch(text) else text


def _ratio(text: str) -> Fraction | float | None:
    """`8/255`; None if `text` is nothing of the kind."""
    parts = FRACTION.fullmatch(text) if len(text) <= MAX_DIGITS else None
    if parts is None or not Fraction(parts[2]):
        return None
    return _finite(Fraction(parts[1]) / Fraction(parts[2]))


def _finite(number: Fraction) -> Fraction | float:
    """The number, or infinity beyond what a float holds."""
    return number if abs(number) < 10**300 else math.inf if number > 0 else -math.inf
