"""Tiny ImageNet: 110,000 photographs in 200 classes, 64 × 64, colour, in the folders that it is distributed in."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from trainables.datasets import DataSet, Images, MissingDataError
from trainables.datasets.image_folder import decoded
from trainables.parameters import parameter
from trainables.recipe import Split
from trainables.splits import balanced_order, with_border

FOLDER = "tiny-imagenet-200"
SIDE = 64
SEED = 20190
"""Of the permutation that decides which training images validate, and in which order a limit takes images."""
TRAIN, TEST = 100_000, 10_000
"""Images in `train` and in `val`."""

Listed = tuple[list[Path], list[str]]
"""Image files, and the class of each by its WordNet id."""


@dataclass(frozen=True, kw_only=True)
class TinyImageNet(DataSet):
    """90,000 train, 10,000 validation and 10,000 test images, unless limited.

    Test images are those of the official `val`, in the order of its list: the official test images have no labels.
    Validation images are the first of a fixed class-balanced permutation of `train`, training images those that follow.
    Classes are those of wnids.txt, by WordNet id; grey files become RGB.
    """

    label: ClassVar[str] = "Tiny ImageNet"
    summary: ClassVar[str] = "110,000 photographs in 200 classes, 64 × 64 (Stanford's CS231n, 2015; Deng et al. 2009)"

    root: str | None = parameter(
        default=None,
        identity=False,
        doc=f"folder that holds {FOLDER}; none: $STUDY_DATA, then ./data",
        source="as torchvision's data sets",
    )
    train: int | None = parameter(
        default=None, ge=1, unit="images", doc="training images to use; none: all that do not validate", source="ours"
    )
    validation: int = parameter(
        default=10_000, ge=1, unit="images", doc="images held out of `train` to validate on", source="ours"
    )
    test: int = parameter(default=TEST, ge=1, le=TEST, unit="images", doc="test images to use", source="ours")
    border: int = parameter(default=0, ge=0, unit="px", doc="black pixels kept around each image", source="ours")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_amounts(TRAIN)

    @property
    def shape(self) -> tuple[int, int, int]:
        return (3, SIDE, SIDE)

    @property
    def folder(self) -> Path:
        return Path(self.root or os.environ.get("STUDY_DATA") or "data").expanduser()

    @property
    def _files(self) -> Path:
        """The distributed folder."""
        return self.folder / FOLDER

    @property
    def class_names(self) -> tuple[str, ...]:
        """The first of the words for each class: Egyptian cat."""
        words = dict(line.split("\t", 1) for line in self._lines("words.txt"))
        return tuple(words[wnid].split(",")[0] for wnid in self._wnids())

    def load(self, split: Split) -> Images:
        files, wnids = self._tested() if split == "test" else self._trained()
        labels = self._labels(wnids)
        chosen = self._chosen(split, balanced_order(labels, SEED))
        pixels = decoded([files[row] for row in chosen.tolist()], SIDE, SIDE)
        return Images(with_border(pixels, self.border), labels[chosen], self.border)

    def _labels(self, wnids: list[str]) -> Tensor:
        label_of = {wnid: label for label, wnid in enumerate(self._wnids())}
        return torch.tensor([label_of[wnid] for wnid in wnids])

    def test_rows(self) -> Tensor:
        _, wnids = self._tested()
        return self._chosen("test", balanced_order(self._labels(wnids), SEED))

    def test_names(self) -> tuple[str, ...]:
        files, wnids = self._tested()
        return tuple(f"{wnids[row]}/{files[row].stem}" for row in self.test_rows().tolist())

    def check_files(self) -> None:
        self._tested()
        self._trained()

    def _chosen(self, split: Split, order: Tensor) -> Tensor:
        """The rows of a split, given a class-balanced order of its folder."""
        if split == "test":
            return order[: self.test].sort().values
        self._check_amounts(len(order))
        return order[: self.validation] if split == "validation" else order[self.validation :][: self.train]

    def _check_amounts(self, there: int) -> None:
        """Raises MissingDataError where `train` has fewer images than are asked for."""
        if self.validation + (self.train or 1) > there:
            raise MissingDataError(
                f"{self.label}'s folder `train` has {there:,} images; got validation {self.validation:,} and train"
                f" {self.train or 1:,}. Ask for fewer"
            )

    def _trained(self) -> Listed:
        """train/WNID/images/*.JPEG, by class and name."""
        files: list[Path] = []
        wnids: list[str] = []
        for wnid in self._wnids():
            found = sorted((self._files / "train" / wnid / "images").glob("*.JPEG"))
            if not found:
                raise MissingDataError(self._missing(f"train/{wnid}/images holds no .JPEG files"))
            files += found
            wnids += [wnid] * len(found)
        return files, wnids

    def _tested(self) -> Listed:
        """val/images, as val/val_annotations.txt lists them: name, WordNet id, box."""
        rows = [line.split("\t") for line in self._lines("val/val_annotations.txt")]
        return [self._files / "val" / "images" / row[0] for row in rows], [row[1] for row in rows]

    def _wnids(self) -> list[str]:
        return sorted(self._lines("wnids.txt"))

    def _lines(self, name: str) -> list[str]:
        """Of a text file, without empty ones."""
        try:
            text = (self._files / name).read_text(encoding="utf-8")
        except OSError as error:
            raise MissingDataError(self._missing(f"{name}: {error.strerror}")) from error
        return [line for line in text.splitlines() if line.strip()]

    def _missing(self, reason: str) -> str:
        return (
            f"{self.label} is not in {self._files.resolve()} ({reason}). Unpack {FOLDER}.zip (248 MB, from"
            f" cs231n.stanford.edu) in {self.folder.resolve()}, or say with `root:` or $STUDY_DATA in which"
            f" folder {FOLDER} lies"
        )
