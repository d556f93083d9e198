"""The section `evaluate:`: test distortions, each over its levels with its practical one, benchmarks, and attacks."""

import sys
from collections.abc import Sequence

from study.spec.attacks import ATTACKS, read_attacks
from study.spec.axes import axis, single
from study.spec.benchmarks import CORRUPTIONS, PERTURBATIONS, read_benchmark
from study.spec.components import (
    as_is,
    distortion_parameters,
    entries,
    entries_or_fault,
    find_distortion,
    only,
    read_parameters,
)
from study.spec.faults import Faults, Place, shown
from study.spec.file_sets import NAME as FILES
from study.spec.file_sets import read_file_sets
from study.spec.form import Evaluate, MethodSpec, SweepSpec
from study.spec.images import ImageShape, check_level, check_margin, margin
from study.spec.reading import Mapping, Node, Scalar, says
from study.spec.stability import STABILITY, read_stability
from trainables.attacks import Attack
from trainables.distortions import Distortion, Level
from trainables.parameters import Parameter, Value
from trainables.recipe import Component
from trainables.sequence import JOIN, build

Kind = type[Distortion] | type[Attack]

SEED = Parameter(name="seed", type=int, default=0, ge=0, le=2**62, doc="another seed draws other test distortions")


def switched(node: Node) -> Node:
    """`evaluate:` without the lines, and the sweeps, that are `false`; one that is `true` stands there alone."""
    if not isinstance(node, Mapping):
        return node
    lines = {name: switched(line) if name == "sweeps" else line for name, line in node.entries.items()}
    kept = {name: line for name, line in lines.items() if not says(line, False)}
    alone = {name: Mapping(place=line.place, entries={}) for name, line in kept.items() if says(line, True)}
    return Mapping(place=node.place, entries={**kept, **alone})


def read_evaluate(
    node: Node | None, images: ImageShape | None, methods: Sequence[MethodSpec], faults: Faults
) -> Evaluate:
    """What is sound of `evaluate:`; nothing but `clean` where it is absent."""
    given = entries(node, "evaluate", faults)
    known = ("sweeps", CORRUPTIONS.name, FILES, PERTURBATIONS.name, ATTACKS, STABILITY, "seed")
    only(given, known, "line of evaluate", faults)
    seed = single(given["seed"], SEED, faults) if "seed" in given else SEED.default
    sweeps = entries(given.get("sweeps"), "sweeps", faults)
    found = [_sweep(name, part, images, faults) for name, part in sweeps.items()]
    sound = tuple(sweep for sweep in found if sweep is not None)
    return Evaluate(
        sweeps=sound,
        corruptions=read_benchmark(CORRUPTIONS, given.get(CORRUPTIONS.name), images, faults),
        corruption_files=read_file_sets(given.get(FILES), images, faults),
        perturbations=read_benchmark(PERTURBATIONS, given.get(PERTURBATIONS.name), images, faults),
        attacks=read_attacks(given.get(ATTACKS), faults),
        noise_stability=read_stability(given.get(STABILITY), methods, faults),
        seed=seed if isinstance(seed, int) else 0,
    )


def _sweep(name: str, node: Node, images: ImageShape | None, faults: Faults) -> SweepSpec | None:
    kinds = [(part, find_distortion(part, node.place, faults)) for part in name.split(JOIN)]
    sound = [(part, kind) for part, kind in kinds if kind is not None]
    read = entries_or_fault(node, f"the sweep of {name}", faults)
    if read is None or len(sound) < len(kinds):
        return None
    given = dict(read)
    practical = given.pop("practical", None)
    if not _check_names(sound, given, node.place, faults):
        return None
    varied = _varied(sound, given, node.place, faults)
    if varied is None:
        return None
    before = faults.found
    steps = tuple(_step(part, kind, given, kind is sound[varied][1], node.place, faults) for part, kind in sound)
    level = sound[varied][1].level
    if level.name not in given:
        faults.add(node.place, f"{level.name} must be given: the levels to test at ({level.range})")
        return None
    levels = _levels(given[level.name], level, images, faults)
    if faults.found != before:
        return None
    chosen = _practical(practical, level, levels, images, given[level.name].place, faults)
    if chosen is None:
        return None
    sweep = SweepSpec(
        test_distortion=name, steps=steps, varied=varied, parameter=level.name, levels=levels, practical=chosen
    )
    return sweep if _applicable(sweep, images, node.place, faults) else None


