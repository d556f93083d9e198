"""Scale: the image grows from frame to frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.geometry import Motion, centre, moved
from trainables.perturbations import Perturbation, Steps


class Setting(NamedTuple):
    """How much larger than itself the image is."""

    factors: Steps
    cut_first: bool = False
    """Only the centre is scaled, so that black shows around it where it is smaller."""


@dataclass(frozen=True, kw_only=True)
class Scale(Perturbation):
    """Bilinear without smoothing, black where the image ends."""

    reaches_out: ClassVar[bool] = True
    summary: ClassVar[str] = "enlarged from 0.4 to 1.15 times, CIFAR's from 0.7 to 1.3 (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, Setting]] = {
        32: Setting(Steps(0.70, 0.02)),
        64: Setting(Steps(0.40, 0.025)),
        224: Setting(Steps(0.40, 0.025)),
        299: Setting(Steps(0.40, 0.025), cut_first=True),
    }

    def untouched(self, setting: Setting) -> int:
        return setting.factors.values().index(1)

    def frames(self, pixels: Tensor, side: int, setting: Setting, generator: torch.Generator) -> Tensor:
        seen = centre(pixels, side) if setting.cut_first else pixels
        return moved(seen, side, [Motion(scale=factor) for factor in setting.factors.values()])
