"""Corrupted sets that lie on a disk: CIFAR-10-C and its like as `.npy`, ImageNet-C and its like as folders of images.

NAME.npy: uint8 [5 n, H, W, 3], the n test images at severity 1, then at 2, and so on; labels.npy beside them.
NAME/SEVERITY/CLASS/IMAGE: by the name of the test image's own file, in folders of the class; NAME may lie one deeper,
in ImageNet-C's folders noise, blur, weather, digital and extra.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.corruptions import SEVERITIES, corruptions
from trainables.datasets import DataSet, split_of
from trainables.datasets.image_folder import SUFFIXES, decoded
from trainables.file_hashes import file_hash, hash_of_listing
from trainables.recipe import Component

FILES_REVISION = 1
"""Raised when the same files show other images; part of their conditions' identity."""
LABELS = "labels.npy"


class CorruptedFilesError(ValueError):
    """Files that are not the data set's test images; says which, and in what they differ."""


@dataclass(frozen=True, kw_only=True)
class CorruptedFiles:
    """One corruption at one severity in a folder of such sets."""

    set: str
    """What results call the set: CIFAR-10-C."""
    root: str
    corruption: str
    severity: int

    @property
    def array(self) -> Path:
        return Path(self.root) / f"{self.corruption}.npy"

    @property
    def folder(self) -> Path:
        """Where NAME/SEVERITY is, or would be."""
        root, inner = Path(self.root), Path(self.corruption) / str(self.severity)
        deeper = (
            (group / inner for group in sorted(root.iterdir()) if (group / inner).is_dir()) if root.is_dir() else ()
        )
        return root / inner if (root / inner).is_dir() else next(iter(deeper), root / inner)

    def reason(self) -> str | None:
        """Why it cannot be shown; None if there is something of that name."""
        if self.array.is_file() or self.folder.is_dir():
            return None
        return f"not among the files of {self.set} in {self.root}"

    def step(self, content: str) -> Component:
        """A condition's step. `content`: what `fingerprint` gives."""
        return Component.of(
            self.corruption,
            {"files": self.root, "set": self.set, "severity": self.severity, "content": content},
        )

    @classmethod
    def of(cls, step: Component) -> "CorruptedFiles":
        """The one that a condition's step is of."""
        given = step.parameters
        root, name, severity = given["files"], given["set"], given["severity"]
        assert isinstance(root, str)
        assert isinstance(name, str)
        assert isinstance(severity, int)
        return cls(set=name, root=root, corruption=step.name, severity=severity)

    @property
    def rendering(self) -> str:
        """What `trainables.records.Cell` says of it."""
        return f"files of {self.set}"

    def fingerprint(self) -> str:
        """A hash of what is shown: of an array its content, of a folder the names and sizes of all files and the
        content of a hundred of them."""
        if self.array.is_file():
            return file_hash(self.array)
        return _hashed(self.folder, self.folder.stat().st_mtime_ns)

    def check(self, data: DataSet) -> None:
        """Raises CorruptedFilesError where these are not the data set's test images, in its order and size."""
        if self.array.is_file():
            self._check_array(data)
        else:
            _paths(self, data)

    def _check_array(self, data: DataSet) -> None:
        array, rows = _mapped(self.array), data.test_rows()
        channels, height, width = data.shape
        if array.dtype != np.uint8 or array.shape[1:] != (height, width, channels) or len(array) % SEVERITIES:
            raise CorruptedFilesError(
                f"{self.array} is {array.dtype} of shape {array.shape}; the {height} × {width} images of {data.label} "
                f"at five severities are uint8 (5 n, {height}, {width}, {channels})"
            )
        count = len(array) // SEVERITIES
        labels = _mapped(Path(self.root) / LABELS) if (Path(self.root) / LABELS).is_file() else None
        if labels is None or labels.ndim != 1 or len(labels) not in (count, len(array)):
            raise CorruptedFilesError(
                f"{self.array} has {len(array):,} images, five severities of {count:,}; {LABELS} beside it is to have "
                f"as many labels, or {count:,}, and {'is not there' if labels is None else f'has {len(labels):,}'}"
            )
        if int(rows.max()) >= count:
            raise CorruptedFilesError(
                f"{self.array} has {count:,} images a severity; the study's test images are chosen out of all of "
                f"{data.label}'s, as far as image {int(rows.max()) + 1:,}, so that the file must hold all of them"
            )
        found = torch.from_numpy(np.array(labels[:count], dtype=np.int64))[rows]
        wrong = found != split_of(data, "test").labels
        if wrong.any():
            first = int(wrong.nonzero()[0])
            raise CorruptedFilesError(
                f"{self.root}/{LABELS} are not the labels of {data.label}'s test images: {int(wrong.sum()):,} of "
                f"{len(rows):,} differ, image {int(rows[first]) + 1:,} the first"
            )

    def pixels(self, data: DataSet, first: int, last: int) -> Tensor:
        """Test images `first` up to `last` as the files show them: uint8 [n, C, H, W].

        Of a folder, an image whose size is another is scaled, its shorter side to the data set's, and its centre taken.
        """
        if not self.array.is_file():
            return decoded(list(_paths(self, data)[first:last]), data.shape[1], data.shape[1])
        array = _mapped(self.array)
        begin = (self.severity - 1) * (len(array) // SEVERITIES)
        chosen = array[begin + _rows(data)[first:last].numpy()]
        return torch.from_numpy(chosen).movedim(3, 1)


def there(root: str) -> tuple[str, ...]:
    """The corruptions that a folder has at some severity."""
    all_of = (
        (name, CorruptedFiles(set="", root=root, corruption=name, severity=severity))
        for name in corruptions.names()
        for severity in range(1, SEVERITIES + 1)
    )
    return tuple(dict.fromkeys(name for name, one in all_of if one.reason() is None))


@lru_cache(maxsize=64)
def _mapped(path: Path) -> NDArray[Any]:
    try:
        found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CorruptedFilesError(f"{path} cannot be read as a .npy file ({error})") from error
    return found


@lru_cache(maxsize=8)
def _rows(data: DataSet) -> Tensor:
    return data.test_rows()


@lru_cache(maxsize=8)
def _names(data: DataSet) -> tuple[str, ...] | None:
    return data.test_names()


@lru_cache(maxsize=128)
def _paths(files: CorruptedFiles, data: DataSet) -> tuple[Path, ...]:
    """The file of each test image, in the data set's order."""
    names, (_, height, width) = _names(data), data.shape
    if names is None:
        raise CorruptedFilesError(
            f"{files.folder} has images by the name of their file, and those of {data.label} have none; give .npy files"
        )
    if height != width:
        raise CorruptedFilesError(
            f"{files.folder}: images of folders are square, and {data.label}'s {height} × {width}"
        )
    listed = _listed(files.folder)
    missing = [name for name in names if name not in listed]
    if missing:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise CorruptedFilesError(
            f"{files.folder} lacks {missing[0]}{more} of the {len(names):,} test images of {data.label}"
        )
    return tuple(listed[name] for name in names)


@lru_cache(maxsize=128)
def _hashed(folder: Path, _changed: int) -> str:
    return hash_of_listing(folder, [path for _, path in sorted(_listed(folder).items())])


def _listed(folder: Path) -> dict[str, Path]:
    """CLASS/STEM → image file."""
    return {
        f"{group.name}/{file.stem}": file
        for group in sorted(folder.iterdir())
        if group.is_dir()
        for file in group.iterdir()
        if file.suffix.lower() in SUFFIXES
    }
