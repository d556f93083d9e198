"""A tree of ILSVRC2012's files: training images by class, validation images in one of the layouts that are about."""

import csv
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from study.data.classes import WNID
from study.data.errors import DataError

SUFFIXES = frozenset({".jpeg", ".jpg", ".png"})
KAGGLE_FOLDER = Path("ILSVRC") / "Data" / "CLS-LOC"
SOLUTION = "LOC_val_solution.csv"
GROUND_TRUTH = "ILSVRC2012_validation_ground_truth.txt"
META = "meta.mat"
DEVKIT_FOLDERS = (
    Path("ILSVRC2012_devkit_t12") / "data", Path("ILSVRC2012_devkit_t12"), Path("devkit") / "data", Path("data"), Path()
)  # fmt: skip
GET_IMAGENET = """\
How to get ImageNet (ILSVRC2012), either way into one folder DIR:
  image-net.org  Sign up, then download ILSVRC2012_img_train.tar (138 GB), ILSVRC2012_img_val.tar (6.3 GB) and
                 ILSVRC2012_devkit_t12.tar.gz.  In DIR:
                   mkdir train val
                   tar -xf ILSVRC2012_img_val.tar -C val
                   tar -xf ILSVRC2012_img_train.tar -C train
                   for t in train/*.tar; do mkdir "${t%.tar}" && tar -xf "$t" -C "${t%.tar}" && rm "$t"; done
                   tar -xzf ILSVRC2012_devkit_t12.tar.gz
  kaggle.com     Join imagenet-object-localization-challenge, accept its rules, then in DIR:
                   kaggle competitions download -c imagenet-object-localization-challenge
                   unzip imagenet-object-localization-challenge.zip
                 (ILSVRC/Data/CLS-LOC/{train,val} and LOC_val_solution.csv)"""


