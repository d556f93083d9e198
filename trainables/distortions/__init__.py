"""Distortions: what happens to an image on its way to a network. One file each; the file's name is the YAML's name.

Images are float32 NCHW in [0, 1], so a sigma or an epsilon has one unit everywhere. A `Level` is the one number that
says how strongly; other parameters of a distortion are its fields.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from trainables.parameters import Parameter, Parameterised
from trainables.recipe import Kind
from trainables.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Level(Parameter):
    """The strength of a distortion or attack: a parameter with a hardness order."""

    identity_level: float | None = None
    """The level that leaves every image as it is; None if there is none."""
    practical: float
    """Laermann et al. 2019, Table 1, at 224 px (or ours, where the source says so)."""
    harder: Literal["up", "down"] = "up"
    in_pixels: bool = False
    """True if the level is measured in pixels of the image, so that it scales with the image's side."""
    whole_side_is_identity: bool = False
    """True if any level at or above the image's side changes nothing (thumbnail)."""
    log_axis: bool = False
    """True if figures draw the level on a logarithmic axis."""

    def is_identity(self, level: float, side: int) -> bool:
        """Whether `level` leaves images of `side` pixels as they are."""
        return level == self.identity_level or (self.whole_side_is_identity and level >= side)

    def practical_at(self, side: int) -> float:
        """The practical level for images of `side` pixels: pixel-valued ones scale with side / 224, to whole pixels."""
        return round(self.practical * side / 224) if self.in_pixels else self.practical


@dataclass(frozen=True, kw_only=True)
class Distortion(Parameterised, ABC):
    """A batched, label-free change of images: `apply(images, level, generator)`."""

    kind: ClassVar[Kind]
    level: ClassVar[Level]
    summary: ClassVar[str]
    """One line, with the source."""
    shows: ClassVar[tuple[str, ...]] = ()
    """The corruptions of ImageNet-C and perturbations of ImageNet-P that whoever trains on it has seen."""

    def margin(self, level: float) -> int:
        """Pixels needed on every side of the image, which `apply` consumes."""
        return 0

    def apply(self, images: Tensor, level: float, generator: torch.Generator) -> Tensor:
        """[N, C, H + 2m, W + 2m] in [0, 1] → [N, C, H, W] in [0, 1], m = margin(level), on the images' device."""
        distorted = self.distort(images, level, generator)
        border = 2 * self.margin(level)
        expected = (*images.shape[:2], images.shape[2] - border, images.shape[3] - border)
        assert distorted.shape == expected, f"{type(self).__name__}: {tuple(distorted.shape)} is not {expected}"
        assert distorted.dtype == images.dtype, f"{type(self).__name__}: {distorted.dtype} is not {images.dtype}"
        if distorted.device.type == "cpu" and distorted.numel():  # elsewhere, looking would stop the device
            low, high = distorted.aminmax()
            assert 0 <= low <= high <= 1, f"{type(self).__name__}: {float(low)} to {float(high)} is not in [0, 1]"
        return distorted

    @abstractmethod
    def distort(self, images: Tensor, level: float, generator: torch.Generator) -> Tensor:
        """What `apply` does, unchecked. Same level, same generator state, same images: same result."""


distortions = Registry("distortion", __name__, Distortion)  # type: ignore[type-abstract]
