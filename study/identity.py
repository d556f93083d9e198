"""Identity: the same point is the same trial, in any study, on any machine.

A trial's id is a hash of everything that determines its result, and of nothing else; a test condition's likewise.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache, lru_cache

from trainables.corruptions import corruptions
from trainables.datasets import datasets
from trainables.evaluation import EVALUATION_REVISION
from trainables.evaluation.files import FILES_REVISION
from trainables.evaluation.stability import STABILITY_REVISION
from trainables.fit import LOOP_REVISION
from trainables.methods import methods
from trainables.models import models
from trainables.optimizers import OPTIMIZERS
from trainables.parameters import REQUIRED, Parameter, Parameterised, Value, complete, parameters
from trainables.perturbations import perturbations
from trainables.quality import quality_attacks
from trainables.recipe import Component, Family, Parent, Precision, Recipe, Select, Split, Start, WeightsFile
from trainables.schedules import SCHEDULES
from trainables.sequence import find, level_of

ID_DIGITS = 16
BENCHMARKS: Mapping[Family, Callable[[str], type[Parameterised]]] = {
    "corruption": corruptions.get,
    "perturbation": perturbations.get,
    "attack": quality_attacks.get,
}
"""Families of conditions whose steps are no distortions."""


def canonical(value: object) -> str:
    """JSON in one fixed form: keys sorted, no spaces, floats to 12 significant digits, whole ones as whole numbers."""
    return json.dumps(_simple(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True)
class Part:
    """A component as identities know it: its name, its parameters that can change a result, and its revision."""

    name: str
    parameters: tuple[tuple[str, Value], ...]
    revision: int


@dataclass(frozen=True, kw_only=True)
class TrialIdentity:
    """Every field that determines a trained model. A field equal to its identity default is left out of the hash."""

    data: Part
    data_fingerprint: str
    """Of every pixel and label of every split."""
    model: Part
    method: Part
    distortions: tuple[Part, ...]
    start: Start
    epochs: int | None = field(metadata={"identity_default": None})
    iterations: int | None = field(metadata={"identity_default": None})
    batch_size: int
    shuffle: bool = field(metadata={"identity_default": True})
    flip: bool = field(metadata={"identity_default": False})
    crop: int = field(metadata={"identity_default": 0})
    optimizer: Part
    schedule: Part
    select: Select
    precision: Precision = field(metadata={"identity_default": "float32"})
    compile: bool = field(metadata={"identity_default": False})
    threads: int
    replicate: int
    loop_revision: int

    def json(self) -> str:
        """The canonical JSON whose hash is the trial's id."""
        values = ((name, getattr(self, name), left_out) for name, left_out in _FIELDS)
        return "{" + ",".join(f'"{name}":{_fragment(value)}' for name, value, out in values if value != out) + "}"


_FIELDS = tuple(
    (described.name, described.metadata.get("identity_default", MISSING))
    for described in sorted(fields(TrialIdentity), key=lambda described: described.name)
)


def trial_identity(recipe: Recipe, fingerprint: str) -> TrialIdentity:
    """What a recipe is, on data with this fingerprint."""
    return TrialIdentity(
        data=_named(recipe.data, "data"),
        data_fingerprint=fingerprint,
        model=_named(recipe.model, "model"),
        method=_named(recipe.method, "method"),
        distortions=tuple(map(_distortion, recipe.distortions)),
        start=recipe.start,
        epochs=recipe.epochs,
        iterations=recipe.iterations,
        batch_size=recipe.batch_size,
        shuffle=recipe.shuffle,
        flip=recipe.flip,
        crop=recipe.crop,
        optimizer=_named(recipe.optimizer, "optimizer"),
        schedule=_named(recipe.schedule, "schedule"),
        select=recipe.select,
        precision=recipe.precision,
        compile=recipe.compile,
        threads=recipe.threads,
        replicate=recipe.replicate,
        loop_revision=LOOP_REVISION,
    )


