"""The line `attacks:` of `evaluate:`: adversarial quality, by those attacks that it names, or by all if it names none.

attacks:
  fgs:      {rules: [paper, unmasked, exact]}   # a line search along the gradient's sign, by three rules
  hot_cold: {modes: [literal, abs, margin]}     # HC1
  pgd:      {epsilon: 8/255, steps: 20, step_size: 2/255, restarts: 1}
  images:   1000                                # the first of the test images; all where not said
  align:    ecc                                 # PASS with alignment too, by OpenCV; none where not said
"""

from collections.abc import Iterator, Mapping

from study.spec.axes import axis, single
from study.spec.components import entries_or_fault, only, read_component
from study.spec.faults import Faults
from study.spec.form import TestSpec
from study.spec.reading import Mapping as MappingNode
from study.spec.reading import Node, says
from trainables.alignment import INSTALL, can_align
from trainables.parameters import Parameter, Value, parameters
from trainables.quality import quality_attacks
from trainables.recipe import Component

ATTACKS = "attacks"
HC1 = "hc1"
"""What the literature calls hot_cold."""
IMAGES = Parameter(
    name="images", type=int, optional=True, default=None, ge=1, unit="images",
    doc="how many test images are attacked, the first ones; all where not said",
)  # fmt: skip
ALIGN = Parameter(
    name="align", type=str, choices=("none", "ecc"), default="none",
    doc=f"ecc: PASS also of the attacked image aligned with the original, as published ({INSTALL})",
    source="Rozsa, Rudd, Boult 2016",
)  # fmt: skip
SHARED = (IMAGES, ALIGN)


def read_attacks(node: Node | None, faults: Faults) -> tuple[TestSpec, ...]:
    """A condition for each variant of each attack; none where the line is absent or at fault."""
    given = None if node is None else entries_or_fault(node, ATTACKS, faults)
    if node is None or given is None:
        return ()
    before = faults.found
    for name in [name for name in given if name.lower() == HC1]:
        faults.add(given.pop(name).place, "HC1 is called hot_cold: the hot/cold attack with the closest other class")
    off = [name for name in quality_attacks.names() if says(given.get(name), False)]
    given = {name: _whole(part) for name, part in given.items() if name not in off}
    only(given, [*quality_attacks.names(), *(one.name for one in SHARED)], f"line of {ATTACKS}", faults)
    shared = {one.name: single(given[one.name], one, faults) if one.name in given else one.default for one in SHARED}
    if shared[ALIGN.name] == "ecc" and not can_align():
        faults.add(
            given[ALIGN.name].place,
            f"ecc aligns with OpenCV, which is not installed here: {INSTALL}, or write align: none for PASS without "
            "alignment",
        )
    there = [name for name in quality_attacks.names() if name not in off]
    named = [name for name in there if name in given] or there
    tests = [test for name in named for test in _tests(name, given.get(name), node, shared, faults)]
    return tuple(tests) if faults.found == before else ()


def _whole(node: Node) -> Node:
    """An attack that is `true` is one with nothing said of it."""
    return MappingNode(place=node.place, entries={}) if says(node, True) else node


def _tests(name: str, node: Node | None, line: Node, shared: Mapping[str, Value], faults: Faults) -> Iterator[TestSpec]:
    """The variants of one attack; `line` is `attacks:` itself."""
    kind = quality_attacks.get(name)
    own = {} if node is None else entries_or_fault(node, name, faults)
    if own is None:
        return
    described = [parameter.name for parameter in parameters(kind)]
    only(own, [kind.line, *described], f"parameter of {name}", faults)
    given = {said: part for said, part in own.items() if said in described}
    step = read_component(name, kind, given, (node or line).place, faults)
    variants = axis(own[kind.line], kind.variant, faults) if kind.line in own else kind.usual
    for variant in variants:
        yield _test(step, kind.variant, variant, shared)


def _test(step: Component, described: Parameter, variant: Value, shared: Mapping[str, Value]) -> TestSpec:
    """One that is a number is a level; one that is a word stands behind the name."""
    level = variant if isinstance(variant, (int, float)) else None
    return TestSpec(
        label=f"{step.name} ({variant})" if level is None else step.name,
        step=Component.of(step.name, {**step.parameters, **shared, described.name: variant}),
        parameter=None if level is None else described.name,
        level=level,
        reason=None,
    )
