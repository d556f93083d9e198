"""Hyperparameters as rows: which component each belongs to, and what papers write for it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from trainables.parameters import Value
from trainables.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Hyperparameter:
    """One parameter of one component of a recipe."""

    owner: str
    """method, distortion or attack"""
    component: str
    name: str
    number: float | None
    text: str | None


def hyperparameters(recipe: Recipe) -> tuple[Hyperparameter, ...]:
    """Those of the method, then those of each training distortion in the order of application."""
    found = [("method", recipe.method), *((_owner(step.name), step) for step in recipe.distortions)]
    seen: Counter[tuple[str, str]] = Counter()
    rows = []
    for owner, component in found:
        for name, value in component.items:
            seen[owner, name] += 1
            numbered = name if seen[owner, name] == 1 else f"{name}_{seen[owner, name]}"
            rows.append(_row(owner, component.name, numbered, value))
    return tuple(rows)


def _row(owner: str, component: str, name: str, value: Value) -> Hyperparameter:
    number, text = _split(value)
    return Hyperparameter(owner=owner, component=component, name=name, number=number, text=text)


def _split(value: Value) -> tuple[float | None, str | None]:
    if isinstance(value, bool):
        return None, str(value).lower()
    if isinstance(value, tuple):
        return None, ", ".join(f"{one:.12g}" for one in value)
    return (None, value) if isinstance(value, str) or value is None else (float(value), None)


@cache
def _owner(component: str) -> str:
    """Writers alone ask: what is read back says it, so that no query waits for torch."""
    from trainables.attacks import attacks

    return "attack" if component in attacks.names() else "distortion"


@cache
def symbol(owner: str, component: str, name: str) -> str:
    """`σ`; empty where the component's own file gives none."""
    return dict(_symbols(owner, component)).get(name, "")


def _symbols(owner: str, component: str) -> Iterator[tuple[str, str]]:
    from trainables.methods import methods
    from trainables.parameters import parameters
    from trainables.registry import UnknownNameError
    from trainables.sequence import find

    try:
        kind = methods.get(component) if owner == "method" else find(component)
    except UnknownNameError:  # a plan made by hand
        return
    described = parameters(kind) if owner == "method" else (*parameters(kind), find(component).level)
    yield from ((one.name, one.symbol) for one in described)
