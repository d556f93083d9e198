"""Plates of frost: the authors' photographs where a user has them, otherwise synthetic ones that resemble them.

The photographs' origin and licence are unknown, so they are not shipped. What is imitated is measured on them: size,
the luma's distribution and spectrum, and the colours' means and spreads.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

USED = 5
"""Of the authors' six photographs the last is never chosen."""
SEED = 20190
PERCENTILES = (0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0)
NEEDLE = 5
"""A crystal's needle is 2⁵ pixels long."""


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """What a synthetic plate has of a photograph."""

    size: tuple[int, int]
    """Height and width."""
    mean: tuple[float, float, float]
    """Of red, green, blue; levels, as all below."""
    spread: tuple[float, float, float]
    luma: tuple[float, float, float, float, float]
    """At 1, 25, 50, 75 and 99 percent."""
    slope: float
    """Of the logarithm of the luma's power against that of the frequency."""
    drift: float
    """How much the ice's thickness changes from place to place in the plate, in standard deviations of its needles."""
    softness: float
    """Sigma of the Gaussian that takes the plate's finest detail to the photograph's; pixels."""


_SOFT = Likeness(
    size=(600, 900),
    mean=(78, 149, 166),
    spread=(27, 16, 15),
    luma=(95, 116, 128, 141, 177),
    slope=-1.33,
    drift=0.65,
    softness=0.55,
)
_WHITE = Likeness(
    size=(315, 560),
    mean=(201, 205, 214),
    spread=(21, 22, 23),
    luma=(140, 193, 208, 220, 244),
    slope=-1.68,
    drift=0.33,
    softness=0.5,
)
_RELIEF = Likeness(
    size=(350, 527),
    mean=(138, 153, 165),
    spread=(28, 28, 30),
    luma=(81, 132, 150, 167, 231),
    slope=-1.25,
    drift=0.33,
    softness=0.56,
)
_FERNS = Likeness(
    size=(495, 660),
    mean=(112, 123, 135),
    spread=(44, 43, 42),
    luma=(43, 89, 117, 149, 237),
    slope=-1.83,
    drift=0.34,
    softness=0.37,
)
LIKENESSES = (_SOFT, _WHITE, _WHITE, _RELIEF, _FERNS)
"""The authors' second and third photographs are the same picture."""


@dataclass(frozen=True, eq=False)
class Plates:
    """All plates on one canvas, and how many places a crop can be taken from."""

    canvas: Tensor
    """uint8 [plates, C, H, W], each in the upper left corner."""
    places: Tensor
    """Rows and columns [plates, 2]."""


@lru_cache(maxsize=8)
def plates(photographs: str | None, scale: float, channels: int, size: tuple[int, int], device: torch.device) -> Plates:
    """For crops of `size`: the pictures scaled, and those that are not larger than that enlarged until they are."""
    pictures = _synthetic() if photographs is None else tuple(map(_read, photograph_files(photographs)))
    scaled = [_scaled(_in_channels(picture, channels), _large_enough(picture, scale, size)) for picture in pictures]
    height, width = (max(picture.shape[axis] for picture in scaled) for axis in (1, 2))
    canvas = [F.pad(one, (0, width - one.shape[2], 0, height - one.shape[1])) for one in scaled]
    places = [[one.shape[1] - size[0], one.shape[2] - size[1]] for one in scaled]
    return Plates(canvas=torch.stack(canvas).to(device), places=torch.tensor(places, device=device))


def photograph_files(folder: str) -> tuple[Path, ...]:
    """frost1 … frost5 in the folder, whatever their suffix; raises ValueError for the first that is not there."""
    found = []
    for number in range(1, USED + 1):
        files = sorted(Path(folder).glob(f"frost{number}.*"))
        if len(files) != 1:
            raise ValueError(
                f"photographs: {folder} must hold one file frost{number}.png or .jpg of the authors' "
                f"photographs, found {len(files)}; leave `photographs` out to use synthetic plates"
            )
        found.append(files[0])
    return tuple(found)


def _read(path: Path) -> Tensor:
    """uint8 [3, H, W]."""
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).movedim(2, 0)


@lru_cache(maxsize=1)
def _synthetic() -> tuple[Tensor, ...]:
    """One a likeness, equal ones for equal likenesses."""
    return tuple(plate(likeness, SEED + LIKENESSES.index(likeness)) for likeness in LIKENESSES)


