"""Brightness: the value V of HSV becomes min(V + c, 1); hue and saturation stay."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group
from trainables.levels import LEVELS, in_blocks, truncated


class Setting(NamedTuple):
    """How much brighter."""

    added: float
    """To the value of HSV, in [0, 1]."""


def _settings(*added: float) -> tuple[Setting, ...]:
    return tuple(map(Setting, added))


@dataclass(frozen=True, kw_only=True)
class Brightness(Corruption):
    """Daylight that grows stronger. Black becomes grey."""

    group: ClassVar[Group] = "weather"
    summary: ClassVar[str] = "HSV's value raised by c (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings(0.05, 0.1, 0.15, 0.2, 0.3),
        64: _settings(0.1, 0.2, 0.3, 0.4, 0.5),
        224: _settings(0.1, 0.2, 0.3, 0.4, 0.5),
        299: _settings(0.1, 0.2, 0.3, 0.4, 0.5),
    }

    def corrupt(self, pixels: Tensor, setting: Setting, draws: None) -> Tensor:
        table = _brightened(setting.added, pixels.device)
        return in_blocks(lambda pixels: _looked_up(pixels, table), pixels)


def _looked_up(pixels: Tensor, table: Tensor) -> Tensor:
    """What the table [V, level] says of every byte."""
    value = pixels.amax(dim=1, keepdim=True).to(torch.int32)
    return table.index_select(0, torch.add(pixels, value, alpha=LEVELS).flatten()).view(pixels.shape)


@lru_cache(maxsize=64)
def _brightened(added: float, device: torch.device) -> Tensor:
    """Bytes [256 V, 256 levels]: level × V' / V, so that hue and saturation stay; where V is 0, V'."""
    levels = torch.arange(LEVELS, dtype=torch.float64)
    value = levels[:, None]
    brighter = (value + added * 255).clamp(max=255)
    return truncated(torch.where(value > 0, levels * brighter / value, brighter)).flatten().to(device)
