"""Shot noise: Poisson(c x) / c for every pixel and channel, clipped."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from trainables.alias import AliasTable, alias_table
from trainables.corruptions import Corruption, Group
from trainables.levels import LEVELS, in_blocks, random_words, truncated


class Setting(NamedTuple):
    """How much light."""

    photons: int
    """Expected of a white pixel."""


def _settings(*photons: int) -> tuple[Setting, ...]:
    return tuple(map(Setting, photons))


@dataclass(frozen=True, kw_only=True)
class ShotNoise(Corruption):
    """Noise because light comes in photons. Counts of a white pixel's expectation or more are white."""

    revision: ClassVar[int] = 2
    group: ClassVar[Group] = "noise"
    summary: ClassVar[str] = "a Poisson count of c x photons, over c (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings(500, 250, 100, 75, 50),
        64: _settings(250, 100, 50, 30, 15),
        224: _settings(60, 25, 12, 5, 3),
        299: _settings(50, 20, 10, 5, 3),
    }

    def draw(self, pixels: Tensor, setting: Setting, generator: torch.Generator) -> Tensor:
        """Counts of photons, int32; c stands for all of c and more."""
        table = _poisson(setting.photons, pixels.device)
        return in_blocks(table.outcomes, pixels, random_words(pixels.shape, generator, pixels.device))

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Tensor) -> Tensor:
        levels = _levels(setting.photons, pixels.device)

        def seen(pixels: Tensor, counts: Tensor) -> Tensor:
            return levels.index_select(0, counts.clamp(max=setting.photons).flatten()).view(pixels.shape)

        return in_blocks(seen, pixels, draws)


@lru_cache(maxsize=16)
def _poisson(photons: int, device: torch.device) -> AliasTable:
    """Counts 0 … c of each of the 256 levels."""
    counts = np.arange(photons)
    expected = photons * np.arange(1, LEVELS)[:, None] / 255
    factorials = np.array([math.lgamma(count + 1) for count in counts])
    probabilities = np.zeros((LEVELS, photons + 1))
    probabilities[0, 0] = 1
    probabilities[1:, :photons] = np.exp(counts * np.log(expected) - expected - factorials)
    probabilities[:, photons] = np.maximum(0, 1 - probabilities[:, :photons].sum(axis=1))
    return alias_table(probabilities, device)


@lru_cache(maxsize=16)
def _levels(photons: int, device: torch.device) -> Tensor:
    """The bytes that counts 0 … c stand for."""
    return truncated(torch.arange(photons + 1, dtype=torch.float64) / photons * 255).to(device)
