"""Searches: what is drawn for each label and training distortion with open axes, and the trials of a drawn point."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace

from study.identity import canonical, hashed, trial_identity
from study.plan import Objective, Open, PlannedTrial, Search
from study.planning.conditions import objectives
from study.planning.starts import Parents, stages, starts
from study.planning.trials import ordered, planned_trial, recipe_of, resources
from study.spec import MethodSpec, SearchSpec, Setting, Spec
from study.spec.form import Axis
from study.spec.grid import METHOD, Owner, corners, open_axes, searched
from trainables.attacks import attacks
from trainables.methods import methods
from trainables.parameters import Parameter, Value, parameters
from trainables.recipe import Component, Condition, Recipe, Start
from trainables.sequence import find

DIGITS = 12
"""Significant digits of a number that a trial takes."""


def searches(spec: Spec, fingerprint: str, parents: Parents, planned: Iterable[Condition]) -> Iterator[Search]:
    """One for each label and training distortion under which something is open."""
    if spec.search is None:
        return
    wanted, depth = objectives(spec, planned), stages(spec)
    for method in ordered(spec, depth):
        for setting in searched(method):
            begun = starts(spec, method, parents)
            yield _search(spec, spec.search, method, setting, begun, depth[method.label], wanted, fingerprint)


def _search(
    spec: Spec,
    asked: SearchSpec,
    method: MethodSpec,
    setting: Setting,
    begun: tuple[Start, ...],
    stage: int,
    wanted: tuple[Objective, ...],
    fingerprint: str,
) -> Search:
    corner = corners(method, setting)[0]
    templates = tuple(recipe_of(spec, method, corner, replicate, start) for replicate, start in enumerate(begun))
    space = tuple(_space(templates[0], open_axes(method, setting)))
    course = {
        "label": method.label,
        "templates": [trial_identity(template, fingerprint).json() for template in templates],
        "space": [asdict(one) for one in space],
        "sampler": [asked.sampler.name, asked.sampler.parameters],
        "seed": asked.seed,
        "objectives": [[one.name, *one.validation] for one in wanted],
    }
    return Search(
        search_id=hashed(canonical(_lists(course))),
        label=method.label,
        stage=stage,
        templates=templates,
        space=space,
        points=asked.trials,
        sampler=asked.sampler,
        seed=asked.seed,
        objectives=wanted,
        resources=resources(method),
        fingerprint=fingerprint,
    )


def _space(template: Recipe, axes: Iterable[tuple[Owner, Axis]]) -> Iterator[Open]:
    """What is open, by the names that tables give it."""
    keys = dict(_keys(template))
    for owner, axis in axes:
        step = None if owner == METHOD else owner
        described = _described(template, step)[axis.name]
        assert axis.draw is not None
        yield Open(
            key=keys[step, axis.name], step=step, name=axis.name, draw=axis.draw, values=axis.values,
            whole=described.type is int, symbol=described.symbol,
        )  # fmt: skip


def _keys(template: Recipe) -> Iterator[tuple[tuple[int | None, str], str]]:
    """(step, parameter) → `method.alpha`, `distortion.sigma`; a name that an owner has twice is numbered."""
    seen: Counter[str] = Counter()
    for step, component in _components(template):
        owner = "method" if step is None else "attack" if component.name in attacks.names() else "distortion"
        for name, _ in component.items:
            key = f"{owner}.{name}"
            seen[key] += 1
            yield (step, name), key if seen[key] == 1 else f"{key}_{seen[key]}"


def _components(recipe: Recipe) -> Iterator[tuple[int | None, Component]]:
    yield None, recipe.method
    yield from enumerate(recipe.distortions)


def _described(template: Recipe, step: int | None) -> Mapping[str, Parameter]:
    if step is None:
        return {one.name: one for one in parameters(methods.get(template.method.name))}
    kind = find(template.distortions[step].name)
    return {one.name: one for one in (*parameters(kind), kind.level)}


def drawn_trials(search: Search, drawn: Mapping[str, Value]) -> tuple[PlannedTrial, ...]:
    """The trials of one point, one a replicate; `drawn` holds a value for each key of the space."""
    return tuple(
        planned_trial(_at(search, template, drawn), search.fingerprint, search.label, search.stage, search.resources)
        for template in search.templates
    )


def _at(search: Search, template: Recipe, drawn: Mapping[str, Value]) -> Recipe:
    """The template with the drawn values in the open places."""
    places: dict[int | None, dict[str, Value]] = {}
    for one in search.space:
        places.setdefault(one.step, {})[one.name] = _value(one, drawn[one.key])
    changed = {step: _with(component, places.get(step, {})) for step, component in _components(template)}
    distortions = tuple(changed[step] for step in range(len(template.distortions)))
    return replace(template, method=changed[None], distortions=distortions)


def _with(component: Component, values: Mapping[str, Value]) -> Component:
    return Component.of(component.name, {**component.parameters, **values})


def _value(one: Open, drawn: Value) -> Value:
    """A number as the axis's parameter has it, to DIGITS."""
    if one.draw == "choice" or not isinstance(drawn, (int, float)):
        return drawn
    return int(drawn) if one.whole else float(f"{drawn:.{DIGITS}g}")


def _lists(value: object) -> object:
    """Tuples for lists, as canonical JSON takes them."""
    if isinstance(value, dict):
        return {name: _lists(part) for name, part in value.items()}
    return tuple(map(_lists, value)) if isinstance(value, (list, tuple)) else value
