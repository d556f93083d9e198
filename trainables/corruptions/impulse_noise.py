"""Impulse noise: a value is replaced with probability p, by black or by white."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group
from trainables.levels import random_halves


class Setting(NamedTuple):
    """How often."""

    p: float
    """Probability that a value is replaced, in [0, 1]: half of them by white, half by black."""


def _settings(*probabilities: float) -> tuple[Setting, ...]:
    return tuple(map(Setting, probabilities))


@dataclass(frozen=True, kw_only=True)
class ImpulseNoise(Corruption):
    """Salt and pepper, in every channel by itself, as bit errors make it."""

    revision: ClassVar[int] = 2
    group: ClassVar[Group] = "noise"
    summary: ClassVar[str] = "every value black or white with probability p (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings(0.01, 0.02, 0.03, 0.05, 0.07),
        64: _settings(0.01, 0.02, 0.05, 0.08, 0.14),
        224: _settings(0.03, 0.06, 0.09, 0.17, 0.27),
        299: _settings(0.04, 0.07, 0.10, 0.18, 0.28),
    }

    def draw(self, pixels: Tensor, setting: Setting, generator: torch.Generator) -> Tensor:
        """A word for every value, int16: the lowest p / 2 of all words are white, the next p / 2 black.

        That is p to 2⁻¹⁶, a thousandth of the smallest.
        """
        return random_halves(pixels.shape, generator, pixels.device)

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Tensor) -> Tensor:
        white, replaced = (_below(draws, round(share * 2**16) - 2**15) for share in (setting.p / 2, setting.p))
        return replaced.bitwise_not_().bitwise_and_(pixels).bitwise_or_(white)


def _below(words: Tensor, limit: int) -> Tensor:
    """Bytes, all ones where a word is below the limit and all zeros elsewhere: many times faster than to compare."""
    return words.clamp(limit - 1, limit).sub_(limit).to(torch.uint8)
