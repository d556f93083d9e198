"""Shot noise: independent draws on a still image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from trainables.corruptions.shot_noise import Setting
from trainables.corruptions.shot_noise import ShotNoise as Corruption
from trainables.perturbations import NoiseSequence


def _settings(*photons: int) -> tuple[Setting, ...]:
    return tuple(map(Setting, photons))


@dataclass(frozen=True, kw_only=True)
class ShotNoise(NoiseSequence):
    """The clean image, then thirty times the corruption's noise, of more light."""

    summary: ClassVar[str] = "the image, then 30 draws of Poisson(c x) / c (Hendrycks & Dietterich 2019)"
    corruption: ClassVar[Corruption] = Corruption()
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings(700, 400, 200),
        64: _settings(500, 250, 125),
        224: _settings(300, 120, 60),
        299: _settings(250, 100, 50),
    }