def plate(likeness: Likeness, seed: int) -> Tensor:
    """uint8 [3, H, W]: needles of ice along a turning direction, given the likeness' spectrum, then its levels."""
    generator = torch.Generator().manual_seed(seed)
    needles = _with_slope(_needles(likeness.size, generator), likeness.slope, likeness.softness)
    thickness = _with_slope(torch.randn(likeness.size, generator=generator), slope=-5.0)
    luma = _with_levels(needles + likeness.drift * thickness, likeness.luma)
    mean, spread = (torch.tensor(numbers)[:, None, None] for numbers in (likeness.mean, likeness.spread))
    coloured = mean + (luma - luma.mean()) / luma.std() * spread
    return coloured.round().clamp(0, 255).to(torch.uint8)


def _needles(size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """[H, W]: white noise drawn out along a field of directions, ridges of which stand out as ferns' ribs do."""
    directions = _with_slope(torch.randn(size, generator=generator), slope=-4.0).mul(math.pi)
    steps = torch.stack([directions.cos(), directions.sin()])
    needles = torch.randn(size, generator=generator)
    for doubling in range(NEEDLE):
        needles = (needles + _moved(needles, steps * 2**doubling)) / 2
    needles = needles / needles.std()
    ridges = _with_slope(torch.randn(size, generator=generator), slope=-2.5)
    return needles - ridges.abs()


def _moved(plane: Tensor, steps: Tensor) -> Tensor:
    """The plane [H, W] as seen a step (x, y) [2, H, W] on, bilinear, mirrored beyond its border."""
    height, width = plane.shape
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    grid = torch.stack([(x + steps[0]) * 2 / (width - 1) - 1, (y + steps[1]) * 2 / (height - 1) - 1], dim=-1)
    return F.grid_sample(plane[None, None], grid[None], padding_mode="reflection", align_corners=True)[0, 0]


def _with_slope(plane: Tensor, slope: float, softness: float = 0) -> Tensor:
    """The plane's phases with a power of frequency to the `slope`, softened; mean 0, variance 1."""
    down, across = (torch.fft.fftfreq(side) for side in plane.shape)
    frequency = torch.hypot(down[:, None], across).clamp(min=1 / max(plane.shape))
    transformed = torch.fft.fft2(plane)
    ring = (frequency * max(plane.shape)).round().long()
    power = torch.zeros(int(ring.max()) + 1).index_add_(0, ring.flatten(), transformed.abs().square().flatten())
    count = torch.zeros_like(power).index_add_(0, ring.flatten(), torch.ones(ring.numel()))
    wanted = frequency ** (slope / 2) * (-2 * (math.pi * softness * frequency) ** 2).exp()
    shaped: Tensor = torch.fft.ifft2(transformed / (power / count.clamp(min=1)).sqrt()[ring] * wanted).real
    return (shaped - shaped.mean()) / shaped.std()


def _with_levels(plane: Tensor, luma: tuple[float, ...]) -> Tensor:
    """The plane's order of values with the luma's distribution, between its percentiles linear."""
    low, high = luma[0] - (luma[1] - luma[0]) / 2, luma[-1] + (luma[-1] - luma[-2]) / 2
    ranks = plane.flatten().argsort().argsort().double() / max(plane.numel() - 1, 1)
    levels = np.interp(ranks.numpy(), PERCENTILES, (max(low, 0.0), *luma, min(high, 255.0)))
    return torch.from_numpy(levels).to(torch.float32).view(plane.shape)


def _in_channels(picture: Tensor, channels: int) -> Tensor:
    """uint8 [3, H, W] as it is, or its luma [1, H, W]."""
    if channels == 3:
        return picture
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    return (picture * weights).sum(0, keepdim=True).round().to(torch.uint8)


def _large_enough(picture: Tensor, scale: float, size: tuple[int, int]) -> float:
    """The scale, or a larger one at which a crop of `size` has at least two places in either direction."""
    return max(scale, *((least + 2) / side for least, side in zip(size, picture.shape[1:], strict=True)))


def _scaled(picture: Tensor, scale: float) -> Tensor:
    """uint8 [C, H, W], bilinear between the nearest pixels whatever the scale, so that fine frost stays sharp."""
    if scale == 1:
        return picture
    down, across = (_scaling(side, scale) for side in picture.shape[1:])
    return (down @ picture.to(torch.float32) @ across.T).round().to(torch.uint8)


def _scaling(side: int, scale: float) -> Tensor:
    """[round(side × scale), side]."""
    places = ((torch.arange(round(side * scale)) + 0.5) / scale - 0.5).clamp(0, side - 1)
    left = places.floor().clamp(max=side - 2)
    matrix = torch.zeros(len(places), side)
    lines = torch.arange(len(places))
    matrix[lines, left.long()] = 1 - (places - left)
    matrix[lines, left.long() + 1] = places - left
    return matrix
