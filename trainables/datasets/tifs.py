"""Tiny ImageNet Full-Sized: ImageNet's photographs of Tiny ImageNet's 200 classes, 224 × 224, colour."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from trainables.datasets import DataSet, Images, MissingDataError
from trainables.parameters import parameter
from trainables.recipe import Split
from trainables.tifs_files import CROP, INDEX, SIDE, AbsentError, Index, UnusableError, labels_file, pixels_file

FOLDER = "tifs"


@dataclass(frozen=True, kw_only=True)
class TIFS(DataSet):
    """90,000 train, 10,000 validation and 10,000 test images, as `study data tifs` built them, or a reduced set.

    Of each class 500 of ImageNet's training images, 450 to train and 50 to validate; ImageNet's validation images test
    (Laermann et al. 2019, §4.1). Images are the central 224 px of 256, so a border of 16 px is there. Pixels are mapped
    from the disk, not read into memory, and must not be written to. The fingerprint is the one that the build computed:
    an array that has changed since is found by its length and its time; `study data verify` examines every pixel, and
    what it finds damaged is refused from then on.
    """

    label: ClassVar[str] = "Tiny ImageNet Full-Sized"
    summary: ClassVar[str] = (
        "110,000 photographs in 200 classes, 224 × 224, built from ImageNet (Laermann et al. 2019; Deng et al. 2009)"
    )

    root: str | None = parameter(
        default=None,
        identity=False,
        doc=f"folder that `study data tifs` built, or that holds it as {FOLDER}; none: $STUDY_DATA, then ./data",
        source="as torchvision's data sets",
    )

    @property
    def shape(self) -> tuple[int, int, int]:
        return (3, CROP, CROP)

    @property
    def border(self) -> int:
        return (SIDE - CROP) // 2

    @property
    def folder(self) -> Path:
        return Path(self.root or os.environ.get("STUDY_DATA") or "data").expanduser()

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(name for _, name in self._index().classes)

    def load(self, split: Split) -> Images:
        self._index()
        return Images(self._mapped(pixels_file(split)), self._mapped(labels_file(split)).clone(), self.border)

    def test_names(self) -> tuple[str, ...]:
        return self._index().test_names

    def check_files(self) -> None:
        self._index()

    def fingerprint(self) -> str:
        return self._index().fingerprint

    @property
    def _files(self) -> Path:
        """The folder that was built."""
        return self.folder if (self.folder / INDEX).is_file() else self.folder / FOLDER

    def _index(self) -> Index:
        """Raises MissingDataError if nothing whole is there."""
        try:
            index = Index.read(self._files)
        except AbsentError as error:
            raise MissingDataError(self._missing(str(error))) from error
        except UnusableError as error:
            raise MissingDataError(f"{self.label} in {self._files.resolve()}: {error}. {self._build()}") from error
        changed = index.changed(self._files)
        if changed is not None:
            raise MissingDataError(
                f"{self.label} in {self._files.resolve()} is not as it was built: {changed}."
                f" `study data verify {self._files}` examines every pixel and accepts it if it is whole. If it is not,"
                f" study data tifs --imagenet DIR --out {self._files} reads again only what is wrong"
            )
        return index

    def _mapped(self, name: str) -> Tensor:
        """An array as a tensor in read-only memory, which all processes of a machine share."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return torch.from_numpy(np.load(self._files / name, mmap_mode="r", allow_pickle=False))

    def _missing(self, reason: str) -> str:
        return (
            f"{self.label} is not in {self._files.resolve()} ({reason}). {self._build()}, or say with `root:` or"
            f" $STUDY_DATA where it is. It is made from ImageNet (ILSVRC2012): ILSVRC2012_img_train.tar (138 GB),"
            " ILSVRC2012_img_val.tar (6.3 GB) and ILSVRC2012_devkit_t12.tar.gz from image-net.org, after signing up"
            " there; `study data tifs --help` says how to lay them out"
        )

    def _build(self) -> str:
        return f"Build it once: study data tifs --imagenet DIR --out {self._files}"
