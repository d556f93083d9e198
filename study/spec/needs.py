"""What a trial occupies: the lines of `resources:`, which all methods share and each may override.

    resources: {cpus: 4, gpus: 0.5, memory: 8 GiB, custom: {fast_disk: 1}, labels: {zone: [a, b]}}

They say where a trial runs and what it may take there, never what comes out: they are no part of its identity.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from study.plan import NOT_CUSTOM
from study.spec.axes import kind_of, single
from study.spec.components import entries, only
from study.spec.faults import Faults, shown
from study.spec.form import Needs
from study.spec.reading import Node, Scalar, Series
from trainables.parameters import Parameter, Parameterised, parameter, parameters

LEAST = 0.0001
"""Of which Ray counts whole multiples; less than one it refuses."""


@dataclass(frozen=True, kw_only=True)
class Occupied(Parameterised):
    """The lines that are a single number."""

    cpus: float = parameter(default=1.0, ge=LEAST, le=4096, unit="CPUs", doc="what a trial occupies")
    gpus: float = parameter(default=0.0, ge=0, le=64, unit="GPUs", doc="what a trial occupies; 0.5 puts two on one")


OCCUPIED: dict[str, Parameter] = {described.name: described for described in parameters(Occupied)}
AMOUNT = Parameter(name="amount", ge=LEAST, le=1_000_000, doc="of a custom resource that a trial occupies")
AUTO = "auto"
"""Of gpus: as many trials on each as pay, measured when the study is launched."""
MEMORY, CUSTOM, LABELS = "memory", "custom", "labels"
UNITS = {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(" + "|".join(UNITS) + ")")
LEAST_MEMORY = 2**30
"""A worker has imported all it needs, and that takes a part of it."""
MEMORY_MEANING = "the host's memory that a trial's worker may take and no more, such as 8 GiB; nothing: as it comes"
CUSTOM_MEANING = "custom resources that the nodes of a cluster offer, and how much of each: {fast_disk: 1}"
CUSTOM_NAME = re.compile(r"[ -+\--~]+")
"""Ray takes a node's resources as ASCII, with commas between them."""
OF_NODES = "node:"
"""How Ray begins the resource that each node has of its own: of that, no node offers anything to trials."""
LABELS_MEANING = "what the node's labels must be: {ray.io/accelerator-type: H100}, or one of several: {zone: [a, b]}"
LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
"""A label's value, as Ray and Kubernetes spell it."""


def read_needs(node: Node | None, above: Needs, faults: Faults) -> Needs:
    """`resources:` laid over what stands above it."""
    given = entries(node, "resources", faults)
    before = len(faults.found)
    only(given, (*OCCUPIED, MEMORY, CUSTOM, LABELS), "resource", faults)
    auto = (isinstance(asked := given.get("gpus"), Scalar)) and asked.text == AUTO
    numbers = {name: node for name, node in given.items() if name in OCCUPIED and not (auto and name == "gpus")}
    read: dict[str, Any] = {name: single(node, OCCUPIED[name], faults) for name, node in numbers.items()}
    gpus = read.get("gpus")
    if isinstance(gpus, float) and gpus > 1 and not gpus.is_integer():
        faults.add(given["gpus"].place, f"above 1, a trial takes whole GPUs, got {gpus:g}")
    if isinstance(gpus, float) and 0 < gpus < LEAST:
        faults.add(given["gpus"].place, f"a trial's part of a GPU is {LEAST:g} or more, or 0 for none; got {gpus:g}")
    if "gpus" in given:
        read |= {"auto": auto} | ({"gpus": 1.0} if auto else {})
    further = {MEMORY: _memory, CUSTOM: _custom, LABELS: _labels}
    read |= {name: further[name](node, faults) for name, node in given.items() if name in further}
    wrong = len(faults.found) > before and None in (read.get(name, 0) for name in OCCUPIED)
    return above if wrong else above.model_copy(update=read)


def default_needs() -> Needs:
    """One CPU and no GPU, on any node."""
    plain = {name: described.default for name, described in OCCUPIED.items()}
    return Needs.model_validate({**plain, MEMORY: None, CUSTOM: (), LABELS: (), "auto": False})


def _memory(node: Node, faults: Faults) -> int | None:
    """Bytes; None where nothing is asked for, or it is at fault."""
    if isinstance(node, Scalar) and node.value is None:
        return None
    found = SIZE.fullmatch(node.text) if isinstance(node, Scalar) else None
    if found is None:
        faults.add(
            node.place, f"memory is a number and a unit, such as 8 GiB ({', '.join(UNITS)}); got {kind_of(node)}"
        )
        return None
    size = int(Fraction(found[1]) * UNITS[found[2]])
    if size < LEAST_MEMORY:
        faults.add(node.place, f"a worker takes a part of it before a trial begins; give 1 GiB or more, got {found[0]}")
        return None
    return size


def _custom(node: Node, faults: Faults) -> tuple[tuple[str, float], ...]:
    """`{fast_disk: 1}`, sorted."""
    found: dict[str, float] = {}
    for name, part in entries(node, CUSTOM, faults).items():
        if name in NOT_CUSTOM:
            faults.add(part.place, f"{name} is no custom resource; write cpus, gpus or memory under resources:")
            continue
        if name.startswith(OF_NODES):
            faults.add(part.place, f"{shown(name)} is Ray's own name of a node; choose nodes by labels: instead")
            continue
        if not CUSTOM_NAME.fullmatch(name):
            rule = "ASCII characters without a comma, as `ray start --resources` takes them"
            faults.add(part.place, f"a custom resource's name has {rule}; got {shown(name)}")
            continue
        amount = single(part, AMOUNT, faults)
        if isinstance(amount, float):
            if amount > 1 and not amount.is_integer():
                faults.add(part.place, f"above 1, a resource is taken whole, got {amount:g}")
            found[name] = amount
    return tuple(sorted(found.items()))


def _labels(node: Node, faults: Faults) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """`{zone: a}` or `{zone: [a, b]}`, sorted."""
    found: dict[str, tuple[str, ...]] = {}
    for name, part in entries(node, LABELS, faults).items():
        items = part.items if isinstance(part, Series) else (part,)
        values = dict.fromkeys(item.text for item in items if isinstance(item, Scalar))
        if not items or len(values) < len(items):
            faults.add(part.place, f"a label's value is one word, or a list of different ones; got {kind_of(part)}")
        for value in values:
            if not LABEL.fullmatch(value):
                rule = "letters, digits, '-', '_' and '.', at most 63, the first and the last a letter or digit"
                faults.add(part.place, f"a label's value has {rule}; got {shown(value)}")
        found[name] = tuple(sorted(values))
    return tuple(sorted(found.items()))
