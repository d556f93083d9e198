"""Motions that many images make alike: affine ones as Pillow computes them, perspective ones as OpenCV does.

Images lie as rows here, [H W, N C], one row a pixel of all images: where a pixel comes from is worked out once, and
copied in whole rows. All take `pixels` uint8 [N, C, H, W] and give the centre of what moved, uint8
[N, frames, C, side, side]: what comes from beyond the centre is seen. Nothing waits for the device.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.image_ops import Bilinear, between

IMAGES = 32
"""Images that share a row on a CPU: enough to copy more than to look up, few enough for its cache."""
CACHED = 2**18
"""Values that are interpolated at a time on a CPU."""
AT_ONCE = 2**24
"""Values that are interpolated at a time elsewhere."""
SUBPIXELS = 32
"""OpenCV rounds where a pixel comes from to the nearest of so many steps."""

Sampled = Callable[[Tensor, slice], Tensor]
"""An image's rows uint8 [H W, columns], and which of the output's → those, uint8 [rows, columns]."""


@dataclass(frozen=True, kw_only=True)
class Motion:
    """Turned by `degrees`, sheared and scaled about a point half a pixel right of and below the image's centre.

    torchvision 0.2's affine transformation, with which the published frames were made: shearing also shrinks the height
    by the angle's cosine. Angles in degrees; black outside, bilinear, truncated.
    """

    degrees: float = 0.0
    shear: float = 0.0
    scale: float = 1.0

    def coefficients(self, height: int, width: int) -> tuple[float, ...]:
        """(a, b, c, d, e, f): the output's (x, y) is taken from (a x + b y + c, d x + e y + f)."""
        turn, shear = math.radians(self.degrees), math.radians(self.shear)
        size = self.scale * math.cos(shear)
        a, b = math.cos(turn + shear) / size, math.sin(turn + shear) / size
        d, e = -math.sin(turn) / size, math.cos(turn) / size
        x, y = width / 2 + 0.5, height / 2 + 0.5
        return a, b, x - (a * x + b * y), d, e, y - (d * x + e * y)


def centre(pixels: Tensor, side: int) -> Tensor:
    """The middle [N, C, side, side] of [N, C, H, W], a view; half pixels go to the even side, as torchvision's crop."""
    top, left = corner(pixels, side)
    return pixels[..., top : top + side, left : left + side]


def corner(pixels: Tensor, side: int) -> tuple[int, int]:
    """Row and column of the centre's first pixel."""
    height, width = pixels.shape[-2:]
    return round((height - side) / 2), round((width - side) / 2)


def shifted(pixels: Tensor, side: int, shifts: Sequence[int]) -> Tensor:
    """Images moved right by whole pixels, one frame a shift; black comes in where the image ends."""
    top, left = corner(pixels, side)
    reach = max(map(abs, shifts))
    wide = F.pad(pixels[..., top : top + side, :], (reach, reach))
    return torch.stack([wide[..., start : start + side] for start in (reach + left - by for by in shifts)], dim=1)


def moved(pixels: Tensor, side: int, motions: Sequence[Motion]) -> Tensor:
    """Images under each of the motions."""
    height, width = pixels.shape[2:]
    x, y = (place + 0.5 for place in _places(pixels, side))

    def under(motion: Motion) -> Sampled:
        a, b, c, d, e, f = motion.coefficients(height, width)
        places = Bilinear.at((a * x + b * y + c).flatten(), (d * x + e * y + f).flatten(), height, width)
        return partial(_truncated, places)

    return _frames(pixels, side, [under(motion) for motion in motions])


def tilted(pixels: Tensor, side: int, degrees: Sequence[float]) -> Tensor:
    """Images turned in space by each of the angles, about the horizontal axis and about the vertical one.

    They hang as far off as a camera of their diagonal's focal length shows them whole. OpenCV's perspective warp: where
    a pixel comes from is rounded to 1/32 of one, beyond the image it is black, the value is rounded.
    """
    height, width = pixels.shape[2:]
    x, y = _places(pixels, side)

    def under(angle: float) -> Sampled:
        (a, b, c), (d, e, f), (g, h, i) = _homography(angle, height, width)
        depth = SUBPIXELS / (g * x + h * y + i)
        return partial(_rounded, _Mixed.at((a * x + b * y + c) * depth, (d * x + e * y + f) * depth, height, width))

    return _frames(pixels, side, [under(angle) for angle in degrees])


