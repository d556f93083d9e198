"""Speckle noise: independent draws on a still image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from trainables.corruptions.speckle_noise import Setting
from trainables.corruptions.speckle_noise import SpeckleNoise as Corruption
from trainables.perturbations import NoiseSequence


def _settings(*sigmas: float) -> tuple[Setting, ...]:
    return tuple(map(Setting, sigmas))


@dataclass(frozen=True, kw_only=True)
class SpeckleNoise(NoiseSequence):
    """The clean image, then thirty times the corruption's noise, weaker."""

    extra: ClassVar[bool] = True
    summary: ClassVar[str] = "the image, then 30 draws of x N(0, s²) on it (Hendrycks & Dietterich 2019)"
    corruption: ClassVar[Corruption] = Corruption()
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings(0.05, 0.07, 0.10),
        64: _settings(0.05, 0.10, 0.15),
        224: _settings(0.05, 0.10, 0.15),
        299: _settings(0.06, 0.11, 0.16),
    }
