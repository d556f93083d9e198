"""Faults: what is wrong with a study's YAML, where, and the way out. All of them are told at once."""

import difflib
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a part of a study is written."""

    file: str
    """As the user named it; `--set train.epochs=3` for an override."""
    line: int = 0
    """The first line is 1; 0 where there are no lines."""
    path: str = ""
    """`methods.DA.p`; empty for the file as a whole."""

    def at(self, name: str) -> "Place":
        """The place of the part called `name`, on the same line."""
        return Place(file=self.file, line=self.line, path=f"{self.path}.{name}" if self.path else name)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One broken rule: `grid.yaml:28  methods.DA.p: rule, value, way out`."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        told = f"{where}  {self.path}: {self.message}" if self.path else f"{where}  {self.message}"
        return "".join(letter if letter.isprintable() else " " for letter in told)


class SpecError(ValueError):
    """A study that cannot be planned, with every fault found in it, in the order of its lines.

    `read`: whether it could be read as a study at all; only then do names and ranges help.
    """

    def __init__(self, faults: Collection[Fault], read: bool = True) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.file, fault.line)))
        self.read = read
        super().__init__(self.faults)

    def __str__(self) -> str:
        count = f"{len(self.faults)} fault{'s' if len(self.faults) > 1 else ''}."
        hint = (
            "  `study methods`, `distortions`, `corruptions`, `perturbations`, `models`, `datasets` list what exists."
            if self.read
            else ""
        )
        return "\n".join([*map(str, self.faults), f"{count}{hint}"])


class Faults:
    """The faults found so far in one reading of a study; a fault told twice counts once."""

    def __init__(self) -> None:
        self._found: dict[Fault, None] = {}

    @property
    def found(self) -> tuple[Fault, ...]:
        return tuple(self._found)

    def add(self, place: Place, message: object) -> None:
        self._found[Fault(file=place.file, line=place.line, path=place.path, message=str(message))] = None

    def check(self) -> None:
        """Raises SpecError if anything was found."""
        if self._found:
            raise SpecError(self._found)


def unknown(kind: str, name: str, there: Collection[str]) -> str:
    """`no method is called 'stabilty_training'; did you mean 'stability_training'?`"""
    lower = {one.lower(): one for one in reversed(list(there))}
    near = [lower[one] for one in difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6)]
    way_out = f"did you mean {near[0]!r}?" if near else _there(there)
    return f"no {kind} is called {shown(name)}; {way_out}"


def _there(names: Collection[str]) -> str:
    if not names:
        return "there are none"
    return f"there {'are' if len(names) > 1 else 'is'} {', '.join(names)}"


def shown(value: object) -> str:
    """A value as a fault quotes it: short enough for a line."""
    text = f"{value:.12g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def refusal(place: Place, message: str) -> SpecError:
    """The error for a single fault that leaves nothing else to check."""
    return SpecError([Fault(file=place.file, line=place.line, path=place.path, message=message)], read=False)
