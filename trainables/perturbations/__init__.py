"""The perturbation sequences of ImageNet-P: Hendrycks and Dietterich 2019. One file each.

A sequence shows an image in small steps of one change, as a video does; how often a network's answer changes between
its frames is what is measured. Images are bytes here, as in `trainables.corruptions`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.corruptions import table_of
from trainables.parameters import Parameterised
from trainables.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Perturbation(Parameterised, ABC):
    """Frames of a batch of images: `sequence(pixels, side, generator)`."""

    extra: ClassVar[bool] = False
    """One of the four kept for validation: not in mFR."""
    from_first: ClassVar[bool] = False
    """Frames are compared with the first one (independent noise), not each with the one before it."""
    summary: ClassVar[str]
    settings: ClassVar[Mapping[int, Any]]
    """Table → the published numbers, of all difficulties where they differ."""

    def sequence(
        self,
        pixels: Tensor,
        side: int,
        generator: torch.Generator,
        table: int | None = None,
        difficulty: int = 1,
    ) -> Tensor:
        """uint8 [N, C, H, W] → uint8 [N, T, C, side, side]: frames' centres, T as published, on the same device.

        Motions reach into what lies beyond the centre: H and W may be larger than `side` (ImageNet-P: 256 and more for
        224). Difficulty 2 and 3 are other draws for noise; elsewhere they change the measure, not the frames. Raises
        ValueError for images smaller than `side`, for no published table, for a difficulty outside 1 … 3.
        """
        if min(pixels.shape[2:]) < side:
            raise ValueError(f"{self.name()}: images of {tuple(pixels.shape[2:])} have no centre of {side} pixels")
        if difficulty not in (1, 2, 3):
            raise ValueError(f"{self.name()}: a difficulty is 1, 2 or 3; got {difficulty}")
        table = table_of(side) if table is None else table
        if table not in self.settings:
            known = ", ".join(str(known) for known in self.settings)
            raise ValueError(f"{self.name()}: settings are published for sides of {known}; got {table}")
        frames = self.frames(pixels, side, self.settings[table], difficulty, generator)
        assert frames.dtype == torch.uint8, f"{self.name()}: {frames.dtype}"
        return frames

    @classmethod
    def name(cls) -> str:
        """As a YAML says it."""
        return cls.__module__.rpartition(".")[2]

    @abstractmethod
    def frames(self, pixels: Tensor, side: int, setting: Any, difficulty: int, generator: torch.Generator) -> Tensor:
        """What `sequence` does, unchecked."""


perturbations = Registry("perturbation", __name__, Perturbation)  # type: ignore[type-abstract]
