"""Tiny ImageNet Full-Sized, as it is read: mapped from the disk, known by the fingerprint that its build computed."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from study.spec import load
from tests.study.data.conftest import CHOICE, WNIDS, built, small_tree
from trainables.batches import Resident, Source
from trainables.datasets import MissingDataError, split_of
from trainables.datasets.tifs import TIFS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DATA, with DATA/tifs built."""
    folder = tmp_path_factory.mktemp("made")
    built(small_tree(folder / "imagenet"), folder / "tifs")
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """One to harm."""
    built(small_tree(tmp_path / "imagenet"), tmp_path / "tifs")
    return tmp_path


def test_it_is_found_by_its_own_folder_its_parent_and_the_environment(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {TIFS(root=str(place)).fingerprint() for place in (made, made / "tifs")}
    monkeypatch.setenv("STUDY_DATA", str(made))
    assert found == {TIFS().fingerprint()}
    assert len(found.pop()) == 32


def test_its_splits(made: Path) -> None:
    data = TIFS(root=str(made))
    for split, count in (("train", 12), ("validation", 6), ("test", 12)):
        images = data.load(split)  # type: ignore[arg-type]
        assert (len(images), images.shape, images.border) == (count, data.shape, data.border)
        assert images.labels.tolist() == sorted(list(range(3)) * (count // 3))
        assert np.array_equal(images.pixels.numpy(), np.load(made / "tifs" / f"{split}.npy"))
    assert data.class_names == tuple(f"name of {wnid}" for wnid in WNIDS)
    names = data.test_names()
    assert len(names) == len(set(names)) == 12
    assert names[0].startswith(f"{WNIDS[0]}/ILSVRC2012_val_000000")


def test_random_crop_has_15_px_to_go(made: Path) -> None:
    assert TIFS(root=str(made)).load("test").within(15).shape[2:] == (254, 254)


def test_pixels_stay_on_the_disk(made: Path) -> None:
    """A split is a mapping of its file, shared with every process and not to be written to."""
    images = TIFS(root=str(made)).load("train")
    mapped = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if "made" in line]
    start = images.pixels.data_ptr() - 128
    assert [(line[1], Path(line[5]).name) for line in mapped if int(line[0].split("-")[0], 16) == start] == [
        ("r--s", "train.npy")
    ]


def test_batches_are_what_the_file_holds(made: Path) -> None:
    images = TIFS(root=str(made)).load("train")
    batch = Source(Resident(images.pixels), images.labels, margin=16).batch(torch.tensor([3, 0]))
    held = np.load(made / "tifs" / "train.npy")[[3, 0]]
    assert torch.equal((batch.source * 255).round().to(torch.uint8), torch.from_numpy(held))
    assert batch.images.shape == (2, 3, 224, 224)


def test_it_is_a_data_set_of_studies(made: Path, tmp_path: Path) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text(
        f"study: s\ndata: {{name: tifs, root: {made}}}\nmodel: resnet18\n"
        "train: {epochs: 1, batch_size: 4, optimizer: {sgd: {lr: 0.1}}, select: last}\n"
        "methods: {Baseline: {method: standard}}\n"
    )
    assert load(str(spec)).data.name == "tifs"


def test_absent_it_says_how_to_build_it_and_how_to_get_imagenet(tmp_path: Path) -> None:
    data = TIFS(root=str(tmp_path))
    for asking in (data.check_files, data.fingerprint, lambda: data.load("train"), data.test_names):
        with pytest.raises(MissingDataError) as raised:
            asking()  # type: ignore[operator]
        for words in (
            f"is not in {tmp_path / 'tifs'}", f"study data tifs --imagenet DIR --out {tmp_path / 'tifs'}",
            "$STUDY_DATA",
            "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar", "ILSVRC2012_devkit_t12.tar.gz", "image-net.org",
        ):  # fmt: skip
            assert words in str(raised.value)


def test_a_build_that_has_not_come_to_its_end_is_no_data_set(own: Path) -> None:
    (own / "tifs" / "tifs.json").unlink()
    with pytest.raises(MissingDataError, match=r"there is no tifs\.json"):
        TIFS(root=str(own)).load("train")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("train.npy", "train.npy: No such file or directory"),
        ("test_labels.npy", "test_labels.npy: No such file or directory"),
        ("tifs.json", "tifs.json is of version None"),
    ],
)
def test_a_damaged_set_is_refused(own: Path, name: str, said: str) -> None:
    (own / "tifs" / name).unlink()
    if name == "tifs.json":
        (own / "tifs" / name).write_text("{}")
    with pytest.raises(MissingDataError, match=said):
        TIFS(root=str(own)).check_files()


@pytest.mark.parametrize("name", ["train.npy", "validation_labels.npy"])
def test_an_array_that_changed_is_refused_without_reading_it(own: Path, name: str) -> None:
    data, file = TIFS(root=str(own)), own / "tifs" / name
    then = file.stat().st_mtime
    file.write_bytes(file.read_bytes() + b"0")
    os.utime(file, (then, then))
    with pytest.raises(MissingDataError, match=r"bytes, and [0-9,]+ were written. `study data verify .*` examines"):
        data.fingerprint()
    file.write_bytes(file.read_bytes()[:-1])
    os.utime(file, (then + 5, then + 5))
    with pytest.raises(MissingDataError, match="was changed, or copied without its times"):
        data.check_files()


def test_a_reduced_set_is_another_data_set(made: Path, tmp_path: Path) -> None:
    other = built(made / "imagenet", tmp_path, replace(CHOICE, fold=2))
    assert other.index.fingerprint != TIFS(root=str(made)).fingerprint()
    assert len(split_of(TIFS(root=str(tmp_path)), "test")) == 12
