"""What MLflow is to show, as frozen values: one record a run. Nothing here knows of MLflow's client."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]


class TrackingError(ValueError):
    """MLflow cannot be used as asked; the message says where, why and what to do. No trial depends on it."""


PARENT = ""
"""Stands for a trial id in the record of the study's own run."""

KEY_LENGTH, PARAM_LENGTH, TAG_LENGTH = 250, 6000, 8000
"""Characters that MLflow keeps."""
OUTSIDE = re.compile(r"[^\w.\- ]")
"""What cannot stand in the name of a metric or a param."""
CUT_DIGITS = 8
DIGITS = 16
"""Of a digest."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One value of one metric."""

    key: str
    value: float
    """Finite."""
    step: int
    at: int
    """Milliseconds since 1970, UTC."""


@dataclass(frozen=True, kw_only=True)
class DataInput:
    """One split of the data, as an input of a run."""

    name: str
    digest: str
    """At most 36 characters; equal for equal pixels and labels of an equal split."""
    context: str
    """`train`, `validation` or `test`."""
    source: str
    """JSON: the data set's parameters."""
    profile: str
    """JSON: how many images."""


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One file of a run."""

    path: str
    key: str
    """Equal for equal content."""
    content: Callable[[], bytes]

    @classmethod
    def of(cls, path: str, content: bytes) -> "Artifact":
        """A file that is there already."""
        return cls(path=path, key=hashlib.sha256(content).hexdigest(), content=lambda: content)


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run: a trial, or with the trial id PARENT the study."""

    trial_id: str
    name: str
    status: Status
    started: int
    """Milliseconds since 1970, UTC."""
    ended: int | None
    """None while it runs."""
    tags: Mapping[str, str]
    params: Mapping[str, str]
    points: tuple[Point, ...]
    inputs: tuple[DataInput, ...]
    artifacts: tuple[Artifact, ...]
    note: str
    """Markdown; a person who writes another keeps it."""
    whole: bool
    """Whether `points` is all there is; a run in progress may have epochs that no table holds yet."""

    @cached_property
    def digest(self) -> str:
        """Equal for equal records; what follows its dot is `files`."""
        points = [(point.key, point.step, point.value) for point in self.points]
        inputs = [(one.name, one.digest, one.context) for one in self.inputs]
        shown = [self.name, self.status, self.ended, dict(self.tags), dict(self.params), sorted(points), inputs]
        return f"{_hash(json.dumps(shown, sort_keys=True))}.{self.files}"

    @cached_property
    def files(self) -> str:
        """Equal for records with equal files."""
        return _hash(json.dumps(sorted((one.path, one.key) for one in self.artifacts)))

    @cached_property
    def latest(self) -> Mapping[str, float]:
        """Each metric's value at its last step."""
        ordered = sorted(self.points, key=lambda point: point.step)
        return {point.key: point.value for point in ordered}


def points(values: Mapping[str, float], step: int, at: int) -> tuple[Point, ...]:
    """Values of one step; one that is not finite is left out: MLflow's charts and filters break on it."""
    finite = ((name, value) for name, value in values.items() if math.isfinite(value))
    return tuple(Point(key=key(name), value=float(value), step=step, at=at) for name, value in finite)


def params(values: Mapping[str, object]) -> dict[str, str]:
    """Params as MLflow keeps them: texts, the longest cut."""
    return {key(name): cut(str(value), PARAM_LENGTH) for name, value in values.items() if value is not None}


def tags(values: Mapping[str, object]) -> dict[str, str]:
    """Tags as MLflow keeps them; those that are empty are left out."""
    return {name: cut(str(value), TAG_LENGTH) for name, value in values.items() if value not in (None, "")}


def key(name: str) -> str:
    """A name that MLflow takes for a metric or a param: other characters become `_`."""
    return cut(OUTSIDE.sub("_", name), KEY_LENGTH)


def cut(text: str, length: int) -> str:
    """At most `length` characters; what is cut off leaves its hash, so that different texts stay different."""
    return text if len(text) <= length else f"{text[: length - CUT_DIGITS - 1]}-{_hash(text)[:CUT_DIGITS]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
