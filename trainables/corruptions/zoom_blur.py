from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group
from trainables.filters import Separable, separable, zooming
from trainables.levels import truncated


class Setting(NamedTuple):
    """Zoom factors 1, 1 + step, 1 + 2 step, …"""

    step: float
    factors: int

    def all(self) -> tuple[float, ...]:
        """With the rounding errors of NumPy's arange, on which the size of an enlarged window can turn."""
        step = (1 + self.step) - 1
        return tuple(1 + number * step for number in range(self.factors))


_SMALL = (Setting(0.01, 7), Setting(0.01, 12), Setting(0.01, 16), Setting(0.01, 21), Setting(0.01, 26))
_LARGE = (Setting(0.01, 12), Setting(0.01, 16), Setting(0.02, 11), Setting(0.02, 13), Setting(0.03, 11))


@dataclass(frozen=True, kw_only=True)
class ZoomBlur(Corruption):
    """The mean of the image and of its zooms, the first of which is the image again."""

    group: ClassVar[Group] = "blur"
    summary: ClassVar[str] = "A camera moving towards its object (Hendrycks and Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {32: _SMALL, 64: _SMALL, 224: _LARGE, 299: _LARGE}

    def reason(self, shape: torch.Size, setting: Setting) -> str | None:
        largest = setting.all()[-1]
        if any(not torch.equal(zooming(side, largest), torch.eye(side, dtype=torch.float64)) for side in shape[1:]):
            return None
        return f"{shape[1]} × {shape[2]} pixels, enlarged by up to {largest:.4g}, are as they were"

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Any) -> Tensor:
        zooms = mean_zooms(*pixels.shape[2:], setting, pixels.device)
        clean = 2 / (setting.factors + 1)
        levels = pixels.to(torch.float32)
        return truncated(zooms(levels).add_(levels, alpha=clean))


@lru_cache(maxsize=16)
def mean_zooms(height: int, width: int, setting: Setting, device: torch.device) -> Separable:
    """The share in the mean of all zooms by more than 1."""
    share = 1 / (setting.factors + 1)
    rows, columns = (torch.stack([zooming(side, factor) for factor in setting.all()[1:]]) for side in (height, width))
    return separable((share * rows).to(device, torch.float32), columns.to(device, torch.float32))
