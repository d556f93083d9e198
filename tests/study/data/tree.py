"""ILSVRC2012 in small: `python -m tests.study.data.tree ../shared/data OUT [--layout kaggle] [--per-class 12]`.

Makes a tree of the 20 classes of which part of Tiny ImageNet is in ../shared/data, upscaled to sizes that photographs
of ImageNet have, with the full-size photographs beside them, and OUT/classes.txt, so that a reduced set is built by

    study data tifs --imagenet OUT --out DIR --classes OUT/classes.txt --per-class 12 --val 2
"""

import argparse
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image
from scipy.io import savemat

Layout = Literal["folders", "devkit", "kaggle"]
SIDES = ((500, 375), (375, 500), (333, 500), (400, 300), (320, 257), (640, 480))
"""Widths and heights that ImageNet's photographs have."""


@dataclass(frozen=True)
class Pictures:
    """Of one class: encoded files by name without suffix; validation images get ImageNet's names."""

    train: Mapping[str, bytes]
    validation: Sequence[bytes]


def encoded(image: Image.Image, form: str = "JPEG") -> bytes:
    written = io.BytesIO()
    image.save(written, form, quality=90)
    return written.getvalue()


def generated(wnids: Sequence[str], train: int, validation: int, side: int = 24) -> dict[str, Pictures]:
    """Small pictures of noise on a slope, each of another size."""
    rng = np.random.RandomState(7)

    def picture() -> bytes:
        height, width = side + rng.randint(0, side, 2)
        slope = np.linspace(0, 200, width)[None, :, None] * np.linspace(0.2, 1, height)[:, None, None]
        pixels = (slope + rng.randint(0, 56, (height, width, 3))).astype(np.uint8)
        return encoded(Image.fromarray(pixels))

    return {
        wnid: Pictures({f"{wnid}_{n}": picture() for n in range(train)}, [picture() for _ in range(validation)])
        for wnid in wnids
    }


def lay_out(root: Path, pictures: Mapping[str, Pictures], layout: Layout) -> Path:
    """The tree below `root`; validation images are numbered through the classes in turn, as ImageNet's are mixed."""
    images = root / "ILSVRC" / "Data" / "CLS-LOC" if layout == "kaggle" else root
    for wnid, of_class in pictures.items():
        (images / "train" / wnid).mkdir(parents=True)
        for name, data in of_class.train.items():
            (images / "train" / wnid / f"{name}.JPEG").write_bytes(data)
    turns = max(len(of_class.validation) for of_class in pictures.values())
    validating = [
        (wnid, of_class.validation[turn])
        for turn in range(turns)
        for wnid, of_class in reversed(pictures.items())
        if turn < len(of_class.validation)
    ]
    for number, (wnid, data) in enumerate(validating, 1):
        folder = images / "val" / wnid if layout == "folders" else images / "val"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{validation_name(number)}.JPEG").write_bytes(data)
    _LABELS[layout](root, [wnid for wnid, _ in validating])
    return root


def validation_name(number: int) -> str:
    return f"ILSVRC2012_val_{number:08}"


def _no_labels(root: Path, wnids: Sequence[str]) -> None:
    """The folders say the classes."""


def _kaggle_labels(root: Path, wnids: Sequence[str]) -> None:
    """In an order that is not that of the names, as Kaggle's is."""
    lines = [f"{validation_name(number)},{wnid} 85 1 499 272 {wnid} 3 4 5 6 " for number, wnid in enumerate(wnids, 1)]
    (root / "LOC_val_solution.csv").write_text("\n".join(["ImageId,PredictionString", *reversed(lines), ""]))


def _devkit_labels(root: Path, wnids: Sequence[str]) -> None:
    """Ids are not in the order of the WordNet ids, and there are synsets above the classes, as in the devkit."""
    folder = root / "ILSVRC2012_devkit_t12" / "data"
    folder.mkdir(parents=True)
    known = sorted(set(wnids), key=lambda wnid: wnid[::-1])
    entries = [(number, wnid, f"words of {wnid}") for number, wnid in enumerate([*known, "n00001740"], 1)]
    kinds = [("ILSVRC2012_ID", object), ("WNID", object), ("words", object)]
    savemat(folder / "meta.mat", {"synsets": np.array(entries, dtype=kinds).reshape(-1, 1)})
    ids = {wnid: number for number, wnid, _ in entries}
    (folder / "ILSVRC2012_validation_ground_truth.txt").write_text("".join(f"{ids[wnid]}\n" for wnid in wnids))


_LABELS = {"folders": _no_labels, "devkit": _devkit_labels, "kaggle": _kaggle_labels}


def photographs(data: Path, train: int, validation: int) -> dict[str, Pictures]:
    """The first images of each of the 20 classes, upscaled, and the full-size photographs of all classes, unchanged."""
    subset = data / "tiny_imagenet_subset"
    found: dict[str, Pictures] = {}
    for folder in sorted((subset / "train").iterdir()):
        training = sorted(folder.iterdir(), key=lambda file: int(file.stem.rpartition("_")[2]))[:train]
        testing = sorted((subset / "test" / folder.name).iterdir())[:validation]
        found[folder.name] = Pictures(
            {file.stem: _upscaled(file, number) for number, file in enumerate(training)},
            [_upscaled(file, number) for number, file in enumerate(testing)],
        )
    for file in sorted((data / "imagenet_samples" / "train").rglob("*.JPEG")):
        there = found.get(file.parent.name, Pictures({}, ()))
        found[file.parent.name] = Pictures({**there.train, file.stem: file.read_bytes()}, there.validation)
    return found


def _upscaled(file: Path, number: int) -> bytes:
    with Image.open(file) as image:
        return encoded(image.resize(SIDES[number % len(SIDES)], Image.Resampling.BICUBIC))


def main() -> None:
    parser = argparse.ArgumentParser(description="An ILSVRC-shaped tree of real photographs.")
    parser.add_argument("data", type=Path, help="the folder of tiny_imagenet_subset and imagenet_samples")
    parser.add_argument("out", type=Path)
    parser.add_argument("--layout", choices=get_args(Layout), default="devkit")
    parser.add_argument("--per-class", type=int, default=12, help="upscaled training images of each of the 20 classes")
    parser.add_argument("--val", type=int, default=5, help="upscaled validation images of each")
    asked = parser.parse_args()
    lay_out(asked.out, photographs(asked.data, asked.per_class, asked.val), asked.layout)
    (asked.out / "classes.txt").write_bytes((asked.data / "tiny_imagenet_subset" / "classes.txt").read_bytes())


if __name__ == "__main__":
    main()
