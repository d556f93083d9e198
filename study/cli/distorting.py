"""`study distort`: one condition applied to a picture or a batch of images."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from rich.progress import Progress
from torch import Tensor

from study.cli.errors import CommandError
from study.cli.image_files import BATCH, check_output, read_pixels, write_batches, write_picture
from study.cli.terminal import Terminal, count
from study.spec.components import read_component
from study.spec.faults import Faults, Place, unknown
from study.spec.overrides import parse
from trainables.attacks import attacks
from trainables.corruptions import corruptions, table_of
from trainables.distortions import distortions
from trainables.evaluation.applied import Applied, families, strength_of
from trainables.parameters import Value
from trainables.perturbations import perturbations
from trainables.recipe import Family

SLOW = 1000
"""Images from which on a bar says how far it is."""
OPTIONS: dict[Family, str] = {"sweep": "--level", "corruption": "--severity", "perturbation": "--difficulty"}
"""Which option says a family, since some names stand in two or three."""
WORDS: dict[Family, str] = {"sweep": "distortion", "corruption": "corruption", "perturbation": "perturbation"}


def distort(
    name: str,
    strengths: dict[Family, float | None],
    source: Path,
    target: Path,
    overrides: Sequence[str],
    *,
    table: int | None,
    seed: int,
    force: bool,
    terminal: Terminal,
) -> None:
    """The whole command; raises CommandError before anything is written."""
    family, strength = chosen(name, strengths)
    if family == "sweep" and table is not None:
        raise CommandError(f"--size-table: {name} is a distortion, whose level says all; leave it out")
    applied = made_of(family, name, parameters_of(family, name, overrides), strength, table, seed)
    batch = source.suffix.lower() == BATCH
    check_output(target, batch, family == "perturbation", force)
    pixels = read_pixels(source)
    try:
        with progress(terminal, len(pixels)) as told:
            batches = applied.batches(pixels, torch.device("cpu"))
            shape = write_batches(target, len(pixels), batches, told) if batch else _write_one(target, batches)
    except ValueError as error:
        raise CommandError(f"{source}: {error}") from None
    described = strength_of(family, name)
    terminal.print(
        f"{target}: {applied.label}, {described.name} {applied.strength:g}, on {count(len(pixels), 'image')}; "
        f"{' × '.join(map(str, shape))}{_settings(applied, min(pixels.shape[2:]), max(pixels.shape[2:]))}"
    )


def _settings(applied: Applied, short: int, long: int) -> str:
    """`; settings for 299 px`, where those of another size were published; nothing of distortions."""
    side = short if applied.family == "perturbation" else long
    table = applied.table or table_of(side)
    return "" if applied.family == "sweep" or table == side else f"; settings for {table} px"


def _write_one(target: Path, batches: Iterator[Tensor]) -> tuple[int, ...]:
    """The only picture, or its frames; their shape."""
    ((made,),) = batches
    write_picture(target, made)
    return (*made.shape[:-3], *made.shape[-2:], made.shape[-3])


def made_of(
    family: Family, name: str, parameters: tuple[tuple[str, Value], ...], strength: float, table: int | None, seed: int
) -> Applied:
    """Raises CommandError for a strength or a table that there is not."""
    try:
        return Applied(family=family, name=name, parameters=parameters, strength=strength, table=table, seed=seed)
    except ValueError as error:
        raise CommandError(f"{name}: {error}") from None


def chosen(name: str, strengths: dict[Family, float | None]) -> tuple[Family, float]:
    """The family that the one given option says, and its strength; raises CommandError."""
    if name in attacks.names():
        raise CommandError(
            f"{name} needs a network to attack; `study launch` with a sweep of {name} in evaluate: has one"
        )
    there = families(name)
    if not there:
        known = sorted({*distortions.names(), *corruptions.names(), *perturbations.names()})
        raise CommandError(unknown("distortion, corruption or perturbation", name, known))
    given = {family: strength for family, strength in strengths.items() if strength is not None}
    ways = " or ".join(f"{OPTIONS[family]} ({WORDS[family]}, {_range(family, name)})" for family in there)
    if len(given) != 1:
        got = " and ".join(OPTIONS[family] for family in given) or "none"
        raise CommandError(f"{name}: give one of {ways}; got {got}")
    ((family, strength),) = given.items()
    if family not in there:
        raise CommandError(f"no {WORDS[family]} is called {name!r}; give {ways}")
    return family, strength


def _range(family: Family, name: str) -> str:
    described = strength_of(family, name)
    return f"{described.name} {described.range}"


def parameters_of(family: Family, name: str, overrides: Sequence[str]) -> tuple[tuple[str, Value], ...]:
    """Its own parameters, as `--set` gives them, else their defaults; raises SpecError with every fault."""
    faults = Faults()
    given = {one.path: one.value for one in (parse(text, faults) for text in overrides)}
    place = Place(file="--set")
    component = read_component(name, families(name)[family], given, place, faults)
    faults.check()
    return component.items


@contextmanager
def progress(terminal: Terminal, images: int) -> Iterator[Callable[[int], None]]:
    """Takes how many images more are done; draws a bar where there are many and a screen."""
    with Progress(console=terminal.console, transient=True, disable=not terminal.live or images < SLOW) as bar:
        task = bar.add_task("images", total=images)
        yield lambda done: bar.advance(task, done)
