"""Elastic transformation: an affine warp, then every pixel displaced along a smooth random field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.corruptions import Corruption, Group
from trainables.filters import gaussian
from trainables.levels import random_words, truncated

STEPS, SUBPIXELS, SHIFT = 1024, 32, 5
"""OpenCV adds up where a pixel comes from in 1/1024 of one, and rounds that to 1/32, by a shift of 5 bits."""
MARGIN = 2e-3
"""Levels: an even surface interpolated in single precision comes out a little darker, and would lose a level."""


class Setting(NamedTuple):
    """How far, in pixels."""

    alpha: float
    """Factor of the smoothed displacements; 0 leaves the affine warp alone."""
    sigma: float
    """Standard deviation of the Gaussian that smooths them, cut off after three."""
    jitter: float
    """Largest displacement of the three points that define the affine warp, along each axis."""


def _settings(*settings: tuple[float, float, float], side: float = 1) -> tuple[Setting, ...]:
    """Given in shares of a side."""
    return tuple(Setting(*(side * share for share in setting)) for setting in settings)


SHARES = ((2, 0.7, 0.1), (2, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02))
"""Of a side; the authors' code has 244 for images of 224 pixels, and 360 for those of 299."""


@dataclass(frozen=True)
class Draws:
    """What is random."""

    jitter: Tensor
    """[N, 3, 2]: of the three points (x, y), pixels."""
    field: Tensor
    """[N, 2, H, W] in [−1, 1): displacements to the right and down, not yet smoothed."""


@dataclass(frozen=True, kw_only=True)
class ElasticTransform(Corruption):
    """Stretched and rippled. Severities 1 and 2 are mostly an affine warp, 3 to 5 a local ripple."""

    revision: ClassVar[int] = 2
    group: ClassVar[Group] = "digital"
    summary: ClassVar[str] = "an affine warp and a smooth random displacement (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings((0, 0, 2.56), (1.6, 6.4, 2.24), (2.56, 1.92, 1.92), (3.2, 1.28, 1.6), (3.2, 0.96, 0.96)),
        64: _settings((0, 0, 5.12), (3.2, 19.2, 3.84), (6.4, 5.12, 3.84), (6.4, 1.92, 1.92), (10.24, 1.92, 1.28)),
        224: _settings(*SHARES, side=244),
        299: _settings(*SHARES, side=360),
    }

    def reason(self, shape: torch.Size, setting: Setting) -> str | None:
        return None if min(shape[1:]) >= 3 else "three points a third of a side apart need three pixels"

    def draw(self, pixels: Tensor, setting: Setting, generator: torch.Generator) -> Draws:
        count, _, height, width = pixels.shape

        def uniform(*shape: int) -> Tensor:
            return random_words(torch.Size(shape), generator, pixels.device).to(torch.float32).mul_(2**-31)

        return Draws(jitter=uniform(count, 3, 2).mul_(setting.jitter), field=uniform(count, 2, height, width))

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Draws) -> Tensor:
        sheared = _sheared(pixels.float(), draws.jitter)
        rippled = _rippled(sheared, draws.field, setting) if setting.alpha else sheared
        return truncated(rippled.add_(MARGIN))


def _sheared(levels: Tensor, jitter: Tensor) -> Tensor:
    """The affine warp that moves three points by `jitter`; what lies beyond the image mirrors it (reflect-101)."""
    height, width = levels.shape[2:]
    coefficients, offset = _inverse(jitter.double(), height, width)
    rows, columns = (torch.arange(side, dtype=torch.float64, device=levels.device) for side in (height, width))
    for_columns = (STEPS * coefficients[:, :, 0, None] * columns).round().to(torch.int32)
    for_rows = (STEPS * (coefficients[:, :, 1, None] * rows + offset[:, :, None])).round().to(torch.int32)
    steps = (for_rows + STEPS // SUBPIXELS // 2)[..., :, None] + for_columns[..., None, :]
    places = steps.bitwise_right_shift_(SHIFT).to(torch.float32)
    for axis, side in enumerate((width, height)):
        places[:, axis].mul_(2 / SUBPIXELS / max(side - 1, 1))
    grid = places.sub_(1).movedim(1, 3)
    return F.grid_sample(levels, grid, mode="bilinear", padding_mode="reflection", align_corners=True)


def _inverse(jitter: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Jitter [N, 3, 2] → L [N, 2, 2] and o [N, 2]: what stands at p after the warp was at L p + o before, both (x, y).

    The points are (q, q), (q, −q) and (−q, −q) from the centre. With u and v the sides of the triangle that they form
    after the warp, L u = (0, 2 q) and L v = (2 q, 0).
    """
    q = min(height, width) // 3
    corners = torch.tensor(((q, q), (q, -q), (-q, -q)), dtype=jitter.dtype, device=jitter.device)
    before = corners + torch.tensor((width // 2, height // 2), dtype=jitter.dtype, device=jitter.device)
    after = before + jitter
    (ux, uy), (vx, vy) = (side.unbind(1) for side in (after[:, 0] - after[:, 1], after[:, 1] - after[:, 2]))
    inverse = torch.stack((-uy, ux, vy, -vx), dim=1) * (2 * q / (ux * vy - uy * vx))[:, None]
    linear = inverse.view(-1, 2, 2)
    return linear, before[1] - (linear @ after[:, 1, :, None])[..., 0]


def _rippled(levels: Tensor, field: Tensor, setting: Setting) -> Tensor:
    """Every pixel from where its displacement points; the image is mirrored at its edge (half-sample)."""
    height, width = levels.shape[2:]
    radius = int(3 * setting.sigma + 0.5)
    smooth = gaussian(height, width, setting.sigma, radius, "mirror", field.dtype, field.device)
    places = smooth(field)
    places[:, 0].mul_(2 * setting.alpha / width).add_(_centres(width, field))
    places[:, 1].mul_(2 * setting.alpha / height).add_(_centres(height, field)[:, None])
    grid = places.movedim(1, 3)
    return F.grid_sample(levels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _centres(side: int, like: Tensor) -> Tensor:
    """Of a line's pixels, the line from −1 to 1."""
    return (2 * torch.arange(side, dtype=torch.float64, device=like.device) + 1).div_(side).sub_(1).to(like.dtype)
