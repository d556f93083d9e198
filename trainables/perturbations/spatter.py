"""Spatter: drops of water slide down the lens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.corruptions.spatter import Setting, smoothed, wetted
from trainables.corruptions.spatter import Spatter as Corruption
from trainables.levels import in_blocks
from trainables.perturbations import FRAMES, Perturbation


class Slide(NamedTuple):
    """The drops of a sequence."""

    setting: Setting
    taps: tuple[float, ...]
    """From frame to frame, a row becomes the sum of those around it with these weights, the upmost first."""
    above: int
    """How many of them are above the row."""


@dataclass(frozen=True, kw_only=True)
class Spatter(Perturbation):
    """One layer of drops a sequence, as the corruption draws it; what slides out at the bottom is gone.

    They blur as they slide, and are not cut off at the threshold again. Where there is no water at all the image stays
    as it is (0.85 % of CIFAR-10-P's sequences; black there).
    """

    extra: ClassVar[bool] = True
    summary: ClassVar[str] = "drops of water that slide down the lens (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, Slide]] = {
        32: Slide(Setting(0.6, 0.265, 1.75, 0.7, 0.6, "water"), (0.8, 0.2), 1),
        64: Slide(Setting(0.6, 0.25, 1.75, 0.7, 0.6, "water"), (0.8, 0.2), 1),
        224: Slide(Setting(0.65, 0.27, 3.7, 0.69, 0.6, "water"), (0.7, 0.15, 0.1, 0.05), 2),
        299: Slide(Setting(0.65, 0.3, 4, 0.69, 0.6, "water"), (0.7, 0.15, 0.1, 0.05), 2),
    }

    def frames(self, pixels: Tensor, side: int, setting: Slide, generator: torch.Generator) -> Tensor:
        return self.under(pixels, setting, Corruption().draw(pixels, setting.setting, generator))

    def under(self, pixels: Tensor, setting: Slide, noise: Tensor) -> Tensor:
        """The frames, given the noise [N, 1, H, W] that the drops are the peaks of."""
        return in_blocks(lambda block, some: _sequence(block, setting, some), pixels, noise)


def _sequence(pixels: Tensor, slide: Slide, noise: Tensor) -> Tensor:
    layer = smoothed(noise, slide.setting.smoothness)
    layer = torch.where(layer < slide.setting.threshold, 0, layer)
    frames = pixels.new_empty(len(pixels), FRAMES, *pixels.shape[1:])
    for number in range(FRAMES):
        frames[:, number] = wetted(pixels, layer, slide.setting.strength)
        layer = _further(layer, slide)
    return frames


def _further(layer: Tensor, slide: Slide) -> Tensor:
    """[N, 1, H, W] a frame later."""
    height, below = layer.shape[2], len(slide.taps) - 1 - slide.above
    padded = F.pad(layer, (0, 0, slide.above, below))
    return sum(
        (weight * padded[:, :, start : start + height] for start, weight in enumerate(slide.taps)),
        start=torch.zeros_like(layer),
    )
