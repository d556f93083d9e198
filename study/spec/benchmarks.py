"""The lines `corruptions:` and `perturbations:` of `evaluate:`: ImageNet-C and ImageNet-P, or parts of them.

corruptions:
  set:        imagenet_c           # its 15; `extras: true` adds the four kept for validation
  severities: [1, 3, 5]            # all five where not said
  without:    [frost]              # or only: […]
  frost:      {photographs: DIR}   # parameters of one
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Entries
from dataclasses import dataclass
from typing import Any

import torch

from study.plan import ALEXNET
from study.spec.axes import axis, single
from study.spec.components import entries_or_fault, name_of, only, read_component
from study.spec.faults import Faults, Place, unknown
from study.spec.form import BenchmarkSpec, MethodSpec, TestSpec
from study.spec.grid import count, searched
from study.spec.images import ImageShape
from study.spec.reading import Mapping, Node, Scalar, Series
from trainables.corruptions import SEVERITIES, TABLES, Corruption, corruptions, table_of
from trainables.flips import CUTOFF, DIFFICULTIES
from trainables.normalisation import MAIN_CORRUPTIONS, MAIN_PERTURBATIONS
from trainables.parameters import Parameter, Value
from trainables.perturbations import Perturbation, perturbations
from trainables.recipe import Component
from trainables.registry import Registry

EXTRAS = Parameter(name="extras", type=bool, default=False, doc="whether the four that are kept for validation count")
TABLE = Parameter(
    name="table", type=int, optional=True, default=None, doc="the width of the images whose published settings are used"
)
NORMALIZE_BY = Parameter(
    name="normalize_by", type=str, optional=True, default=None,
    doc="whose errors are 1: a label of the study, or alexnet for ImageNet-1k at 224 pixels",
)  # fmt: skip
JPEG85 = Parameter(
    name="jpeg85",
    type=bool,
    default=False,
    doc="whether they go through JPEG at quality 85, as the published ones did",
)
SEVERITIES_LINE = Parameter(name="severities", type=int, ge=1, le=SEVERITIES, doc="how strong, 5 the strongest")
DIFFICULTIES_LINE = Parameter(
    name="difficulties", type=int, ge=1, le=len(DIFFICULTIES), doc="how strong noise is, 3 the strongest"
)
CHOICE = ("only", "without")
"""Lines that say which, one or the other."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One of the two lines of `evaluate:`."""

    name: str
    set: str
    """What `set:` may say."""
    main: tuple[str, ...]
    """What its mean is over, in the paper's order."""
    registry: Registry[Any]
    strengths: Parameter
    default: tuple[int, ...]
    """Strengths where none are given."""
    strength: str
    """The name of one of them among a step's parameters."""
    others: tuple[Parameter, ...] = ()
    """What it takes besides, for all its tests."""

    @property
    def lines(self) -> tuple[Parameter, ...]:
        """What holds for all its tests."""
        the_set = Parameter(name="set", type=str, choices=(self.set,), default=self.set, doc="whose tests they are")
        return (the_set, EXTRAS, TABLE, NORMALIZE_BY, *self.others)

    @property
    def extras(self) -> tuple[str, ...]:
        """What is kept for validation."""
        return tuple(name for name in self.registry.names() if name not in self.main)


CORRUPTIONS = Line(
    name="corruptions", set="imagenet_c", main=MAIN_CORRUPTIONS, registry=corruptions, strengths=SEVERITIES_LINE,
    default=tuple(range(1, SEVERITIES + 1)), strength="severity", others=(JPEG85,),
)  # fmt: skip
PERTURBATIONS = Line(
    name="perturbations", set="imagenet_p", main=MAIN_PERTURBATIONS, registry=perturbations,
    strengths=DIFFICULTIES_LINE, default=(1,), strength="difficulty",
)  # fmt: skip


def read_benchmark(line: Line, node: Node | None, images: ImageShape | None, faults: Faults) -> BenchmarkSpec | None:
    """What is to be tested of it; None where the line is absent or at fault."""
    if isinstance(node, Scalar) and node.text == line.set:
        node = Mapping(place=node.place, entries={})  # its name alone
    given = None if node is None else entries_or_fault(node, line.name, faults)
    if node is None or given is None:
        return None
    before = faults.found
    said = _said(line, given, faults)
    strengths = axis(given[line.strengths.name], line.strengths, faults) if line.strengths.name in given else None
    names = chosen(line, given, bool(said["extras"]), faults)
    steps = {name: _step(name, line, given, faults) for name in (*names, *line.extras)}
    for name in given if names else ():
        if name in line.registry.names() and name not in steps:
            faults.add(given[name].place, f"{name} is not among those tested; test it too, or leave its line out")
    if images is None or faults.found != before:
        return None
    table = said["table"] or table_of(max(images.shape[1:]))
    shared = {"table": table, **{one.name: said[one.name] for one in line.others}}
    strong = tuple(dict.fromkeys(strengths or line.default))
    tests = {name: tuple(_tests(line, step, strong, shared, images)) for name, step in steps.items()}
    if all(test.reason is not None for name in names for test in tests[name]):
        reasons = dict.fromkeys(str(test.reason) for name in names for test in tests[name])
        faults.add(node.place, f"the images can be put to none of them: {'; '.join(reasons)}; leave {line.name} out")
        return None
    normalize_by = said["normalize_by"]
    return BenchmarkSpec(
        name=f"{line.set} at {table} px{', as JPEG 85' if shared.get(JPEG85.name) else ''}",
        tests=tuple(test for name in names for test in tests[name]),
        extras=tuple(test for name in line.extras for test in tests[name]),
        normalize_by=normalize_by if isinstance(normalize_by, str) else None,
        place=node.place,
        ranks_five=images.classes is None or images.classes >= CUTOFF,
    )


