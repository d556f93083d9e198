"""The section `search:`: how the open axes are searched, and for what."""

from collections.abc import Sequence
from dataclasses import dataclass

from study.objectives import objective_names
from study.samplers import SAMPLERS
from study.spec.axes import kind_of, single
from study.spec.components import chosen, entries_or_fault, only
from study.spec.faults import Faults, unknown
from study.spec.form import MethodSpec, SearchSpec
from study.spec.grid import searched
from study.spec.open_axes import open_places
from study.spec.reading import Node, Scalar, Series
from trainables.parameters import Parameter, Parameterised, parameter, parameters
from trainables.recipe import Component

MOST_OBJECTIVES = 4
"""Beyond it nearly every point is on the front."""


@dataclass(frozen=True, kw_only=True)
class Numbers(Parameterised):
    """The lines that are a single value."""

    trials: int = parameter(
        ge=1, le=100_000, unit="points", doc="points to draw for each label and distortion searched"
    )
    seed: int = parameter(default=0, ge=0, le=2**32 - 1, doc="of the sampler; another seed draws other points")


NUMBERS: dict[str, Parameter] = {described.name: described for described in parameters(Numbers)}
LINES = ("sampler", "objectives", *NUMBERS)
REQUIRED_LINES = ("sampler", "trials", "objectives")


def read_search(node: Node | None, sweeps: Sequence[str], corrupted: bool, faults: Faults) -> SearchSpec | None:
    """How a study is searched; None for a grid, or if it is at fault. `corrupted`: whether it tests on corruptions."""
    if node is None:
        return None
    given = entries_or_fault(node, "search", faults)
    if given is None:
        return None
    before = faults.found
    only(given, LINES, "line of search", faults)
    for name in REQUIRED_LINES:
        if name not in given:
            faults.add(node.place, f"{name} must be given: a search has {', '.join(REQUIRED_LINES)}")
    sampler = chosen(given["sampler"], "sampler", SAMPLERS, faults) if "sampler" in given else Component.of("random")
    there = objective_names(sweeps, corrupted)
    objectives = _objectives(given["objectives"], there, faults) if "objectives" in given else ()
    numbers = {name: single(given[name], NUMBERS[name], faults) for name in NUMBERS if name in given}
    if faults.found != before or sampler is None:
        return None
    return SearchSpec.model_validate(
        {"sampler": sampler, "objectives": objectives, "seed": NUMBERS["seed"].default, **numbers}
    )


def check_open(
    search: Node | None, parts: Sequence[Node | None], methods: Sequence[MethodSpec], faults: Faults
) -> None:
    """A study with open axes is a search, and a search has open axes that a method uses."""
    opened = [found for part in parts for found in open_places(part)]
    if search is None:
        for form, place in opened:
            way_out = "list its values, or say how to search: search: {sampler: tpe, trials: 40, objectives: [clean]}"
            faults.add(place, f"{{{form}: …}} is an axis for a search, and this study is a grid; {way_out}")
    elif not any(searched(method) for method in methods) and not faults.found:
        way_out = "open an axis that a method uses, such as alpha: {loguniform: [0.01, 10]}, or leave search: out"
        faults.add(search.place, f"there is nothing to search: no axis is open; {way_out}")


def _objectives(node: Node, there: Sequence[str], faults: Faults) -> tuple[str, ...]:
    """The names, each known and once."""
    items = node.items if isinstance(node, Series) else (node,)
    if not 1 <= len(items) <= MOST_OBJECTIVES:
        faults.add(node.place, f"a search has 1 to {MOST_OBJECTIVES} objectives, got {len(items)}")
    names = dict[str, None]()
    for item in items:
        text = item.text if isinstance(item, Scalar) else None
        if text is None:
            faults.add(item.place, f"an objective's name is expected, got {kind_of(item)}")
        elif text not in there:
            faults.add(item.place, unknown("objective", text, there))
        elif text in names:
            faults.add(item.place, f"{text!r} stands twice; keep one of them")
        else:
            names[text] = None
    return tuple(names)
