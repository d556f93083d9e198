"""Speckle noise: clip(x + x n), n ~ N(0, s²) for every pixel and channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group
from trainables.levels import in_blocks, truncated


class Setting(NamedTuple):
    """How much noise."""

    sigma: float
    """Standard deviation of the noise, a share of the pixel's value."""


def _settings(*sigmas: float) -> tuple[Setting, ...]:
    return tuple(map(Setting, sigmas))


@dataclass(frozen=True, kw_only=True)
class SpeckleNoise(Corruption):
    """Noise that grows with the brightness; black stays black."""

    revision: ClassVar[int] = 2
    group: ClassVar[Group] = "noise"
    extra: ClassVar[bool] = True
    summary: ClassVar[str] = "every value times 1 + N(0, s²) (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings(0.06, 0.10, 0.12, 0.16, 0.20),
        64: _settings(0.15, 0.20, 0.25, 0.30, 0.35),
        224: _settings(0.15, 0.20, 0.35, 0.45, 0.60),
        299: _settings(0.16, 0.21, 0.36, 0.46, 0.61),
    }

    def draw(self, pixels: Tensor, setting: Setting, generator: torch.Generator) -> Tensor:
        """The noise, in shares of the pixel's value."""
        return torch.randn(pixels.shape, generator=generator, device=pixels.device).mul_(setting.sigma)

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Tensor) -> Tensor:
        return in_blocks(_scaled, pixels, draws)


def _scaled(pixels: Tensor, noise: Tensor) -> Tensor:
    levels = pixels.to(noise.dtype)
    return truncated(levels.addcmul_(levels, noise))
