"""`study preview`: a picture under each condition at five strengths, on one labelled sheet."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torchvision.transforms.v2.functional import resize

from study.cli.distorting import OPTIONS, WORDS
from study.cli.errors import CommandError
from study.cli.image_files import check_output, picture, whole
from study.cli.terminal import Terminal, count
from study.spec.faults import unknown
from trainables.corruptions import SEVERITIES, Corruption, corruptions
from trainables.distortions import Level, distortions
from trainables.evaluation.applied import Applied, families, strength_of
from trainables.normalisation import MAIN_CORRUPTIONS, MAIN_PERTURBATIONS
from trainables.parameters import complete
from trainables.perturbations import perturbations
from trainables.recipe import Family

SAMPLE = "astronaut.jpg"
SIDE, BORDER = 224, 16
"""Of a picture that is large enough: what is shown, and what lies around it, as the papers cut 224 out of 256."""
HARDER_UP, HARDER_DOWN = (0.5, 1, 2, 4, 8), (1.4, 1, 0.5, 0.25, 0.125)
"""Levels shown of a distortion, in practical ones."""
COLUMNS = 5
MOST_ROWS = 14
"""Of a block."""
CELL = 160
"""Pixels that a smaller picture is enlarged to, by a whole factor, at most."""
TEXT, SMALL, GAP, LEFT = 20, 14, 10, 210
INK, GREY, PAPER = (20, 20, 20), (110, 110, 110), (255, 255, 255)
GROUPS: dict[str, Family] = {"corruptions": "corruption", "distortions": "sweep", "perturbations": "perturbation"}

MEMBERS: dict[Family, Callable[[], Sequence[str]]] = {
    "corruption": lambda: in_order(MAIN_CORRUPTIONS, corruptions.names()),
    "sweep": distortions.names,
    "perturbation": lambda: in_order(MAIN_PERTURBATIONS, perturbations.names()),
}


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture of a row."""

    caption: str
    pixels: Tensor
    """uint8 [C, H, W]"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One condition."""

    name: str
    note: str
    """What it is, and in which option's words."""
    shots: tuple[Shot, ...] = ()
    reason: str = ""
    """Why there are none."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A square picture."""

    pixels: Tensor
    """uint8 [1, C, side + 2 border, side + 2 border]"""
    border: int

    @property
    def side(self) -> int:
        return self.pixels.shape[3] - 2 * self.border


def preview(
    conditions: str | None, image: Path | None, output: Path, *, seed: int, force: bool, terminal: Terminal
) -> None:
    """The whole command; raises CommandError before anything is written."""
    chosen = tuple(picked(conditions))
    check_output(output, batch=False, moving=False, force=force)
    sample = sampled(image)
    rows = [_row(family, name, sample, seed) for family, name in chosen]
    drawn = sheet(rows, sample)
    with whole(output) as partial:
        drawn.save(partial)
    terminal.print(f"{output}: {count(len(rows), 'condition')} on {image or 'the sample picture'}, {sample.side} px")
    for row in rows:
        if row.reason:
            terminal.print("\n".join(terminal.wrap(f"left out: {row.name}: {row.reason}", hang=10)))


def picked(conditions: str | None) -> Iterator[tuple[Family, str]]:
    """Families and names, each once; raises CommandError for a name that there is not."""
    found: dict[tuple[Family, str], None] = {}
    for word in [one.strip() for one in conditions.split(",")] if conditions is not None else GROUPS:
        if word in GROUPS:
            family = GROUPS[word]
            found |= dict.fromkeys((family, name) for name in MEMBERS[family]())
        elif families(word):
            found |= dict.fromkeys((family, word) for family in families(word))
        else:
            known = sorted({*GROUPS, *(name for members in MEMBERS.values() for name in members())})
            raise CommandError(f"--conditions: {unknown('distortion, corruption or perturbation', word, known)}")
    yield from found


def in_order(main: Sequence[str], names: Sequence[str]) -> Sequence[str]:
    """The paper's in its order, then the others."""
    return (*main, *(name for name in names if name not in main))


