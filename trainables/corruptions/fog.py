"""Fog: clouds of a fractal before the image, which keeps its brightest level."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group
from trainables.levels import random_words, truncated
from trainables.plasma import plasma


class Setting(NamedTuple):
    """The clouds."""

    density: float
    """The thickest cloud, on the scale of pixels in [0, 1]."""
    decay: float
    """By how much roughness falls from a scale to the next finer one: low is rough."""


def _settings(*settings: tuple[float, float]) -> tuple[Setting, ...]:
    return tuple(Setting(*setting) for setting in settings)


@dataclass(frozen=True, kw_only=True)
class Fog(Corruption):
    """clip((x + a P) M / (M + a)), P the upper left of a plasma in [0, 1], M the image's largest level."""

    revision: ClassVar[int] = 2
    group: ClassVar[Group] = "weather"
    summary: ClassVar[str] = "fractal clouds before the image (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)),
        64: _settings((0.4, 3), (0.7, 3), (1, 2.5), (1.5, 2), (2, 1.75)),
        224: _settings((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)),
        299: _settings((1.5, 2), (2, 2), (2.5, 1.8), (2.5, 1.6), (3, 1.5)),
    }

    def draw(self, pixels: Tensor, setting: Setting, generator: torch.Generator) -> Tensor:
        """What displaces the plasma's points, uniform in [−1, 1]: [N, n² − 1], n ≥ H, W a power of two."""
        side = 1 << max(1, (max(pixels.shape[2:]) - 1).bit_length())
        words = random_words(torch.Size((len(pixels), side**2 - 1)), generator, pixels.device)
        return words.to(torch.float32).mul_(2**-31)

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Tensor) -> Tensor:
        height, width = pixels.shape[2:]
        clouds = plasma(draws, setting.decay)[:, None, :height, :width]
        levels, density = pixels.to(torch.float32), 255 * setting.density
        brightest = levels.amax((1, 2, 3), keepdim=True)
        return truncated(levels.add_(clouds, alpha=density).mul_(brightest / (brightest + density)))
