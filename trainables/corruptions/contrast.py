"""Contrast: (x − µ) c + µ, µ the mean of each channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group, alone
from trainables.levels import truncated


class Setting(NamedTuple):
    """How much contrast is left."""

    share: float
    """Of every value's distance from its channel's mean, in (0, 1)."""


def _settings(*shares: float) -> tuple[Setting, ...]:
    return tuple(map(Setting, shares))


@dataclass(frozen=True, kw_only=True)
class Contrast(Corruption):
    """Values drawn towards the mean of their channel, as in mist or poor light."""

    group: ClassVar[Group] = "digital"
    summary: ClassVar[str] = "(x − µ) c + µ, µ each channel's mean (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings(0.75, 0.5, 0.4, 0.3, 0.15),
        64: _settings(0.4, 0.3, 0.2, 0.1, 0.05),
        224: _settings(0.4, 0.3, 0.2, 0.1, 0.05),
        299: _settings(0.4, 0.3, 0.2, 0.1, 0.05),
    }

    def reason(self, shape: torch.Size, setting: Any) -> str | None:
        return alone(shape)

    def corrupt(self, pixels: Tensor, setting: Setting, draws: None) -> Tensor:
        return _nearer(pixels.float(), setting.share)


def _nearer(levels: Tensor, share: float) -> Tensor:
    """The distance is scaled, not the value, so that what equals its mean stays as it is."""
    mean = levels.mean((2, 3), keepdim=True)
    return truncated(levels.sub_(mean).mul_(share).add_(mean))