@dataclass(frozen=True)
class Tree:
    """ILSVRC2012 below a folder. Files are named by their path from it, with forward slashes."""

    root: Path

    @cached_property
    def images(self) -> Path:
        """The folder that holds train and val; raises DataError."""
        places = (self.root, self.root / KAGGLE_FOLDER)
        for place in places:
            if (place / "train").is_dir() and (place / "val").is_dir():
                return place
        looked = " and in ".join(str(place) for place in places)
        raise self._refused(f"there are no folders train and val in {looked}")

    def trained(self, wnids: Sequence[str]) -> dict[str, list[str]]:
        """The files train/WNID/* of each class, by name; raises DataError naming every class that has none."""
        found = {wnid: self._listed(self.images / "train" / wnid) for wnid in wnids}
        lacking = [wnid for wnid, files in found.items() if not files]
        if lacking:
            packed = (self.images / "train" / f"{lacking[0]}.tar").is_file()
            raise self._refused(
                f"{self.images / 'train'} has no images of {len(lacking)} of {len(wnids)} classes: "
                f"{', '.join(lacking)}{' (their archives are there, not yet unpacked)' if packed else ''}"
            )
        return found

    def tested(self, wnids: Sequence[str]) -> dict[str, list[str]]:
        """The official validation images of each class, by name, also such as are listed but not there."""
        folder = self.images / "val"
        if any(entry.is_dir() and WNID.fullmatch(entry.name) for entry in folder.iterdir()):
            found = {wnid: self._listed(folder / wnid) for wnid in wnids}
        else:
            found = self._flat(folder, frozenset(wnids))
        lacking = [wnid for wnid in wnids if not found.get(wnid)]
        if lacking:
            raise self._refused(
                f"{folder} has no images of {len(lacking)} of {len(wnids)} classes: {', '.join(lacking)}"
            )
        return {wnid: found[wnid] for wnid in wnids}

    def _listed(self, folder: Path) -> list[str]:
        if not folder.is_dir():
            return []
        return sorted(self._named(file) for file in folder.iterdir() if _is_image(file))

    def _flat(self, folder: Path, wnids: frozenset[str]) -> dict[str, list[str]]:
        """Of images without class folders, by a list of labels."""
        suffixes = {file.stem: file.suffix for file in folder.iterdir() if _is_image(file)}
        if not suffixes:
            raise self._refused(f"{folder} holds neither images nor folders of classes")
        found: dict[str, list[str]] = defaultdict(list)
        for stem, wnid in sorted(self._labels(suffixes).items()):
            if wnid in wnids:
                found[wnid].append(self._named(folder / f"{stem}{suffixes.get(stem, '.JPEG')}"))
        return found

    def absent(self, tested: Mapping[str, Sequence[str]]) -> list[str]:
        """Of these classes, the validation images that a list of labels names beside those given; none without one."""
        there = {PurePosixPath(file).stem for files in tested.values() for file in files}
        listed = sorted((self._list() or {}).items())
        return [f"{stem} of {wnid}" for stem, wnid in listed if wnid in tested and stem not in there]

    def _list(self) -> dict[str, str] | None:
        """The class of every validation image by its name without suffix, of Kaggle's list or the devkit's."""
        solution = self._first(SOLUTION, (Path(),))
        if solution is not None:
            return _kaggle_labels(solution)
        truth, meta = self._first(GROUND_TRUTH, DEVKIT_FOLDERS), self._first(META, DEVKIT_FOLDERS)
        return _devkit_labels(truth, meta) if truth is not None and meta is not None else None

    def _labels(self, stems: Mapping[str, str]) -> dict[str, str]:
        """As `_list`; raises DataError where there is none."""
        labels = self._list()
        if labels is not None:
            return labels
        truth = self._first(GROUND_TRUTH, DEVKIT_FOLDERS)
        absent = f"{META} beside {truth}" if truth is not None else f"{GROUND_TRUTH} and {META} of the devkit (t12)"
        raise self._refused(
            f"{self.images / 'val'} holds {len(stems):,} images without folders of classes, and there is nothing to say"
            f" which class they are of: neither {SOLUTION} (Kaggle's) nor {absent} in {self.root} or its folder"
            " ILSVRC2012_devkit_t12/data"
        )

    def _first(self, name: str, folders: Sequence[Path]) -> Path | None:
        """A file of labels: in the folder, in that of the images, or, where that is Kaggle's, where Kaggle puts it."""
        roots = [self.root, self.images, self.images / "val"]
        if self.images.parts[-3:] == KAGGLE_FOLDER.parts:
            roots.append(self.images.parents[2])
        places = (root / folder / name for root in roots for folder in folders)
        return next((place for place in places if place.is_file()), None)

    def _named(self, file: Path) -> str:
        return file.relative_to(self.root).as_posix()

    def _refused(self, reason: str) -> DataError:
        return DataError(f"--imagenet {self.root} cannot be used: {reason}.\n\n{GET_IMAGENET}")


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def _kaggle_labels(file: Path) -> dict[str, str]:
    """`ImageId,PredictionString` lines: the name of an image, and boxes, each beginning with the class."""
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            rows = list(csv.reader(opened))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} is no CSV file in UTF-8: {error}. Download it again") from error
    labels: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        wnid = row[1].split(" ", 1)[0] if len(row) == 2 else ""
        if not WNID.fullmatch(wnid):
            raise DataError(
                f"{file}:{number}: a line is IMAGE,WNID and a box; got {','.join(row)!r}. Download it again"
            )
        labels[row[0]] = wnid
    return labels


def _devkit_labels(truth: Path, meta: Path) -> dict[str, str]:
    """Line n of the ground truth is the ILSVRC2012_ID of ILSVRC2012_val_n, which meta.mat maps to a WordNet id."""
    wnids = dict(_synsets(meta))
    labels: dict[str, str] = {}
    for number, line in enumerate(truth.read_text(encoding="ascii", errors="replace").splitlines(), 1):
        if not line.strip().isdigit() or int(line) not in wnids:
            raise DataError(
                f"{truth}:{number}: a line is an id that {meta} knows; got {line!r}. Download the devkit again"
            )
        labels[f"ILSVRC2012_val_{number:08}"] = wnids[int(line)]
    return labels


def _synsets(meta: Path) -> Iterator[tuple[int, str]]:
    """ILSVRC2012_ID and WNID of every entry of the devkit's `synsets`."""
    from scipy.io import loadmat  # here: it takes a second, and few need it
    from scipy.io.matlab import MatReadError

    try:
        synsets: Any = loadmat(meta, squeeze_me=True, variable_names=["synsets"])["synsets"]
        for entry in synsets.reshape(-1):
            yield int(entry["ILSVRC2012_ID"]), str(entry["WNID"])
    except (
        MatReadError,
        OSError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        NotImplementedError,
        zlib.error,
    ) as error:
        raise DataError(f"{meta} is not the devkit's (t12): {error}. Download the devkit again") from error
