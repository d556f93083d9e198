"""The perturbation sequences of ImageNet-P: Hendrycks and Dietterich 2019. One file each.

A sequence shows an image in small steps of one change, as a video does; how often a network's answer changes between
its frames is what is measured. Images are bytes here, as in `trainables.corruptions`.

The published sequences of ImageNet were compressed with H.264 (CIFAR's were not). Ours are the frames before the codec.
It takes a part of the noise away: compressed again, Gaussian frames of σ 0.03, 7.4 levels, came back with 5.9 to 6.4,
and the clean first frame 2.4 levels off; frames of smooth sequences 1.7.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, table_of
from trainables.geometry import centre
from trainables.levels import check_pixels
from trainables.parameters import Parameterised
from trainables.registry import Registry

FRAMES = 31
"""Of a sequence, where nothing else is published."""


class Steps(NamedTuple):
    """A number that grows from frame to frame: first, first + step, …"""

    first: float
    step: float
    frames: int = FRAMES

    def values(self) -> tuple[float, ...]:
        """As decimals would have them, so that a number that should be 0 or 1 is."""
        return tuple(round(self.first + self.step * number, 9) for number in range(self.frames))


@dataclass(frozen=True, kw_only=True)
class Perturbation(Parameterised, ABC):
    """Frames of a batch of images: `sequence(pixels, side, generator)`."""

    extra: ClassVar[bool] = False
    """One of the four kept for validation: not in mFR."""
    from_first: ClassVar[bool] = False
    """Frames are compared with the first one (independent noise), not each with the one before it."""
    reaches_out: ClassVar[bool] = False
    """What lies beyond the centre comes into view: `frames` is given whole images, not their centres."""
    summary: ClassVar[str]
    """One line, with the source."""
    settings: ClassVar[Mapping[int, Any]]
    """Table → the published numbers; of noise, those of difficulty 1, 2 and 3."""

    def sequence(
        self,
        pixels: Tensor,
        side: int,
        generator: torch.Generator,
        table: int | None = None,
        difficulty: int = 1,
    ) -> Tensor:
        """uint8 [N, C, H, W] → uint8 [N, T, C, side, side]: frames' centres, T as published, on the same device.

        C is 1 or 3. Motions reach into what lies beyond the centre: H and W may be larger than `side` (ImageNet-P: 256
        and more for 224). Difficulty 2 and 3 are stronger noise; elsewhere they change the measure, not the frames.
        Raises ValueError for other images and for those smaller than `side`, for no published table, for a difficulty
        outside 1 … 3, and where `reason` gives one.
        """
        check_pixels(pixels)
        if min(pixels.shape[2:]) < side:
            raise ValueError(f"{self.name()}: images of {tuple(pixels.shape[2:])} have no centre of {side} pixels")
        setting = self.setting(table_of(side) if table is None else table, difficulty)
        seen = pixels if self.reaches_out else centre(pixels, side).contiguous()
        if reason := self.reason(seen.shape[1:], setting):
            raise ValueError(f"{self.name()} cannot act on images of {tuple(seen.shape[1:])}: {reason}")
        frames = self.frames(seen, side, setting, generator)
        shape = (len(pixels), self.length(setting), pixels.shape[1], side, side)
        assert frames.shape == shape, f"{self.name()}: {frames.shape} is not {shape}"
        assert frames.dtype == torch.uint8, f"{self.name()}: {frames.dtype}"
        return frames

    @classmethod
    def name(cls) -> str:
        """As a YAML says it."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def setting(cls, table: int, difficulty: int = 1) -> Any:
        """The published numbers of a table; raises ValueError as `sequence` does."""
        if difficulty not in (1, 2, 3):
            raise ValueError(f"{cls.name()}: a difficulty is 1, 2 or 3; got {difficulty}")
        if table not in cls.settings:
            known = ", ".join(map(str, cls.settings))
            raise ValueError(f"{cls.name()}: settings are published for sides of {known}; got {table}")
        found = cls.settings[table]
        return found[difficulty - 1] if cls.from_first else found

    def reason(self, shape: torch.Size, setting: Any) -> str | None:
        """Why images of `shape` (C, H, W) have no such sequence; None if they have."""
        return None

    def length(self, setting: Any) -> int:
        """How many frames a sequence has."""
        return FRAMES

    def untouched(self, setting: Any) -> int | None:
        """The number of the frame that is the image's centre itself, from 0; None if none is."""
        return None

    @abstractmethod
    def frames(self, pixels: Tensor, side: int, setting: Any, generator: torch.Generator) -> Tensor:
        """What `sequence` does, unchecked: of whole images if it reaches out, else of centres."""


@dataclass(frozen=True, kw_only=True)
class NoiseSequence(Perturbation):
    """The clean image, then independent draws of a corruption of it."""

    from_first: ClassVar[bool] = True
    corruption: ClassVar[Corruption]

    def untouched(self, setting: Any) -> int:
        return 0

    def frames(self, pixels: Tensor, side: int, setting: Any, generator: torch.Generator) -> Tensor:
        frames = pixels.new_empty(len(pixels), FRAMES, *pixels.shape[1:])
        frames[:, 0] = pixels
        for number in range(1, FRAMES):
            draws = self.corruption.draw(pixels, setting, generator)
            frames[:, number] = self.corruption.corrupt(pixels, setting, draws)
        return frames


perturbations = Registry("perturbation", __name__, Perturbation)  # type: ignore[type-abstract]
