"""Data sets: labelled images by name, split into train, validation and test. One file each."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, get_args

import torch
from torch import Tensor

from trainables.parameters import Parameterised
from trainables.recipe import Split
from trainables.registry import Registry


class MissingDataError(ValueError):
    """A data set that is not on disk; the message says exactly how to get it."""


@dataclass(frozen=True)
class Images:
    """Labelled images at rest."""

    pixels: Tensor
    """[N, C, H + 2 border, W + 2 border], uint8"""
    labels: Tensor
    """[N], int64"""
    border: int = 0
    """Pixels kept around the image on every side, for distortions that need a margin."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of an image, without its border."""
        channels, height, width = self.pixels.shape[1:]
        return channels, height - 2 * self.border, width - 2 * self.border

    def within(self, margin: int) -> Tensor:
        """[N, C, H + 2 margin, W + 2 margin]: the pixels without the border beyond `margin`."""
        assert margin <= self.border, f"a margin of {margin} px needs a border of as many; there are {self.border}"
        cut = self.border - margin
        height, width = self.pixels.shape[2:]
        return self.pixels[:, :, cut : height - cut, cut : width - cut]


@dataclass(frozen=True, kw_only=True)
class DataSet(Parameterised, ABC):
    """A labelled image collection with fixed splits."""

    label: ClassVar[str]
    summary: ClassVar[str]

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of an image."""

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """In label order."""

    @property
    @abstractmethod
    def border(self) -> int:
        """Pixels available around each image."""

    @property
    def folder(self) -> Path | None:
        """Where its files lie, as the parameter `root` says; None for images that come with a package."""
        return None

    @abstractmethod
    def load(self, split: Split) -> Images:
        """One split, in its fixed order; raises MissingDataError."""

    def test_rows(self) -> Tensor:
        """The place of each test image in the official test set, which sets made from it are in the order of: int64."""
        return torch.arange(len(split_of(self, "test")))

    def test_names(self) -> tuple[str, ...] | None:
        """CLASS/NAME of each test image's file without suffix, as sets made from it name theirs; None without files."""
        return None

    def check_files(self) -> None:
        """Raises MissingDataError where its files are not here; opens as few as tell, and fetches none."""
        split_of(self, "validation")

    def fingerprint(self) -> str:
        """A hash of every pixel and label of every split, 32 hex digits: what a trial's identity knows the data by."""
        digest = hashlib.blake2b(digest_size=16)
        for split in get_args(Split):
            images = split_of(self, split)
            digest.update(repr((split, tuple(images.pixels.shape), images.border)).encode())
            digest.update(images.pixels.contiguous().numpy().data)
            digest.update(images.labels.to(torch.int64).contiguous().numpy().data)
        return digest.hexdigest()


@lru_cache(maxsize=8)
def split_of(data: DataSet, split: Split) -> Images:
    """`data.load(split)`, kept in memory for the process: data sets are frozen, so equal ones share it."""
    return data.load(split)


datasets = Registry("data set", __name__, DataSet)  # type: ignore[type-abstract]