def trial_id(identity: TrialIdentity) -> str:
    """16 hex digits."""
    return hashed(identity.json())


def condition_id(
    *,
    data: Component,
    fingerprint: str,
    split: Split,
    family: Family,
    steps: tuple[Component, ...],
    seed: int,
    precision: Precision,
) -> str:
    """16 hex digits: what a test condition is, on data with this fingerprint; no steps is `clean`."""
    return hashed(
        canonical(
            {
                "data": _named(data, "data"),
                "data_fingerprint": fingerprint,
                "split": split,
                "steps": tuple(_tested(family, step) for step in steps),
                "seed": seed,
                "precision": precision,
                "evaluation_revision": EVALUATION_REVISION,
            }
        )
    )


def hashed(text: str) -> str:
    """The first 16 hex digits of the SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]


@lru_cache(maxsize=4096)
def _named(component: Component, role: str) -> Part:
    """A component of one of the registries."""
    kind = _kind(component.name, role)
    return part(component.name, kind, parameters(kind), complete(kind, component.parameters))


@cache
def _kind(name: str, role: str) -> type[Parameterised]:
    """The class that stands for `name`; looking into the registry's folder for every trial would take seconds."""
    found: dict[str, Callable[[str], type[Parameterised]]] = {
        "data": datasets.get,
        "model": models.get,
        "method": methods.get,
        "optimizer": OPTIMIZERS.__getitem__,
        "schedule": SCHEDULES.__getitem__,
    }
    return found[role](name)


@lru_cache(maxsize=4096)
def _distortion(component: Component) -> Part:
    """A distortion or attack; its level stands among its parameters."""
    kind = find(component.name)
    level, value = level_of(component)
    others = {name: given for name, given in component.items if name != level.name}
    return part(component.name, kind, (level, *parameters(kind)), {level.name: value, **complete(kind, others)})


def _tested(family: Family, component: Component) -> Part:
    """A step of a condition, of the registry that its family says."""
    if family == "noise_stability":
        return Part(component.name, component.items, STABILITY_REVISION)
    if family not in BENCHMARKS:
        return _distortion(component)
    if "files" in component.parameters:
        counted = {name: value for name, value in component.items if name != "files"}
        return Part(f"files: {component.name}", tuple(counted.items()), FILES_REVISION)
    kind = BENCHMARKS[family](component.name)
    given = component.parameters
    shared = {name: given.pop(name) for name in list(given) if name not in {one.name for one in parameters(kind)}}
    values = complete(kind, given)
    own = part(component.name, kind, parameters(kind), {**values, **kind(**values).contents()})
    return Part(f"{family}: {own.name}", (*own.parameters, *sorted(shared.items())), own.revision)


def part(name: str, kind: type[Parameterised], described: tuple[Parameter, ...], values: Mapping[str, Value]) -> Part:
    """The parameters that count, without those at their identity default."""
    counted = [parameter for parameter in described if parameter.identity]
    kept = [one.name for one in counted if one.identity_default is REQUIRED or values[one.name] != one.identity_default]
    return Part(name, tuple((parameter, values[parameter]) for parameter in sorted(kept)), kind.revision)


@lru_cache(maxsize=4096, typed=True)
def _fragment(value: object) -> str:
    return canonical(value)


def _simple(value: object) -> object:
    """A value as what JSON has."""
    if isinstance(value, float):
        short = float(f"{value:.12g}")
        return int(short) if short.is_integer() else short
    if isinstance(value, Mapping):
        return {name: _simple(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return [_simple(part) for part in value]
    if isinstance(value, Part):
        return {"name": value.name, "parameters": _simple(dict(value.parameters)), "revision": value.revision}
    return _start(value) if isinstance(value, Start) else value


def _start(start: Start) -> object:
    """Where weights come from, without the place where a file lies."""
    if isinstance(start, Parent):
        return {"trial": start.trial_id, "role": start.role}
    return {"weights": start.fingerprint} if isinstance(start, WeightsFile) else "scratch"
