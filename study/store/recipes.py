"""Recipes and components as JSON, and back exactly: 1 stays whole, 1.0 a decimal."""

import json
from dataclasses import fields
from typing import Any

from trainables.recipe import Component, Parent, Recipe, Scratch, Start, WeightsFile

STARTS: dict[str, type[Start]] = {"scratch": Scratch, "trial": Parent, "weights": WeightsFile}


def start_kind(start: Start) -> str:
    """scratch, trial or weights"""
    return next(kind for kind, start_class in STARTS.items() if isinstance(start, start_class))


def write_recipe(recipe: Recipe) -> str:
    return json.dumps({field.name: _plain(getattr(recipe, field.name)) for field in fields(recipe)})


def read_recipe(text: str) -> Recipe:
    read = json.loads(text)
    for name in ("data", "model", "method", "optimizer", "schedule"):
        read[name] = _component(read[name])
    read["distortions"] = tuple(map(_component, read["distortions"]))
    read["stages"] = tuple(read.get("stages", ()))
    kind, values = read["start"]
    return Recipe(**{**read, "start": STARTS[kind](**values)})


def write_components(*components: Component) -> str:
    return json.dumps(_plain(components))


def read_components(text: str) -> tuple[Component, ...]:
    return tuple(map(_component, json.loads(text)))


def _plain(value: Any) -> Any:
    if isinstance(value, Component):
        return [value.name, value.items]
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Start):
        return [start_kind(value), vars(value)]
    return value


def _component(read: Any) -> Component:
    name, items = read
    return Component(name, tuple((key, tuple(value) if isinstance(value, list) else value) for key, value in items))
