"""Folders of image files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.datasets import MissingDataError
from trainables.datasets.image_folder import ImageFolder

COLOURS = {"blue": (0, 0, 255), "red": (255, 0, 0)}


def fill(folder: Path, count: int, size: tuple[int, int] = (40, 30)) -> None:
    """`count` images of each class, in that class's colour."""
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", size, colour).save(folder / name / f"{number}.png")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for split, count in (("train", 10), ("validation", 3), ("test", 2)):
        fill(tmp_path / split, count)
    return tmp_path


def data(root: Path, **settings: float) -> ImageFolder:
    return ImageFolder(root=str(root), **{"size": 16, **settings})


def test_folders_are_splits_and_classes(root: Path) -> None:
    folder = data(root)
    assert folder.class_names == ("blue", "red")
    for split, count in (("train", 10), ("validation", 3), ("test", 2)):
        images = folder.load(split)
        assert images.labels.tolist() == [0] * count + [1] * count
        assert images.pixels.shape == (2 * count, 3, 16, 16)
        assert torch.equal(images.pixels[0, :, 0, 0], torch.tensor(COLOURS["blue"], dtype=torch.uint8))
    assert (folder.shape, folder.border) == ((3, 16, 16), 0)


def test_val_will_do_for_validation(root: Path) -> None:
    (root / "validation").rename(root / "val")
    assert len(data(root).load("validation")) == 6


def test_what_resize_leaves_around_size_is_border(root: Path) -> None:
    folder = data(root, size=16, resize=22)
    assert folder.border == 3
    images = folder.load("test")
    assert (images.border, images.shape, images.pixels.shape[2:]) == (3, (3, 16, 16), (22, 22))


def test_the_shorter_side_is_scaled_and_the_centre_kept(tmp_path: Path) -> None:
    stripes = np.zeros((20, 60, 3), dtype=np.uint8)
    stripes[:, 20:40] = 255
    for split in ("train", "test"):
        (tmp_path / split / "only").mkdir(parents=True)
        Image.fromarray(stripes).save(tmp_path / split / "only" / "0.png")
    centre = data(tmp_path, size=10).load("test").pixels
    assert centre.shape == (1, 3, 10, 10)
    assert int(centre[:, :, :, 1:-1].min()) == 255


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA"])
def test_every_kind_of_colour_becomes_rgb(mode: str, root: Path) -> None:
    suffix = ".png" if mode in ("P", "RGBA") else ".jpg"
    Image.new("RGB", (20, 20), (255, 0, 0)).convert(mode).save(root / "test" / "red" / f"9{suffix}")
    last = data(root).load("test").pixels[-1, :, 8, 8].int().tolist()
    assert last == ([76, 76, 76] if mode == "L" else pytest.approx([255, 0, 0], abs=3))


def test_a_share_of_every_class_validates(root: Path) -> None:
    for file in (root / "validation").rglob("*.png"):
        file.unlink()
    for folder in ("validation/red", "validation/blue", "validation"):
        (root / folder).rmdir()
    with pytest.raises(MissingDataError, match=r"no folder `validation`.*validation_fraction: 0\.1"):
        data(root).load("train")
    folder = data(root, validation_fraction=0.3)
    assert folder.load("validation").labels.bincount().tolist() == [3, 3]
    assert folder.load("train").labels.bincount().tolist() == [7, 7]


def test_an_unreadable_image_is_named(root: Path) -> None:
    torn = root / "train" / "red" / "3.png"
    torn.write_bytes(torn.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"train/red/3\.png cannot be read as an image"):
        data(root).load("train")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=rf"no folder {tmp_path}/train; an image folder is laid out as"):
        data(tmp_path).load("train")


def test_a_folder_without_images_is_named(root: Path) -> None:
    for file in (root / "test").rglob("*.png"):
        file.rename(file.with_suffix(".txt"))
    with pytest.raises(MissingDataError, match="test holds no images"):
        data(root).load("test")


def test_a_class_that_is_not_trained_on_is_named(root: Path) -> None:
    (root / "test" / "green").mkdir()
    with pytest.raises(ValueError, match=r"test/green: no folder of that name is in .*train"):
        data(root).load("test")


def test_a_resize_below_the_size_is_refused(root: Path) -> None:
    with pytest.raises(ValueError, match="resize must be at least size, 16 px; got 12"):
        data(root, resize=12)


def test_photographs(shared: Path) -> None:
    photographs = shared / "data" / "imagenet_samples"
    if not photographs.is_dir():
        pytest.skip("the photographs are not here")
    folder = ImageFolder(root=str(photographs), size=64, resize=72, validation_fraction=0.5)
    images = folder.load("validation")
    assert len(folder.class_names) == 60
    assert images.pixels.shape == (60, 3, 72, 72)
