"""Tiny ImageNet: made-up images in the folders as distributed, and the real ones where some are at hand."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from study.planning import data_set, make_plan
from tests.study.hand_made import TEXT, small_spec
from trainables.datasets import MissingDataError
from trainables.datasets.tiny_imagenet import FOLDER, TinyImageNet

WNIDS = ("n03", "n01", "n02")
"""In the file's order, which is not the labels'."""
PER_CLASS = 12


def lay_out(root: Path, wnids: tuple[str, ...], words: str) -> Path:
    """What the archive unpacks to, without images."""
    folder = root / FOLDER
    (folder / "val" / "images").mkdir(parents=True)
    (folder / "wnids.txt").write_text("".join(f"{wnid}\n" for wnid in wnids))
    (folder / "words.txt").write_text(words)
    for wnid in wnids:
        (folder / "train" / wnid / "images").mkdir(parents=True)
        (folder / "train" / wnid / f"{wnid}_boxes.txt").write_text("")
    return folder


def annotate(folder: Path, tested: list[tuple[str, str]]) -> None:
    lines = (f"{name}\t{wnid}\t0\t0\t63\t63\n" for name, wnid in tested)
    (folder / "val" / "val_annotations.txt").write_text("".join(lines))


def painted(file: Path, colour: int | tuple[int, int, int]) -> None:
    mode = "L" if isinstance(colour, int) else "RGB"
    Image.new(mode, (64, 64), colour).save(file, format="PNG")  # kept to the bit; Pillow looks at the content


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Of each class 12 training images, of red = label and green = number; 7 validation images, one of them grey."""
    folder = lay_out(tmp_path, WNIDS, "n01\tone, uno\nn02\ttwo\nn03\tthree\nn99\tanother data set's\n")
    for wnid in WNIDS:
        for number in range(PER_CLASS):
            painted(folder / "train" / wnid / "images" / f"{wnid}_{number}.JPEG", (int(wnid[1:]), number, 0))
    tested = [(f"val_{number}.JPEG", WNIDS[number % 3]) for number in range(7)]
    for name, wnid in tested:
        painted(folder / "val" / "images" / name, 77 if name == "val_3.JPEG" else (int(wnid[1:]), 0, 200))
    annotate(folder, tested)
    return tmp_path


def data(root: Path, **settings: int) -> TinyImageNet:
    return TinyImageNet(root=str(root), **{"validation": 6, **settings})


def test_labels_follow_the_wordnet_ids(root: Path) -> None:
    assert data(root).class_names == ("one", "two", "three")
    for split in ("train", "validation"):
        images = data(root).load(split)
        assert torch.equal(images.pixels[:, 0, 0, 0].long(), images.labels + 1)


def test_validation_images_are_a_balanced_part_that_does_not_train(root: Path) -> None:
    train, validation = (data(root).load(split) for split in ("train", "validation"))
    assert validation.labels.bincount().tolist() == [2, 2, 2]
    assert train.labels.bincount().tolist() == [10, 10, 10]
    numbers = [
        {(int(pixel[0]), int(pixel[1])) for pixel in images.pixels[:, :2, 0, 0]} for images in (train, validation)
    ]
    assert len(numbers[0] | numbers[1]) == 3 * PER_CLASS


def test_the_test_images_are_the_official_validation_images_in_their_order(root: Path) -> None:
    images = data(root).load("test")
    assert images.labels.tolist() == [2, 0, 1, 2, 0, 1, 2]
    assert images.pixels.shape == (7, 3, 64, 64)
    assert images.pixels[3].unique().tolist() == [77]


def test_limits_take_balanced_beginnings_and_a_border_is_black(root: Path) -> None:
    limited = data(root, train=3, validation=3, test=3, border=2)
    for split in ("train", "validation", "test"):
        images = limited.load(split)
        assert images.labels.bincount().tolist() == [1, 1, 1]
        assert (images.border, images.shape, images.pixels.shape[2:]) == (2, (3, 64, 64), (68, 68))
        assert images.pixels[:, :, :2].max() == 0
    whole = {tuple(pixel.tolist()) for pixel in data(root, validation=3).load("train").pixels[:, :, 0, 0]}
    assert {tuple(pixel.tolist()) for pixel in limited.load("train").pixels[:, :, 2, 2]} < whole