def _check_names(kinds: list[tuple[str, Kind]], given: dict[str, Node], place: Place, faults: Faults) -> bool:
    """Whether every parameter of the steps has a name of its own, and every given one is a parameter."""
    known = [parameter.name for _, kind in kinds for parameter in distortion_parameters(kind)]
    shared = sorted({name for name in known if known.count(name) > 1 and name in given})
    if shared:
        faults.add(place, f"{', '.join(shared)} belongs to more than one step, so a test cannot tell which is meant")
    only(given, [*known, "practical"], "parameter of the sweep", faults)
    return not shared


def _varied(kinds: list[tuple[str, Kind]], given: dict[str, Node], place: Place, faults: Faults) -> int | None:
    """Which step's level runs over several values: the sweep's axis."""
    if len(kinds) == 1:
        return 0
    several = [i for i, (_, kind) in enumerate(kinds) if not isinstance(given.get(kind.level.name), Scalar | None)]
    if len(several) != 1:
        levels = ", ".join(kind.level.name for _, kind in kinds)
        faults.add(place, f"a sweep runs over one level; of {levels}, one is a list and the others a single value")
        return None
    return several[0]


def _step(name: str, kind: Kind, given: dict[str, Node], varied: bool, place: Place, faults: Faults) -> Component:
    """A step's parameters, without the level that varies."""
    described = [parameter for parameter in distortion_parameters(kind) if not (varied and parameter is kind.level)]
    return Component.of(name, read_parameters(given, described, place, faults, single, as_is))


def _levels(node: Node, level: Level, images: ImageShape | None, faults: Faults) -> tuple[float, ...]:
    """The levels, easy to hard."""
    levels = [value for value in axis(node, level, faults) if isinstance(value, (int, float))]
    if images is not None:
        for value in levels:
            check_level(level, value, images, node.place, faults)
    return tuple(sorted(levels, reverse=level.harder == "down"))


def _practical(
    node: Node | None, level: Level, levels: tuple[float, ...], images: ImageShape | None, place: Place, faults: Faults
) -> float | None:
    """The practical level: one of the levels, and one that changes an image."""
    there = ", ".join(f"{value:g}" for value in levels)
    if node is None and level.in_pixels and images is None:
        return None  # it depends on what is at fault
    if node is None:
        practical: Value = _usual(level, images)
        why = f"practical must be given: the usual level, {shown(practical)}, is not among the levels {there}"
    else:
        practical, place = single(node, level, faults), node.place
        why = f"{shown(practical)} is not among its levels {there}"
    if not isinstance(practical, (int, float)):
        return None
    if practical not in levels:
        faults.add(place, f"{why} (the images are {images.side} px wide)" if images and level.in_pixels else why)
        return None
    side = images.side if images else sys.maxsize
    if level.is_identity(practical, side):
        harder = ", ".join(f"{value:g}" for value in levels if not level.is_identity(value, side)) or "none yet"
        faults.add(place, f"{practical:g} leaves these images as they are; levels that do not: {harder}")
        return None
    return levels[levels.index(practical)]


def _usual(level: Level, images: ImageShape | None) -> float:
    """The practical level of the literature, at the images' size."""
    return float(f"{level.practical_at(images.side) if images else level.practical:.12g}")


def _applicable(sweep: SweepSpec, images: ImageShape | None, place: Place, faults: Faults) -> bool:
    """Whether the sweep can be made at each of its levels, with the margin it needs."""
    for level in sweep.levels:
        steps = sweep.at(level)
        try:
            build(steps)
        except ValueError as error:
            faults.add(place, error)
            return False
    if images is not None:
        check_margin(max(sum(map(margin, sweep.at(level))) for level in sweep.levels), images, place, faults)
    return True
