"""The operations of AugMix, nine and four colour ones: from a level to what an operation on pixels needs.

Magnitudes as in google-research/augmix at 9b9824c, with the image's own sides for its 32 px. A level is in [0, 10].
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from trainables.image_ops import (
    affine,
    autocontrast,
    brightness,
    color,
    contrast,
    equalize,
    posterize,
    sharpness,
    solarize,
)

Floats = NDArray[np.float64]

LARGEST = 10
"""The largest level; magnitudes are shares of it."""


def truncated(level: Floats, largest: float) -> Floats:
    """The whole part of the level's share of `largest`."""
    return np.trunc(level * largest / LARGEST)


def _table(*columns: Floats | float) -> Floats:
    """[M, 6] from columns, the missing ones 0."""
    filled = np.broadcast_arrays(*columns, *(0.0,) * (6 - len(columns)))
    return np.stack(filled, axis=-1)


def _none(level: Floats, sign: Floats, height: int, width: int) -> Floats:
    return _table(0 * level)


def _bits(level: Floats, sign: Floats, height: int, width: int) -> Floats:
    return _table(4 - truncated(level, 4))


def _threshold(level: Floats, sign: Floats, height: int, width: int) -> Floats:
    return _table(256 - truncated(level, 256))


def _factor(level: Floats, sign: Floats, height: int, width: int) -> Floats:
    return _table(level * 1.8 / LARGEST + 0.1)


def _rotate(level: Floats, sign: Floats, height: int, width: int) -> Floats:
    turned = _turns(height, width)
    return turned[(sign * truncated(level, 30)).astype(np.int64) + len(turned) // 2]


def _shear_x(level: Floats, sign: Floats, height: int, width: int) -> Floats:
    return _table(1.0, sign * (level * 0.3 / LARGEST), 0.0, 0.0, 1.0)


def _shear_y(level: Floats, sign: Floats, height: int, width: int) -> Floats:
    return _table(1.0, 0.0, 0.0, sign * (level * 0.3 / LARGEST), 1.0)


def _translate_x(level: Floats, sign: Floats, height: int, width: int) -> Floats:
    return _table(1.0, 0.0, sign * truncated(level, width / 3), 0.0, 1.0)


def _translate_y(level: Floats, sign: Floats, height: int, width: int) -> Floats:
    return _table(1.0, 0.0, 0.0, 0.0, 1.0, sign * truncated(level, height / 3))


@cache
def _turns(height: int, width: int) -> Floats:
    """[61, 6]: turns about the centre by −30 to 30 degrees, counter-clockwise, as Pillow rounds them."""
    return np.array([turn(degrees, width / 2, height / 2) for degrees in range(-30, 31)])


def turn(degrees: int, x: float, y: float) -> tuple[float, ...]:
    """Coefficients of a turn about (x, y), counter-clockwise, as Pillow rounds them."""
    angle = -math.radians(degrees % 360)
    cos, sin, minus_sin = (round(value, 15) for value in (math.cos(angle), math.sin(angle), -math.sin(angle)))
    return cos, sin, cos * -x + sin * -y + x, minus_sin, cos, minus_sin * -x + cos * -y + y


NUMBERS: dict[str, Callable[[Floats, Floats, int, int], Floats]] = {
    "autocontrast": _none,
    "equalize": _none,
    "posterize": _bits,
    "rotate": _rotate,
    "solarize": _threshold,
    "shear_x": _shear_x,
    "shear_y": _shear_y,
    "translate_x": _translate_x,
    "translate_y": _translate_y,
    "color": _factor,
    "contrast": _factor,
    "brightness": _factor,
    "sharpness": _factor,
}
"""Levels [M], signs [M], height and width → what each operation needs, [M, 6]."""
OPERATIONS = tuple(NUMBERS)
USUAL = OPERATIONS[: OPERATIONS.index("color")]
"""Those that are drawn unless all are: without the four that overlap with the corruptions of ImageNet-C."""
KINDS: tuple[tuple[Callable[[Tensor, Tensor], Tensor], tuple[str, ...]], ...] = (
    (lambda pixels, _: autocontrast(pixels), ("autocontrast",)),
    (lambda pixels, _: equalize(pixels), ("equalize",)),
    (lambda pixels, numbers: posterize(pixels, numbers[:, 0]), ("posterize",)),
    (lambda pixels, numbers: solarize(pixels, numbers[:, 0]), ("solarize",)),
    (affine, ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")),
    (lambda pixels, numbers: color(pixels, numbers[:, 0]), ("color",)),
    (lambda pixels, numbers: contrast(pixels, numbers[:, 0]), ("contrast",)),
    (lambda pixels, numbers: brightness(pixels, numbers[:, 0]), ("brightness",)),
    (lambda pixels, numbers: sharpness(pixels, numbers[:, 0]), ("sharpness",)),
)
"""Pixels and numbers [M, 6] → pixels, and the operations that are done together so."""


def shown_by(all_operations: bool) -> tuple[str, ...]:
    """What the operations are next to ImageNet-C and ImageNet-P; the colour ones alone overlap with corruptions."""
    motions = ("rotate", "shear", "translate")
    return (*motions, "brightness", "contrast", "saturate") if all_operations else motions