def test_a_study_finds_it(root: Path) -> None:
    """What is planned is read again from the folder that the plan wrote out."""
    digits, ours = "{name: mnist_5k, train: 200, validation: 100, test: 100}", "train: 9, validation: 6, test: 5"
    text = TEXT.replace(digits, f"{{name: tiny_imagenet, root: {root}, {ours}}}").replace("lenet", "small_cnn")
    spec = small_spec(root, text)
    planned = make_plan(spec, data_set(spec).fingerprint()).trials[0].recipe.data
    images = TinyImageNet(**planned.parameters).load("train")
    assert torch.equal(images.pixels, data(root, train=9).load("train").pixels)


def test_more_than_there_are_is_refused(root: Path) -> None:
    with pytest.raises(MissingDataError, match="folder `train` has 36 images; got validation 30 and train 7"):
        data(root, validation=30, train=7).load("train")
    with pytest.raises(ValueError, match="folder `train` has 100,000 images; got validation 10,000 and train 90,0"):
        TinyImageNet(train=90_001)


@pytest.mark.parametrize("gone", ["wnids.txt", "val/val_annotations.txt", "train/n02/images"])
def test_what_is_missing_is_named_with_the_way_to_get_it(root: Path, gone: str) -> None:
    found = root / FOLDER / gone
    shutil.rmtree(found) if found.is_dir() else found.unlink()
    for asking in (data(root).check_files, data(root).fingerprint):
        with pytest.raises(MissingDataError) as raised:
            asking()
        said = str(raised.value)
        assert gone in said
        assert str(root / FOLDER) in said
        assert "tiny-imagenet-200.zip" in said
        assert "$STUDY_DATA" in said


def test_a_damaged_image_is_named(root: Path) -> None:
    file = root / FOLDER / "val" / "images" / "val_0.JPEG"
    file.write_bytes(b"no image")
    with pytest.raises(ValueError, match=f"{file} cannot be read as an image"):
        data(root).load("test")


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 20 classes of the subset, laid out as distributed."""
    subset = shared / "data" / "tiny_imagenet_subset"
    if not subset.is_dir():
        pytest.skip("no part of Tiny ImageNet is here")
    root = tmp_path_factory.mktemp("real")
    wnids = tuple(folder.name for folder in (subset / "train").iterdir())
    folder = lay_out(root, wnids, (shared / "data" / "tiny_imagenet_words.txt").read_text())
    tested = []
    for wnid in wnids:
        for file in (subset / "train" / wnid).iterdir():
            (folder / "train" / wnid / "images" / file.name).symlink_to(file)
        for file in (subset / "test" / wnid).iterdir():
            (folder / "val" / "images" / file.name).symlink_to(file)
            tested.append((file.name, wnid))
    annotate(folder, sorted(tested))
    return root


def test_real_photographs(real: Path) -> None:
    found = data(real, validation=200)
    train, validation, test = (found.load(split) for split in ("train", "validation", "test"))
    assert [len(images) for images in (train, validation, test)] == [1_800, 200, 400]
    assert set(validation.labels.bincount().tolist()) == {10}
    assert set(test.labels.bincount().tolist()) == {20}
    assert len(set(found.class_names)) == 20
    assert all(name[0].isalpha() for name in found.class_names)
    grey = (train.pixels[:, 0] == train.pixels[:, 1]).flatten(1).all(1)
    assert 10 < int(grey.sum()) < 60
    first = sorted((real / FOLDER / "val" / "images").iterdir())[0]
    assert np.array_equal(test.pixels[0].movedim(0, 2).numpy(), np.asarray(Image.open(first).convert("RGB")))
