"""Examination of a set: every row of every array against the manifest, and the statistics of the training images."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from study.data.arrays import PixelArray, pixels_in
from study.data.chosen import SPLITS
from study.data.manifest import Manifest, Read, digest
from study.data.parallel import in_parallel
from trainables.recipe import Split
from trainables.tifs_files import CROP, SIDE, labels_file, pixels_file

BORDER = (SIDE - CROP) // 2
Sums = tuple[int, ...]
"""Of the central pixels of a training image: Σx of three channels, then Σx²; whole, so that no order changes them."""


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Of each channel over the central 224 px, which an undistorted image is, of every training image, in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, sums: Sums, images: int) -> "Statistics":
        n = images * CROP * CROP
        means = [total / n for total in sums[:3]]
        variances = [(n * squares - total * total) / n**2 for total, squares in zip(sums[:3], sums[3:], strict=True)]
        return cls(mean=tuple(mean / 255 for mean in means), std=tuple(math.sqrt(one) / 255 for one in variances))


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What was found."""

    faults: tuple[str, ...]
    statistics: Statistics | None
    """None where there are faults."""


Told = Callable[[], None]
"""Called once for each image that is done."""


def examine(folder: Path, manifest: Manifest, workers: int, told: Told) -> Examination:
    """Reads every pixel. Faults are named in the order of the manifest."""
    counts = Counter(image.split for image in manifest.images)
    with ExitStack() as stack:
        arrays: dict[Split, PixelArray] = {}
        faults = [
            *(fault for split in SPLITS for fault in _opened(folder, split, counts[split], arrays, stack)),
            *(fault for split in SPLITS for fault in _label_faults(folder, manifest, split)),
        ]
        readable = (image for image in manifest.images if image.split in arrays)
        examined = stack.enter_context(closing(in_parallel(partial(_examined, arrays), readable, workers)))
        wrong, sums = _totals(examined, told)
    faults += [
        f"{pixels_file(image.split)}, row {image.row}: not the pixels of {image.source} that were written"
        for image in sorted(wrong, key=lambda image: (SPLITS.index(image.split), image.row))
    ]
    return Examination(faults=tuple(faults), statistics=None if faults else Statistics.of(sums, counts["train"]))


def _opened(folder: Path, split: Split, count: int, arrays: dict[Split, PixelArray], stack: ExitStack) -> Iterator[str]:
    """Puts a split's array among `arrays`, open for as long as the stack is; or tells why it cannot."""
    try:
        array = PixelArray.read_only(folder / pixels_file(split))
    except OSError as error:
        yield f"{pixels_file(split)}: {error.strerror}"
        return
    stack.callback(array.close)
    if array.fits(count):
        arrays[split] = array
    else:
        yield f"{pixels_file(split)}: no array of {count:,} images, 3 × {SIDE} × {SIDE}"


def _totals(examined: Iterator[tuple[Read, Sums | None]], told: Told) -> tuple[list[Read], Sums]:
    """The images that are wrong, and the sums over the others."""
    wrong: list[Read] = []
    totals: Sums = (0,) * 6
    for image, sums in examined:
        told()
        if sums is None:
            wrong.append(image)
        else:
            totals = tuple(total + one for total, one in zip(totals, sums, strict=True))
    return wrong, totals


def _examined(arrays: dict[Split, PixelArray], image: Read) -> tuple[Read, Sums | None]:
    """Its sums, all 0 where it does not train; None if its pixels are not those that the manifest says."""
    pixels = arrays[image.split].read(image.row)
    if digest(pixels) != image.pixels_hash:
        return image, None
    return image, _sums(pixels) if image.split == "train" else (0,) * 6


def _sums(pixels: bytes) -> Sums:
    centre = pixels_in(pixels)[:, BORDER : BORDER + CROP, BORDER : BORDER + CROP].astype(np.uint32)
    total, squares = centre.sum((1, 2), dtype=np.uint64), (centre * centre).sum((1, 2), dtype=np.uint64)
    return tuple(int(one) for one in (*total, *squares))


def _label_faults(folder: Path, manifest: Manifest, split: Split) -> Iterator[str]:
    """What is wrong with the array of labels."""
    file, asked = labels_file(split), [image.label for image in manifest.images if image.split == split]
    try:
        labels = np.load(folder / file, allow_pickle=False)
    except (OSError, ValueError) as error:
        yield f"{file}: {error}"
        return
    if labels.dtype != np.int64 or labels.shape != (len(asked),):
        yield f"{file}: no array of {len(asked):,} int64; got {labels.dtype} of shape {labels.shape}"
        return
    for row in np.flatnonzero(labels != np.array(asked)):
        yield f"{file}, row {row}: the manifest's label is {asked[row]}; got {labels[row]}"
