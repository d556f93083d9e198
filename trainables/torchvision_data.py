"""What the data sets that torchvision reads have in common: where they lie, and how they are split and limited."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.datasets import DataSet, Images, MissingDataError
from trainables.parameters import parameter
from trainables.recipe import Split
from trainables.splits import balanced_order, with_border

SEED = 20190
"""Of the permutation that decides which training images validate, and in which order a limit takes images."""


@dataclass(frozen=True, kw_only=True)
class TorchvisionDataSet(DataSet):
    """A data set of torchvision's, in the files torchvision downloads.

    Validation images are the first of a fixed class-balanced permutation of the training file, training images those
    that follow, or, not `held_out`, all from the first on. Test images keep the official order; a limit picks them by
    the same kind of permutation.
    """

    source: ClassVar[str]
    """The class's name in `torchvision.datasets`."""
    image_shape: ClassVar[tuple[int, int, int]]
    classes: ClassVar[tuple[str, ...]]
    in_file: ClassVar[int]
    """Images in the official training file."""

    root: str | None = parameter(
        default=None,
        identity=False,
        doc="folder that holds torchvision's files; none: $STUDY_DATA, then ./data",
        source="torchvision",
    )
    download: bool = parameter(
        default=False, identity=False, doc="fetch the files if they are not in `root`", source="torchvision"
    )
    train: int | None = parameter(
        default=None, ge=1, unit="images", doc="training images to use; none: all that do not validate", source="ours"
    )
    validation: int = parameter(
        default=5_000, ge=1, unit="images", doc="images held out of the training file to validate on", source="ours"
    )
    held_out: bool = parameter(
        default=True,
        identity_default=True,
        doc="whether validation images are kept out of training; false: all of the training file trains",
        source="ours; Rozsa et al. 2016 (BANG) and NoisyMix train on all 50,000 of CIFAR-10",
    )
    test: int = parameter(default=10_000, ge=1, le=10_000, unit="images", doc="test images to use", source="ours")
    border: int = parameter(default=0, ge=0, unit="px", doc="black pixels kept around each image", source="ours")

    def __post_init__(self) -> None:
        super().__post_init__()
        asked = (self.validation, self.train or 1)
        if (sum(asked) if self.held_out else max(asked)) > self.in_file:
            raise ValueError(
                f"the training file has {self.in_file:,} images; got validation {self.validation:,}"
                f" and train {self.train or 1:,}"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.image_shape

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.classes

    @property
    def folder(self) -> Path:
        return Path(self.root or os.environ.get("STUDY_DATA") or "data").expanduser()

    def load(self, split: Split) -> Images:
        pixels, labels = self._read(train=split != "test")
        chosen = self._chosen(split, balanced_order(labels, SEED))
        return Images(with_border(pixels[chosen], self.border), labels[chosen], self.border)

    def test_rows(self) -> Tensor:
        _, labels = self._read(train=False)
        return self._chosen("test", balanced_order(labels, SEED))

    def check_files(self) -> None:
        if not self.download:
            self._read(train=False)

    def _chosen(self, split: Split, order: Tensor) -> Tensor:
        """The indices of a split, given a class-balanced order of its file."""
        if split == "validation":
            return order[: self.validation]
        if split == "train":
            return order[self.validation if self.held_out else 0 :][: self.train]
        return order[: self.test].sort().values

    def _read(self, train: bool) -> tuple[Tensor, Tensor]:
        """One official file: pixels [N, C, H, W], uint8, and labels [N]."""
        from torchvision import datasets as official  # here: the import takes seconds, and only these sets need it

        try:
            found = getattr(official, self.source)(self.folder, train=train, download=self.download)
        except RuntimeError as error:
            raise MissingDataError(self._missing("its files are absent or damaged")) from error
        except OSError as error:
            raise MissingDataError(self._missing(str(error))) from error
        return _channels_first(found.data), torch.as_tensor(found.targets, dtype=torch.int64)

    def _missing(self, reason: str) -> str:
        name = type(self).__module__.rpartition(".")[2]
        return (
            f"{self.label} is not in {self.folder.resolve()} ({reason}). Say where it is with `root:` or $STUDY_DATA,"
            f" or have it downloaded there: `data: {{name: {name}, download: true}}`"
        )


def _channels_first(pixels: Any) -> Tensor:
    """[N, H, W] or [N, H, W, C] → [N, C, H, W]."""
    images = torch.as_tensor(pixels)
    return images.unsqueeze(1) if images.ndim == 3 else images.movedim(3, 1).contiguous()
