"""Gaussian noise: clip(x + n), n ~ N(0, s²) for every pixel and channel."""

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
    """Standard deviation, of pixels in [0, 1]."""


def _settings(*sigmas: float) -> tuple[Setting, ...]:
    return tuple(map(Setting, sigmas))


@dataclass(frozen=True, kw_only=True)
class GaussianNoise(Corruption):
    """White noise, as a sensor has in low light."""

    revision: ClassVar[int] = 2
    group: ClassVar[Group] = "noise"
    summary: ClassVar[str] = "independent N(0, s²) on every pixel and channel (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings(0.04, 0.06, 0.08, 0.09, 0.10),
        64: _settings(0.04, 0.08, 0.12, 0.15, 0.18),
        224: _settings(0.08, 0.12, 0.18, 0.26, 0.38),
        299: _settings(0.09, 0.13, 0.19, 0.27, 0.40),
    }

    def draw(self, pixels: Tensor, setting: Setting, generator: torch.Generator) -> Tensor:
        """The noise, of pixels in [0, 1]."""
        return torch.randn(pixels.shape, generator=generator, device=pixels.device).mul_(setting.sigma)

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Tensor) -> Tensor:
        return in_blocks(_added, pixels, draws)


def _added(pixels: Tensor, noise: Tensor) -> Tensor:
    return truncated(torch.add(pixels, noise, alpha=255))