def sampled(image: Path | None) -> Sample:
    """The centre square of a picture, at 224 pixels and a border of 16 where it is large enough."""
    if image is None:
        with as_file(files("study.cli.assets") / SAMPLE) as shipped:
            pixels = picture(shipped)
    else:
        pixels = picture(image)
    side, wanted = min(pixels.shape[1:]), SIDE + 2 * BORDER
    top, left = ((length - side) // 2 for length in pixels.shape[1:])
    square = pixels[None, :, top : top + side, left : left + side]
    if side < wanted:
        return Sample(pixels=square.contiguous(), border=0)
    return Sample(pixels=resize(square, [wanted, wanted], antialias=True).contiguous(), border=BORDER)


def _row(family: Family, name: str, sample: Sample, seed: int) -> Row:
    kind = families(name)[family]
    made = kind(**complete(kind, {}))
    note = f"{WORDS[family]} ({OPTIONS[family]})"
    title = made.label if isinstance(made, Corruption) else name
    try:
        return Row(name=title, note=note, shots=tuple(_shots(family, name, sample, seed)))
    except ValueError as error:
        return Row(name=title, note=note, reason=str(error))


def _shots(family: Family, name: str, sample: Sample, seed: int) -> Iterator[Shot]:
    described = strength_of(family, name)
    for strength in strengths(family, name, sample):
        made = Applied(family=family, name=name, parameters=(), strength=strength, seed=seed)
        border = sample.border or None
        (shown,) = next(made.batches(sample.pixels, torch.device("cpu"), border))
        if family != "perturbation":
            yield Shot(caption=f"{described.name} {strength:g}", pixels=shown)
            continue
        for frame in np.linspace(0, len(shown) - 1, COLUMNS).round().astype(int).tolist():
            yield Shot(caption=f"frame {frame + 1} of {len(shown)}", pixels=shown[frame])


def strengths(family: Family, name: str, sample: Sample) -> Sequence[float]:
    """Those that a row shows: five severities, or levels around the practical one; of a perturbation, its frames."""
    if family == "corruption":
        return range(1, SEVERITIES + 1)
    if family == "perturbation":
        return (1,)
    level = distortions.get(name).level
    return tuple(dict.fromkeys(_level(level, factor, sample) for factor in _factors(level)))


def _factors(level: Level) -> tuple[float, ...]:
    return HARDER_UP if level.harder == "up" else HARDER_DOWN


def _level(level: Level, factor: float, sample: Sample) -> float:
    """So many practical levels, as far as there are such."""
    most = sample.side if level.whole_side_is_identity else (sample.border or sample.side // 4)
    high = min(level.le or float("inf"), most if level.in_pixels else float("inf"))
    value = min(max(factor * (level.practical_at(sample.side) or 1), level.ge or 0), high)
    return round(value) if level.type is int else float(f"{value:.4g}")


def sheet(rows: Sequence[Row], sample: Sample) -> Image.Image:
    """One row a condition: its name at the left, its pictures with their strengths below them.

    Many rows stand in blocks side by side, so that the sheet is about as wide as it is high.
    """
    scale = max(1, CELL // sample.side)
    cell = scale * sample.side
    high = cell + SMALL + 2 * GAP
    width = LEFT + COLUMNS * (cell + GAP) + GAP
    blocks = -(-len(rows) // MOST_ROWS)
    each = -(-len(rows) // blocks)
    drawn = Image.new("RGB", (width * blocks, GAP + high * each), PAPER)
    pen = ImageDraw.Draw(drawn)
    for number, row in enumerate(rows):
        begin, top = width * (number // each), GAP + number % each * high
        pen.text((begin + GAP, top), row.name, INK, ImageFont.load_default(_fitting(row.name)))
        pen.text((begin + GAP, top + TEXT + GAP), row.note, GREY, ImageFont.load_default(SMALL))
        if row.reason:
            pen.text((begin + LEFT, top), f"left out: {row.reason}", GREY, ImageFont.load_default(SMALL))
        for column, shot in enumerate(row.shots):
            left = begin + LEFT + column * (cell + GAP)
            drawn.paste(_enlarged(shot.pixels, scale), (left, top))
            pen.text((left, top + cell + 2), shot.caption, INK, ImageFont.load_default(SMALL))
    return drawn


def _fitting(text: str) -> float:
    """The size at which a name fits into its column."""
    width = ImageFont.load_default(TEXT)
    return min(TEXT, TEXT * (LEFT - 2 * GAP) / max(1.0, width.getlength(text)))


def _enlarged(pixels: Tensor, scale: int) -> Image.Image:
    array = pixels.expand(3, -1, -1).movedim(0, 2).numpy()
    image = Image.fromarray(np.ascontiguousarray(array))
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
