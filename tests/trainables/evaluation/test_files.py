"""Corrupted sets on a disk: evaluating the files is evaluating what they were written from, and nothing else passes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from study.identity import condition_id
from trainables.datasets import DataSet, split_of
from trainables.datasets.image_folder import ImageFolder
from trainables.evaluation import evaluate
from trainables.evaluation.applied import Applied
from trainables.evaluation.files import CorruptedFiles, CorruptedFilesError
from trainables.evaluation.sets import DistortedSets
from trainables.fit import build_model
from trainables.recipe import Component, Condition, Recipe

IMAGES, SIDE = 12, 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of random pictures in the layout of an image folder."""
    generator = np.random.default_rng(1)
    for split, count in (("train", 2), ("validation", 2), ("test", IMAGES // 2)):
        for name in ("cat", "dog"):
            place = tmp_path / "images" / split / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"val_{number:04}.png")
    return tmp_path / "images"


@pytest.fixture
def data(folder: Path) -> ImageFolder:
    return ImageFolder(root=str(folder), size=SIDE)


def corrupted(data: DataSet, severity: int) -> torch.Tensor:
    applied = Applied(family="corruption", name="gaussian_noise", parameters=(), strength=severity, seed=7)
    return torch.cat(list(applied.batches(split_of(data, "test").pixels, torch.device("cpu"))))


@pytest.fixture
def arrays(data: ImageFolder, tmp_path: Path) -> Path:
    """CIFAR-10-C's layout."""
    root = tmp_path / "arrays"
    root.mkdir()
    every = torch.cat([corrupted(data, severity) for severity in range(1, 6)])
    np.save(root / "gaussian_noise.npy", every.movedim(1, 3).numpy())
    np.save(root / "labels.npy", np.tile(split_of(data, "test").labels.numpy().astype(np.uint8), 5))
    return root


@pytest.fixture
def folders(data: ImageFolder, tmp_path: Path) -> Path:
    """ImageNet-C's layout, as its archive noise.tar unpacks, without loss."""
    root = tmp_path / "folders"
    for severity in range(1, 6):
        for image, name in zip(corrupted(data, severity), data.test_names(), strict=True):
            place = root / "noise" / "gaussian_noise" / str(severity) / f"{name}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.movedim(0, 2).numpy()).save(place)
    return root


@pytest.mark.parametrize("layout", ["arrays", "folders"])
@pytest.mark.parametrize("severity", [1, 5])
def test_evaluating_files_is_evaluating_what_they_were_written_from(
    data: ImageFolder, request: pytest.FixtureRequest, layout: str, severity: int
) -> None:
    files = CorruptedFiles(
        set="Ours-C", root=str(request.getfixturevalue(layout)), corruption="gaussian_noise", severity=severity
    )
    files.check(data)
    described = Component.of("image_folder", {
        "root": data.root, "size": SIDE, "resize": None, "validation_fraction": None,
    })  # fmt: skip
    recipe = Recipe(
        data=described,
        model=Component.of("small_cnn", {"width": 4}),
        method=Component.of("standard"),
        epochs=1,
        batch_size=4,
        optimizer=Component.of("sgd", {"lr": 0.1}),
        schedule=Component.of("constant"),
    )
    applied = Applied(family="corruption", name="gaussian_noise", parameters=(), strength=severity, seed=7).condition
    computed = Condition(**{**vars(applied), "data": described})
    written = Condition(**{**vars(computed), "condition_id": "files", "steps": (files.step("hash"),)})
    weights = build_model(recipe).state_dict()
    ours, theirs = evaluate(recipe, weights, [computed, written], DistortedSets(0))
    assert (ours.correct, ours.loss_sum, ours.correct_bits, ours.confidences) == (
        theirs.correct, theirs.loss_sum, theirs.correct_bits, theirs.confidences,
    )  # fmt: skip
    assert (ours.rendering, theirs.rendering) == (None, "files of Ours-C")
    (guessed,) = evaluate(recipe, None, [written], DistortedSets(0))
    assert guessed.rendering == "files of Ours-C"


def files_of(root: Path, severity: int = 3) -> CorruptedFiles:
    return CorruptedFiles(set="Ours-C", root=str(root), corruption="gaussian_noise", severity=severity)


def identity(files: CorruptedFiles) -> str:
    return condition_id(
        data=Component.of("mnist_5k"), fingerprint="f", split="test", family="corruption",
        steps=(files.step(files.fingerprint()),), seed=0, precision="float32",
    )  # fmt: skip


@pytest.mark.parametrize("layout", ["arrays", "folders"])
def test_files_are_known_by_what_they_hold_wherever_they_lie(
    request: pytest.FixtureRequest, tmp_path: Path, layout: str
) -> None:
    root: Path = request.getfixturevalue(layout)
    moved = tmp_path / "moved"
    shutil.copytree(root, moved)
    assert identity(files_of(moved)) == identity(files_of(root))
    assert identity(files_of(root, 4)) != identity(files_of(root))
    changed = next(path for path in sorted(moved.rglob("*")) if path.is_file() and "labels" not in path.name)
    severity = 1 if layout == "folders" else 3
    before = identity(files_of(root, severity))
    other = tmp_path / "other"
    shutil.copytree(moved, other)
    target = other / changed.relative_to(moved)
    target.write_bytes(target.read_bytes()[:-1] + b"!")
    assert identity(files_of(other, severity)) != before


def spoilt_labels(root: Path) -> None:
    labels = np.load(root / "labels.npy")
    labels[0] = 1 - labels[0]
    np.save(root / "labels.npy", labels)


def other_size(root: Path) -> None:
    np.save(root / "gaussian_noise.npy", np.zeros((5 * IMAGES, 64, 64, 3), dtype=np.uint8))


def too_few(root: Path) -> None:
    np.save(root / "gaussian_noise.npy", np.load(root / "gaussian_noise.npy")[:50])
    np.save(root / "labels.npy", np.load(root / "labels.npy")[:10])


@pytest.mark.parametrize(
    ("layout", "spoil", "said"),
    [
        ("arrays", spoilt_labels, r"labels.npy are not the labels of image folder's test images: 1 of 12 differ"),
        ("arrays", other_size, r"is uint8 of shape \(60, 64, 64, 3\); the 32 × 32 images of"),
        ("arrays", too_few, r"has 10 images a severity; .* chosen out of all of image folder's, as far as image 12"),
        (
            "arrays",
            lambda root: (root / "labels.npy").unlink(),
            r"has 60 images, five severities of 12; labels.npy beside it .* is not there",
        ),
        (
            "folders",
            lambda root: (root / "noise/gaussian_noise/3/dog/val_0002.png").unlink(),
            r"gaussian_noise/3 lacks dog/val_0002 of the 12 test images of image folder",
        ),
    ],
)
def test_files_that_are_not_the_test_images_are_refused(
    data: ImageFolder, request: pytest.FixtureRequest, layout: str, spoil: Callable[[Path], None], said: str
) -> None:
    root: Path = request.getfixturevalue(layout)
    spoil(root)
    with pytest.raises(CorruptedFilesError, match=said):
        files_of(root).check(data)


def test_what_is_not_there_is_told_by_its_reason(arrays: Path) -> None:
    assert files_of(arrays).reason() is None
    fog = CorruptedFiles(set="Ours-C", root=str(arrays), corruption="fog", severity=1)
    assert fog.reason() == f"not among the files of Ours-C in {arrays}"
