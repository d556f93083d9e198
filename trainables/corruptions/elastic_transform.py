"""Elastic transformation: an affine warp, then every pixel displaced along a smooth random field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.corruptions import Corruption, Group
from trainables.filters import gaussian
from trainables.levels import in_blocks, truncated

STEPS, SUBPIXELS = 1024, 32
"""OpenCV adds up where a pixel comes from in 1/1024 of one, and rounds that to 1/32."""
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
    across: Tensor
    """[N, H, W] in [−1, 1): horizontal displacements, not yet smoothed."""
    down: Tensor
    """[N, H, W] in [−1, 1)"""


@dataclass(frozen=True, kw_only=True)
class ElasticTransform(Corruption):
    """Stretched and rippled. Severities 1 and 2 are mostly an affine warp, 3 to 5 a local ripple."""

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
            return torch.empty(shape, device=pixels.device).uniform_(-1, 1, generator=generator)

        jitter = uniform(count, 3, 2) * setting.jitter
        return Draws(jitter, uniform(count, height, width), uniform(count, height, width))

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Draws) -> Tensor:
        def warped(pixels: Tensor, jitter: Tensor, across: Tensor, down: Tensor) -> Tensor:
            sheared = _sheared(pixels.float(), jitter)
            rippled = _rippled(sheared, across, down, setting) if setting.alpha else sheared
            return truncated(rippled.add_(MARGIN))

        return in_blocks(warped, pixels, draws.jitter, draws.across, draws.down)


def _sheared(levels: Tensor, jitter: Tensor) -> Tensor:
    """The affine warp that moves three points by `jitter`; what lies beyond the image mirrors it (reflect-101)."""
    height, width = levels.shape[2:]
    coefficients, offset = _inverse(jitter.double(), height, width)
    rows, columns = (torch.arange(side, dtype=torch.float64, device=levels.device) for side in (height, width))
    for_columns = (STEPS * coefficients[:, :, 0, None] * columns).round()
    for_rows = (STEPS * (coefficients[:, :, 1, None] * rows + offset[:, :, None])).round()
    steps = for_rows[..., :, None] + for_columns[..., None, :]
    places = ((steps + STEPS / SUBPIXELS / 2) / (STEPS / SUBPIXELS)).floor() / SUBPIXELS
    last = torch.tensor((max(width - 1, 1), max(height - 1, 1)), dtype=torch.float64, device=levels.device)
    grid = (2 * places.movedim(1, 3) / last - 1).float()
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


def _rippled(levels: Tensor, across: Tensor, down: Tensor, setting: Setting) -> Tensor:
    """Every pixel from where its displacement points; the image is mirrored at its edge (half-sample)."""
    height, width = levels.shape[2:]
    radius = int(3 * setting.sigma + 0.5)
    smooth = gaussian(height, width, setting.sigma, radius, "mirror", across.dtype, across.device)
    x, y = (
        smooth(field).mul_(setting.alpha).add_(places)
        for field, places in ((across, _line(width, across)), (down, _line(height, across)[:, None]))
    )
    grid = torch.stack(((2 * x + 1) / width - 1, (2 * y + 1) / height - 1), dim=3)
    return F.grid_sample(levels, grid.to(levels.dtype), mode="bilinear", padding_mode="reflection", align_corners=False)


def _line(side: int, like: Tensor) -> Tensor:
    return torch.arange(side, dtype=like.dtype, device=like.device)
