"""Image files in folders, a folder a class: ROOT/{train,validation,test}/CLASS/IMAGE."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args

import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.datasets import DataSet, Images, MissingDataError
from trainables.parameters import parameter
from trainables.photographs import centre, opened
from trainables.recipe import Split
from trainables.splits import held_out

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
SEED = 20190
"""Of the shuffle that decides which training images validate."""
LAYOUT = (
    "an image folder is laid out as ROOT/{train,validation,test}/CLASS/IMAGE (`val` for `validation` will do);"
    " say where ROOT is with `data: {name: image_folder, root: ROOT}`"
)


@dataclass(frozen=True, kw_only=True)
class ImageFolder(DataSet):
    """Images as RGB, the shorter side scaled to `resize` (bilinear, antialiased), the centre cut out to `size`.

    What lies between the two is kept as border: resize 256 and size 224 leave a border of 16 px. Classes are the names
    of the folders in `train`, sorted. Grey and CMYK files become RGB; EXIF orientations are left alone, as torchvision
    leaves them.
    """

    label: ClassVar[str] = "image folder"
    summary: ClassVar[str] = "Image files in ROOT/{train,validation,test}/CLASS/"

    root: str = parameter(identity=False, doc="folder that holds train, validation and test", source="torchvision")
    size: int = parameter(
        default=224, ge=1, unit="px", doc="side of an image", source="Laermann et al. 2019, §4.1: 224"
    )
    resize: int | None = parameter(
        default=None,
        ge=1,
        unit="px",
        doc="length that the shorter side is scaled to; none: `size`",
        source="Laermann et al. 2019, §4.1: 256",
    )
    validation_fraction: float | None = parameter(
        default=None,
        gt=0,
        lt=1,
        doc="share of every class of `train` held out to validate on, where no folder is for that",
        source="ours",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resize is not None and self.resize < self.size:
            raise ValueError(f"resize must be at least size, {self.size} px; got {self.resize}")

    @property
    def shape(self) -> tuple[int, int, int]:
        return (3, self.size, self.size)

    @property
    def border(self) -> int:
        return ((self.resize or self.size) - self.size) // 2

    @property
    def folder(self) -> Path:
        return Path(self.root).expanduser()

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(sorted(entry.name for entry in _entries(self.folder / "train") if entry.is_dir()))

    def load(self, split: Split) -> Images:
        files, labels = self._files(split)
        pixels = decoded(files, self.resize or self.size, self.size + 2 * self.border)
        return Images(pixels, labels, self.border)

    def test_names(self) -> tuple[str, ...]:
        files, _ = self._files("test")
        return tuple(f"{file.parent.name}/{file.stem}" for file in files)

    def check_files(self) -> None:
        for split in get_args(Split):
            self._files(split)

    def _files(self, split: Split) -> tuple[list[Path], Tensor]:
        validation = [self.folder / name for name in ("validation", "val") if (self.folder / name).is_dir()]
        if split == "test" or (split == "train" and validation):
            return self._listed(self.folder / split)
        if validation:
            return self._listed(validation[0])
        return self._carved(split)

    def _carved(self, split: Split) -> tuple[list[Path], Tensor]:
        """The part of the training folder that `split` gets."""
        files, labels = self._listed(self.folder / "train")
        if self.validation_fraction is None:
            raise MissingDataError(
                f"{self.folder} has no folder `validation`: add one, or hold out a part of `train` with"
                " validation_fraction: 0.1"
            )
        mine = held_out(labels, self.validation_fraction, SEED) == (split == "validation")
        return [file for file, taken in zip(files, mine.tolist(), strict=True) if taken], labels[mine]

    def _listed(self, folder: Path) -> tuple[list[Path], Tensor]:
        """The image files of one folder, by class and name."""
        label_of = {name: label for label, name in enumerate(self.class_names)}
        found: list[tuple[Path, int]] = []
        for entry in _entries(folder):
            if entry.is_dir() and entry.name not in label_of:
                raise ValueError(f"{entry}: no folder of that name is in {self.folder / 'train'}")
            found += [(file, label_of[entry.name]) for file in _images(entry)]
        if not found:
            raise MissingDataError(f"{folder} holds no images; {LAYOUT}")
        return [file for file, _ in found], torch.tensor([label for _, label in found])


def decoded(files: list[Path], shorter: int, side: int) -> Tensor:
    """[N, 3, side, side], uint8, RGB: the centre of each image, its shorter side scaled to `shorter`.

    Read by as many threads as there are processors. Raises ValueError, naming the file, on what is no image.
    """
    pixels = torch.empty(len(files), 3, side, side, dtype=torch.uint8)
    rows = pixels.numpy()

    def read(row: int) -> None:
        rows[row] = _read(files[row], shorter, side)

    with ThreadPoolExecutor() as threads:
        list(threads.map(read, range(len(files))))
    return pixels


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise MissingDataError(f"there is no folder {folder.resolve()}; {LAYOUT}")
    return sorted(folder.iterdir())


def _images(folder: Path) -> Iterator[Path]:
    """The image files in a class's folder, by name; nothing where it is a file."""
    if folder.is_dir():
        yield from (file for file in _entries(folder) if file.suffix.lower() in SUFFIXES)


def _read(file: Path, shorter: int, side: int) -> NDArray[Any]:
    """[3, side, side]: the centre of the image whose shorter side is scaled to `shorter`."""
    image = opened(file, file)
    scale = shorter / min(image.size)
    width, height = (max(shorter, int(length * scale)) for length in image.size)
    return centre(image, width, height, side)
