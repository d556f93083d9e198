"""Snow: the same flakes fall in each frame, while the wind turns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions.snow import Fall, Setting
from trainables.corruptions.snow import Snow as Corruption
from trainables.line_blur import Line
from trainables.perturbations import FRAMES, Perturbation, Steps


class Wind(NamedTuple):
    """The snow of a sequence."""

    setting: Setting
    degrees: Steps
    """The wind's direction."""


_DEGREES = Steps(-150, 4)
_LARGE = Wind(Setting(0.05, 0.3, 3, 0.5, Line(14, 4), 0.85), _DEGREES)


@dataclass(frozen=True, kw_only=True)
class Snow(Perturbation):
    """One layer of flakes a sequence, as the corruption draws it; only their direction changes, from −150° to −30°."""

    summary: ClassVar[str] = "flakes drawn out by wind that turns by 120° (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, Wind]] = {
        32: Wind(Setting(0.05, 0.3, 2, 0.5, Line(10, 2), 0.85), _DEGREES),
        64: Wind(Setting(0.05, 0.28, 2, 0.5, Line(10, 2.5), 0.85), _DEGREES),
        224: _LARGE,
        299: _LARGE,
    }

    def frames(self, pixels: Tensor, side: int, setting: Wind, generator: torch.Generator) -> Tensor:
        return self.under(pixels, setting, Corruption().draw(pixels, setting.setting, generator).layer)

    def under(self, pixels: Tensor, setting: Wind, layer: Tensor) -> Tensor:
        """The frames, given the noise that the flakes are the peaks of."""
        frames = pixels.new_empty(len(pixels), FRAMES, *pixels.shape[1:])
        for number, degrees in enumerate(setting.degrees.values()):
            direction = torch.full((len(pixels),), degrees, dtype=torch.float64, device=pixels.device)
            frames[:, number] = Corruption().corrupt(pixels, setting.setting, Fall(layer=layer, degrees=direction))
        return frames