def check_normalizers(
    node: Node | None, methods: Sequence[MethodSpec], labels: Sequence[str], images: ImageShape | None, faults: Faults
) -> None:
    """Each `normalize_by` names a label of one point, or AlexNet where its errors hold; `node` is `evaluate:`."""
    for part in _benchmark_lines(node):
        said = part.entries.get(NORMALIZE_BY.name) if isinstance(part, Mapping) else None
        if isinstance(said, Scalar) and said.value is not None:
            _check_normalizer(said, methods, labels, images, faults)


def _benchmark_lines(node: Node | None) -> Iterator[Node | None]:
    """Of `evaluate:`: those that compute, and the sets that lie on a disk."""
    given = node.entries if isinstance(node, Mapping) else {}
    yield from (given.get(line.name) for line in (CORRUPTIONS, PERTURBATIONS))
    files = given.get("corruption_files")
    yield from files.entries.values() if isinstance(files, Mapping) else ()


def _check_normalizer(
    said: Scalar, methods: Sequence[MethodSpec], labels: Sequence[str], images: ImageShape | None, faults: Faults
) -> None:
    if said.text in labels:
        several = [method for method in methods if method.label == said.text and not _is_one_point(method)]
        for method in several:
            rule = f"{method.label!r} stands for several trials, each with errors of its own"
            faults.add(said.place, f"{rule}; name a label of one point, such as the baseline's")
    elif said.text != ALEXNET:
        grids = [method.label for method in methods if not _is_one_point(method)]
        alexnet = [ALEXNET] if images is None or _is_imagenet(images) else []
        faults.add(
            said.place, unknown("normaliser", said.text, [*(one for one in labels if one not in grids), *alexnet])
        )
    elif images is not None and not _is_imagenet(images):
        size = f"{images.shape[1]} × {images.shape[2]} px"
        classes = "" if images.classes is None else f" of {images.classes:,} classes"
        fit = [method.label for method in methods if _is_one_point(method)]
        there = f"write normalize_by: {fit[0]}" if fit else "name a label of one point"
        faults.add(
            said.place,
            "AlexNet's errors are known for ImageNet-1k's 1,000 classes at 224 px alone, and the images of "
            f"{images.data} are {size}{classes}; {there}, or leave it out",
        )


def _is_one_point(method: MethodSpec) -> bool:
    return not searched(method) and count(method) == 1


def _is_imagenet(images: ImageShape) -> bool:
    """As far as size and classes tell."""
    return images.shape == (3, 224, 224) and images.classes in (1000, None)


def _said(line: Line, given: Entries[str, Node], faults: Faults) -> dict[str, Value]:
    """The lines that hold for all tests."""
    known = [*(one.name for one in line.lines), *CHOICE, line.strengths.name, *line.registry.names()]
    only(dict(given), known, f"line of {line.name}", faults)
    said = {one.name: single(given[one.name], one, faults) if one.name in given else one.default for one in line.lines}
    if said["table"] is not None and said["table"] not in TABLES:
        there = ", ".join(map(str, TABLES))
        faults.add(given["table"].place, f"settings are published for sides of {there}; got {said['table']}")
    return said


def chosen(line: Line, given: Entries[str, Node], extras: bool, faults: Faults) -> tuple[str, ...]:
    """Names: those of `only`, else the main ones and perhaps the extra ones but for those of `without`."""
    before = faults.found
    if "only" in given and "without" in given:
        faults.add(given["without"].place, "either `only` or `without` says which; give one of them")
    listed = {word: _names(given[word], line, faults) for word in CHOICE if word in given}
    names = (*line.main, *line.extras)
    asked = listed.get("only", names if extras else line.main)
    kept = tuple(name for name in names if name in asked and name not in listed.get("without", ()))
    for word in listed if not kept and faults.found == before else ():
        faults.add(given[word].place, f"nothing is left of {line.name}; leave the line out to test none")
    return kept


def _names(node: Node, line: Line, faults: Faults) -> tuple[str, ...]:
    """One name or a list of them; those at fault are left out."""
    items = node.items if isinstance(node, Series) else (node,)
    found = (name_of(item, line.registry.kind, line.registry.names(), faults) for item in items)
    return tuple(name for name in found if name is not None)


def _step(name: str, line: Line, given: Entries[str, Node], faults: Faults) -> Component:
    """A corruption or perturbation with the parameters that are its own."""
    own = entries_or_fault(given[name], name, faults) if name in given else {}
    place = given[name].place if name in given else Place(file="")
    return read_component(name, line.registry.get(name), own or {}, place, faults)


def _tests(
    line: Line, step: Component, strengths: tuple[Value, ...], shared: Entries[str, Value], images: ImageShape
) -> Iterator[TestSpec]:
    """At each strength; frames that time alone changes serve every difficulty, and are tested once."""
    made = line.registry.get(step.name)(**step.parameters)
    several = not isinstance(made, Perturbation) or made.from_first
    for strength in strengths if several else (1,):
        assert isinstance(strength, int)
        yield TestSpec(
            label=made.label if isinstance(made, Corruption) else made.name(),
            step=Component.of(step.name, {**step.parameters, **shared, line.strength: strength}),
            parameter=line.strength if several else None,
            level=strength if several else None,
            reason=_reason(made, strength, shared["table"], images.shape),
            extra=made.extra,
            noise=made.group == "noise" if isinstance(made, Corruption) else made.from_first,
        )


def _reason(made: Corruption | Perturbation, strength: int, table: Value, shape: tuple[int, int, int]) -> str | None:
    assert isinstance(table, int)
    setting = made.settings[table][strength - 1] if isinstance(made, Corruption) else made.setting(table, strength)
    return made.reason(torch.Size(shape), setting)
