from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group, alone
from trainables.filters import gaussian
from trainables.levels import truncated


class Setting(NamedTuple):
    sigma: float
    """Pixels."""


@dataclass(frozen=True, kw_only=True)
class GaussianBlur(Corruption):
    """The Gaussian of scikit-image: cut off at four sigma, the border's pixels repeated beyond it."""

    group: ClassVar[Group] = "blur"
    extra: ClassVar[bool] = True
    summary: ClassVar[str] = "A Gaussian blur (Hendrycks and Dietterich 2019, extra)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: (Setting(0.4), Setting(0.6), Setting(0.7), Setting(0.8), Setting(1)),
        64: (Setting(0.5), Setting(0.75), Setting(1), Setting(1.25), Setting(1.5)),
        224: (Setting(1), Setting(2), Setting(3), Setting(4), Setting(6)),
        299: (Setting(1.5), Setting(2.5), Setting(3.5), Setting(4.5), Setting(6.5)),
    }

    def reason(self, shape: torch.Size, setting: Any) -> str | None:
        return alone(shape)

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Any) -> Tensor:
        return blurred(pixels, setting.sigma)


def blurred(pixels: Tensor, sigma: float) -> Tensor:
    """uint8 [N, C, H, W] → the same."""
    height, width = pixels.shape[2:]
    blur = gaussian(height, width, sigma, int(4 * sigma + 0.5), "replicate", torch.float32, pixels.device)
    return truncated(blur(pixels.to(torch.float32)))
