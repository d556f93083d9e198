"""Parameters: the named, ranged, sourced fields of every method, distortion, attack, model and data set.

A component is a frozen dataclass whose fields are made with `parameter(...)`. The same description validates a
constructor call, a line of YAML and the tables of `study methods`.
"""

import dataclasses
import math
import typing
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, cast

REQUIRED: Any = object()
"""Stands for `no default`: the YAML must say."""

Value = float | int | bool | str | tuple[float | int, ...] | None


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One named parameter: its type, default, range, unit and where the range comes from."""

    name: str
    type: type = float
    optional: bool = False
    many: bool = False
    """True for a list of numbers of `type`, each in the range."""
    choices: tuple[str, ...] = ()
    default: Any = REQUIRED
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    unit: str = ""
    symbol: str = ""
    doc: str = ""
    source: str = ""
    identity: bool = True
    """False for a parameter that cannot change a result, such as where the files lie."""
    identity_default: Any = REQUIRED
    """A value left out of the trial's hash: set on a field added later, so that old ids stay."""
    path: bool = False
    """True for a place on a disk: it is written out whole, since workers have working folders of their own."""

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    @property
    def range(self) -> str:
        """The permitted values in words: `[0, 1]`, `> 0`, `kl | l2`."""
        return f"list, each {self._one}" if self.many else self._one

    @property
    def _one(self) -> str:
        """The permitted values, or those of a list's entries."""
        if self.choices:
            return " | ".join(self.choices)
        if self.type is bool:
            return "true | false"
        low, high = self._bound(self.ge, self.gt), self._bound(self.le, self.lt)
        if low is not None and high is not None:
            return f"{'[' if self.ge is not None else '('}{low:g}, {high:g}{']' if self.le is not None else ')'}"
        if low is not None:
            return f"{'≥' if self.ge is not None else '>'} {low:g}"
        if high is not None:
            return f"{'≤' if self.le is not None else '<'} {high:g}"
        return {int: "whole number", float: "number", str: "text"}[self.type]

    @staticmethod
    def _bound(closed: float | None, opened: float | None) -> float | None:
        return closed if closed is not None else opened

    def convert(self, value: object) -> Value:
        """`value` as this parameter's type; raises ValueError with the rule and the value."""
        if value is None and self.optional:
            return None
        if self.many:
            return self._numbers(value)
        if self.choices:
            if value not in self.choices:
                raise ValueError(f"{self.name} is one of {', '.join(self.choices)}; got {value!r}")
            return str(value)
        if self.type in (float, int):
            return self._number(value)
        if not isinstance(value, (bool, str)) or not isinstance(value, self.type):
            raise ValueError(f"{self.name} is {self.range}; got {value!r}")
        return str(Path(value).expanduser().absolute()) if self.path and isinstance(value, str) else value

    def _numbers(self, value: object) -> tuple[float | int, ...]:
        if not isinstance(value, (list, tuple)) or not value:
            raise ValueError(f"{self.name} is a list of one number or more; got {value!r}")
        return tuple(map(self._number, value))

    def _number(self, value: object) -> float | int:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"{self.name} is a finite number; got {value!r}")
        if self.type is int and value != int(value):
            raise ValueError(f"{self.name} is a whole number; got {value!r}")
        outside = (
            (self.ge is not None and value < self.ge)
            or (self.gt is not None and value <= self.gt)
            or (self.le is not None and value > self.le)
            or (self.lt is not None and value >= self.lt)
        )
        if outside:
            what = f"{self.name}, {self.doc}," if self.doc not in ("", self.name) else self.name
            raise ValueError(f"{what} {self._rule()}; got {value:g}")
        return int(value) if self.type is int else float(value)

    def _rule(self) -> str:
        """What a number must do, in words: `lies in [0, 1]`, `must be above 0`."""
        low, high = self._bound(self.ge, self.gt), self._bound(self.le, self.lt)
        if high is None:
            return f"must be {'at least' if self.ge is not None else 'above'} {low:g}"
        if low is None:
            return f"must be {'at most' if self.le is not None else 'below'} {high:g}"
        return f"lies in {self._one}"


def parameter(
    *,
    default: Any = REQUIRED,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    unit: str = "",
    symbol: str = "",
    doc: str = "",
    source: str = "",
    identity: bool = True,
    identity_default: Any = REQUIRED,
    path: bool = False,
) -> Any:
    """A dataclass field that carries its range, unit, meaning and source."""
    description = {
        "ge": ge, "gt": gt, "le": le, "lt": lt, "unit": unit, "symbol": symbol, "doc": doc, "source": source,
        "identity": identity, "identity_default": identity_default, "path": path,
    }  # fmt: skip
    return dataclasses.field(
        default=dataclasses.MISSING if default is REQUIRED else default,
        metadata={"parameter": description},
        kw_only=True,
    )


def like(component: type[Any], name: str, *, default: Any = None, source: str) -> Any:
    """A field that means what another component's does: with a source, and perhaps a default, of its own."""
    field = next(field for field in dataclasses.fields(component) if field.name == name)
    return dataclasses.field(
        default=field.default if default is None else default,
        metadata={"parameter": {**field.metadata["parameter"], "source": source}},
        kw_only=True,
    )


@dataclass(frozen=True, kw_only=True)
class Parameterised:
    """Base of everything a YAML names: a frozen dataclass that checks its parameters when it is made."""

    revision: ClassVar[int] = 1
    """Raised whenever the numbers this file produces change; part of every trial's identity."""

    def __post_init__(self) -> None:
        for described in parameters(type(self)):
            object.__setattr__(self, described.name, described.convert(getattr(self, described.name)))

    def contents(self) -> Mapping[str, str]:
        """Parameter → a hash of the files that it names: what identities know it by, wherever the files lie."""
        return {}


def parameters(component: type[Any]) -> tuple[Parameter, ...]:
    """The parameters of a component class, in the order they are written."""
    return _of_class(cast("Hashable", component))


@cache
def _of_class(component: Any) -> tuple[Parameter, ...]:
    hints = typing.get_type_hints(component)
    return tuple(
        _describe(field, hints[field.name]) for field in dataclasses.fields(component) if "parameter" in field.metadata
    )


def _describe(field: "dataclasses.Field[Any]", hint: Any) -> Parameter:
    plain = [kind for kind in typing.get_args(hint) if kind is not NoneType]
    optional = isinstance(hint, UnionType) and len(plain) < len(typing.get_args(hint))
    kind = plain[0] if optional else hint
    many = typing.get_origin(kind) is tuple
    if many:
        kind = typing.get_args(kind)[0]
    choices = typing.get_args(kind) if typing.get_origin(kind) is Literal else ()
    return Parameter(
        name=field.name,
        type=str if choices else kind,
        optional=optional,
        many=many,
        choices=tuple(choices),
        default=REQUIRED if field.default is dataclasses.MISSING else field.default,
        **field.metadata["parameter"],
    )


def complete(component: type[Parameterised], given: Mapping[str, object]) -> dict[str, Value]:
    """`given` checked and filled with defaults: the full parameters of `component`.

    Raises ValueError naming the first unknown, missing or out-of-range parameter.
    """
    known = {described.name: described for described in parameters(component)}
    for name in given:
        if name not in known:
            raise ValueError(f"no parameter is called {name!r}; there are {', '.join(known) or 'none'}")
    for name, described in known.items():
        if described.required and name not in given:
            raise ValueError(f"{name} must be given ({described.doc or described.range})")
    return {name: described.convert(given.get(name, described.default)) for name, described in known.items()}