def _homography(degrees: float, height: int, width: int) -> list[list[float]]:
    """Where the tilted image's pixels come from: P₂ T R P₁ inverted, R a turn about x after one about y."""
    focal, cos, sin = math.hypot(height, width), math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    lift = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1], [0, 0, 1]])
    about_x = np.array([[1, 0, 0, 0], [0, cos, -sin, 0], [0, sin, cos, 0], [0, 0, 0, 1]])
    about_y = np.array([[cos, 0, -sin, 0], [0, 1, 0, 0], [sin, 0, cos, 0], [0, 0, 0, 1]])
    away = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, focal], [0, 0, 0, 1]])
    project = np.array([[focal, 0, width / 2, 0], [0, focal, height / 2, 0], [0, 0, 1, 0]])
    inverse: list[list[float]] = np.linalg.inv(project @ away @ about_x @ about_y @ lift).tolist()
    return inverse


def _truncated(places: Bilinear, rows: Tensor, part: slice) -> Tensor:
    across, down = places.across[part, None], places.down[part, None]
    upper, lower = (
        between(_copied(rows, left[part]), _copied(rows, right[part]), across) for left, right in places.corners
    )
    return between(upper, lower, down).to(torch.uint8) * places.inside[part, None]


def _copied(rows: Tensor, places: Tensor) -> Tensor:
    return rows.index_select(0, places).double()


@dataclass(frozen=True)
class _Mixed:
    """Four pixels around and their shares, whole 1024ths; a pixel beyond the image has none. Each [H W]."""

    corners: tuple[Tensor, ...]
    """int64"""
    shares: tuple[Tensor, ...]
    """float32, in which the sums of the products are exact."""

    @classmethod
    def at(cls, x: Tensor, y: Tensor, height: int, width: int) -> "_Mixed":
        """At the coordinates in SUBPIXELS, float64 [H, W], of which the first pixel's centre is (0, 0)."""
        x, y = x.round().flatten(), y.round().flatten()
        left, top = (x / SUBPIXELS).floor(), (y / SUBPIXELS).floor()
        right_share, lower_share = x / SUBPIXELS - left, y / SUBPIXELS - top
        columns = [_within(left + step, width, share) for step, share in ((0, 1 - right_share), (1, right_share))]
        lines = [_within(top + step, height, share) for step, share in ((0, 1 - lower_share), (1, lower_share))]
        mixed = [(line * width + column, high * wide) for line, high in lines for column, wide in columns]
        return cls(tuple(corner for corner, _ in mixed), tuple(share.float() for _, share in mixed))


def _within(place: Tensor, length: int, share: Tensor) -> tuple[Tensor, Tensor]:
    """A place that exists, and its share: none if the one asked for does not."""
    there = place.clamp(0, length - 1)
    return there.long(), share * (there == place)


def _rounded(mixed: _Mixed, rows: Tensor, part: slice) -> Tensor:
    total = torch.full((1,), 0.5, device=rows.device)
    for corner, share in zip(mixed.corners, mixed.shares, strict=True):
        total = torch.addcmul(total, rows.index_select(0, corner[part]), share[part, None])
    return total.to(torch.uint8)


def _frames(pixels: Tensor, side: int, samplings: Sequence[Sampled]) -> Tensor:
    """Every image through each of the samplings, a block of images and of the output's pixels at a time."""
    on_host = pixels.device.type == "cpu"
    frames = pixels.new_empty(len(pixels), len(samplings), pixels.shape[1], side, side)
    images = IMAGES if on_host else max(1, len(pixels))
    for block, out in zip(torch.split(pixels, images), torch.split(frames, images), strict=True):
        rows = block.flatten(0, 1).flatten(1).T.contiguous()
        length = max(1, (CACHED if on_host else AT_ONCE) // rows.shape[1])
        for number, sample in enumerate(samplings):
            parts = [sample(rows, slice(start, start + length)) for start in range(0, side * side, length)]
            out[:, number] = torch.cat(parts).T.view(len(block), -1, side, side)
    return frames


def _places(pixels: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Where the centre's pixels stand in the image: float64 columns [side] and rows [side, 1]."""
    top, left = corner(pixels, side)
    steps = torch.arange(side, dtype=torch.float64, device=pixels.device)
    return left + steps, (top + steps)[:, None]
