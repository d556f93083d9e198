"""The corruptions of ImageNet-C (Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness"), a file each.

Images are bytes here, as the benchmark's are: what a corruption computes in [0, 1] is clipped, multiplied with 255 and
truncated. Each comes in five severities, whose settings depend on the images' size: one of the published `TABLES`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from trainables.levels import check_pixels, in_blocks
from trainables.parameters import Parameterised
from trainables.registry import Registry

Group = Literal["noise", "blur", "weather", "digital"]
TABLES = (32, 64, 224, 299)
"""Sides of the images that the authors chose settings for: CIFAR-10-C, Tiny ImageNet-C, ImageNet-C, Inception's."""
LIMITS = {32: 48, 64: 96, 224: 260}
"""The largest side that a table serves where none is named; the last table serves all above."""
SEVERITIES = 5


def table_of(side: int) -> int:
    """The table for images whose longer side is `side` pixels."""
    return next((table for table, limit in LIMITS.items() if side <= limit), TABLES[-1])


def alone(shape: torch.Size) -> str | None:
    """Why images of `shape` (C, H, W) cannot be mixed with what is around each pixel; None if they can."""
    return "a single pixel has no others around it" if max(shape[1:]) == 1 else None


@dataclass(frozen=True, kw_only=True)
class Corruption(Parameterised, ABC):
    """A batched corruption of bytes: `apply(pixels, severity, generator)`.

    What is random is drawn first, then the images are corrupted given the draws, so that recorded draws give the
    authors' images again. Draws are batched, and image i's depend on the generator and on i's place in the batch.
    """

    group: ClassVar[Group]
    extra: ClassVar[bool] = False
    """One of the four kept for validation: not in mCE."""
    summary: ClassVar[str]
    """One line, with the source."""
    settings: ClassVar[Mapping[int, tuple[Any, ...]]]
    """Table → what the five severities mean, in the published order and units."""

    def apply(self, pixels: Tensor, severity: int, generator: torch.Generator, table: int | None = None) -> Tensor:
        """uint8 [N, C, H, W] → the same shape, on the same device; C is 1 or 3. Severity 0 changes nothing.

        Raises ValueError for other images, for a severity outside 0 … 5, for no published table, and where `reason`
        gives one.
        """
        check_pixels(pixels)
        if not 0 <= severity <= SEVERITIES:
            raise ValueError(f"{self.name()}: a severity is 0 to {SEVERITIES}, 0 the image as it is; got {severity}")
        table = table_of(max(pixels.shape[2:])) if table is None else table
        if table not in self.settings:
            raise ValueError(f"{self.name()}: settings are published for sides of {self._tables()}; got {table}")
        if severity == 0:
            return pixels.clone()
        setting = self.settings[table][severity - 1]
        if reason := self.reason(pixels.shape[1:], setting):
            raise ValueError(f"{self.name()} cannot act on images of {tuple(pixels.shape[1:])}: {reason}")
        corrupted = self._in_turn(pixels, setting, generator)
        assert corrupted.shape == pixels.shape, f"{self.name()}: {corrupted.shape} is not {pixels.shape}"
        assert corrupted.dtype == torch.uint8, f"{self.name()}: {corrupted.dtype}"
        return corrupted

    @classmethod
    def name(cls) -> str:
        """As a YAML says it."""
        return cls.__module__.rpartition(".")[2]

    @property
    def label(self) -> str:
        """As tables and figures say it: the name, with what sets the results apart from the benchmark's."""
        return self.name()

    def reason(self, shape: torch.Size, setting: Any) -> str | None:
        """Why images of `shape` (C, H, W) cannot be corrupted so; None if they can."""
        return None

    def _in_turn(self, pixels: Tensor, setting: Any, generator: torch.Generator) -> Tensor:
        """A few images at a time, draws included: what one corruption of many images needs would leave the cache."""

        def corrupted(block: Tensor) -> Tensor:
            return self.corrupt(block, setting, self.draw(block, setting, generator))

        return in_blocks(corrupted, pixels)

    def draw(self, pixels: Tensor, setting: Any, generator: torch.Generator) -> Any:
        """What is random of these images, on their device; None for a deterministic corruption."""
        return None

    @abstractmethod
    def corrupt(self, pixels: Tensor, setting: Any, draws: Any) -> Tensor:
        """The corrupted bytes, given the draws, of images that are few: `apply` says how many."""

    @classmethod
    def _tables(cls) -> str:
        return ", ".join(str(table) for table in cls.settings)


corruptions = Registry("corruption", __name__, Corruption)  # type: ignore[type-abstract]
