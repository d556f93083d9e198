"""Saturate: the saturation S of HSV becomes clip(a S + b); hue and value stay."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group
from trainables.levels import LEVELS, truncated


class Setting(NamedTuple):
    """How the saturation, in [0, 1], is changed."""

    factor: float
    added: float


def _settings(*settings: tuple[float, float]) -> tuple[Setting, ...]:
    return tuple(Setting(*setting) for setting in settings)


@dataclass(frozen=True, kw_only=True)
class Saturate(Corruption):
    """Colours paler or more vivid. Grey has no hue: where saturation is added to it, it becomes red."""

    group: ClassVar[Group] = "digital"
    extra: ClassVar[bool] = True
    summary: ClassVar[str] = "HSV's saturation S becomes clip(a S + b) (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)),
        64: _settings((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (30, 0.2)),
        224: _settings((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
        299: _settings((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
    }

    def reason(self, shape: torch.Size, setting: Setting) -> str | None:
        return "an image of one channel has no saturation to change" if shape[0] == 1 else None

    def corrupt(self, pixels: Tensor, setting: Setting, draws: None) -> Tensor:
        return _saturated(pixels, _factors(setting, pixels.device), setting.added)


def _saturated(pixels: Tensor, factors: Tensor, added: float) -> Tensor:
    """V − (V − level) S' / S, and V (1 − S') for the green and blue of grey."""
    low, high = (extreme.to(torch.int32) for extreme in torch.aminmax(pixels, dim=1, keepdim=True))
    factor = factors.index_select(0, torch.add(low, high, alpha=LEVELS).flatten()).view(low.shape)
    value = high.float()
    saturated = value - (value - pixels) * factor
    if added:
        saturated[:, 1:] -= torch.where(low == high, value * added, 0)
    return truncated(saturated)


@lru_cache(maxsize=16)
def _factors(setting: Setting, device: torch.device) -> Tensor:
    """S' / S [256 V, 256 smallest levels], where S = (V − smallest) / V; 0 where there is no saturation."""
    smallest = torch.arange(LEVELS, dtype=torch.float64)
    value = smallest[:, None]
    saturation = (value - smallest) / value
    factors = (setting.factor * saturation + setting.added).clamp(0, 1) / saturation
    return torch.where(value > smallest, factors, 0).float().flatten().to(device)
