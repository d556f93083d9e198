"""Gaussian noise: independent draws on a still image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from trainables.corruptions.gaussian_noise import GaussianNoise as Corruption
from trainables.corruptions.gaussian_noise import Setting
from trainables.perturbations import NoiseSequence


def _settings(*sigmas: float) -> tuple[Setting, ...]:
    return tuple(map(Setting, sigmas))


@dataclass(frozen=True, kw_only=True)
class GaussianNoise(NoiseSequence):
    """The clean image, then thirty times the corruption's noise, weaker."""

    summary: ClassVar[str] = "the image, then 30 draws of N(0, s²) on it (Hendrycks & Dietterich 2019)"
    corruption: ClassVar[Corruption] = Corruption()
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings(0.02, 0.04, 0.06),
        64: _settings(0.025, 0.05, 0.075),
        224: _settings(0.03, 0.05, 0.08),
        299: _settings(0.035, 0.055, 0.085),
    }
