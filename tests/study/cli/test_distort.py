"""`study distort` and `study preview`: what they write is what evaluation shows, and nothing else is written."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from study.cli.previewing import picked
from tests.study.cli.conftest import Type
from trainables.corruptions import corruptions
from trainables.distortions import distortions
from trainables.evaluation.applied import Applied
from trainables.perturbations import perturbations


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """130 images, which is more than draw together."""
    path = tmp_path / "in.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (130, 32, 32, 3), dtype=np.uint8))
    return path


def test_severity_0_is_the_batch_itself(study: Type, batch: Path) -> None:
    assert study("distort", "snow", "in.npy", "out.npy", "--severity", "0").exit_code == 0
    assert np.array_equal(np.load("out.npy"), np.load(batch))


def test_a_batch_is_as_the_condition_shows_it_and_equal_seeds_give_equal_images(study: Type, batch: Path) -> None:
    for out, seed in (("a.npy", "1"), ("b.npy", "1"), ("c.npy", "2")):
        answer = study("distort", "gaussian_noise", "in.npy", out, "--severity", "3", "--seed", seed)
        assert answer.exit_code == 0, answer.stderr
    assert Path("a.npy").read_bytes() == Path("b.npy").read_bytes() != Path("c.npy").read_bytes()
    pixels = torch.from_numpy(np.load(batch)).movedim(3, 1)
    applied = Applied(family="corruption", name="gaussian_noise", parameters=(), strength=3, seed=1)
    shown = torch.cat(list(applied.batches(pixels, torch.device("cpu"))))
    assert np.array_equal(np.load("a.npy"), shown.movedim(1, 3).numpy())


def test_an_images_draws_do_not_depend_on_how_many_follow(study: Type, batch: Path) -> None:
    np.save("few.npy", np.load(batch)[:110])
    for source, out in (("in.npy", "a.npy"), ("few.npy", "b.npy")):
        study("distort", "gaussian_noise", source, out, "--level", "0.2")
    assert np.array_equal(np.load("a.npy")[:100], np.load("b.npy")[:100])


def test_a_perturbation_gives_frames(study: Type, batch: Path) -> None:
    assert study("distort", "translate", "in.npy", "frames.npy", "--difficulty", "1").exit_code == 0
    assert np.load("frames.npy", mmap_mode="r").shape[0] == 130
    assert np.load("frames.npy", mmap_mode="r").shape[2:] == (32, 32, 3)
    Image.fromarray(np.load(batch)[0]).save("one.png")
    for out in ("moving.gif", "strip.png"):
        assert study("distort", "gaussian_noise", "one.png", out, "--difficulty", "1").exit_code == 0
    with Image.open("moving.gif") as moving, Image.open("strip.png") as strip:
        assert getattr(moving, "n_frames", 1) == 31
        assert strip.size == (31 * 32, 32)
        assert np.array_equal(np.asarray(strip)[:, :32], np.load(batch)[0])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("gaussian_noise in.npy out.npy", "--level (distortion, sigma ≥ 0) or --severity (corruption"),
        ("gaussian_noise in.npy out.npy --level 1 --severity 1", "got --level and --severity"),
        ("fog in.npy out.npy --level 1", "no distortion is called 'fog'; give --severity"),
        ("fgo in.npy out.npy --level 1", "did you mean 'fog'?"),
        ("fgsm in.npy out.npy --level 1", "fgsm needs a network"),
        ("fog in.npy out.npy --severity 6", "lies in [0, 5]; got 6"),
        ("fog in.npy out.npy --severity 3 --size-table 100", "published for sides of 32, 64, 224, 299; got 100"),
        ("jpeg in.npy out.npy --level 30 --size-table 32", "--size-table: jpeg is a distortion"),
        ("thumbnail in.npy out.npy --level 33", "at most the image's side, 32 px; got 33"),
        ("fog in.npy out.png --severity 3", "OUT: a batch becomes a batch"),
        ("fog in.npy in.npy --severity 3", "--force writes over it"),
        ("fog none.npy out.npy --severity 3", "there is no file none.npy"),
        ("fog float.npy out.npy --severity 3", "got float64 of shape (2, 8, 8, 3)"),
        ("glass_blur tiny.npy out.npy --severity 5", "glass_blur cannot act on images of (3, 2, 2)"),
        ("frost in.npy out.npy --severity 3 --set photographs=nowhere", "must hold one file frost1.png"),
        ("frost in.npy out.npy --severity 3 --set photos=nowhere", "did you mean 'photographs'?"),
    ],
)
def test_what_cannot_be_is_said_and_leaves_nothing(study: Type, batch: Path, typed: str, said: str) -> None:
    np.save("float.npy", np.zeros((2, 8, 8, 3)))
    np.save("tiny.npy", np.zeros((2, 2, 2, 3), dtype=np.uint8))
    before = {path.name: path.stat().st_mtime_ns for path in batch.parent.iterdir()}
    answer = study("distort", *typed.split())
    assert answer.exit_code == 2, answer.stdout
    assert said in answer.stderr
    assert {path.name: path.stat().st_mtime_ns for path in batch.parent.iterdir()} == before


def test_a_sheet_has_a_row_a_condition(study: Type) -> None:
    assert study("preview", "--conditions", "contrast,jpeg,brightness", "-o", "sheet.png").exit_code == 0
    with Image.open("sheet.png") as sheet:
        row = 224 + 14 + 20
        assert sheet.size == (210 + 5 * 234 + 10, 10 + 4 * row)  # brightness is a corruption and a perturbation
        tops = [np.asarray(sheet)[10 + number * row + 100, 210:434].astype(int) for number in range(4)]
    assert tops[0].std() < tops[1].std()


def test_a_picture_that_a_condition_cannot_act_on_is_said(study: Type) -> None:
    Image.fromarray(np.zeros((2, 2), dtype=np.uint8)).save("tiny.png")
    answer = study("preview", "--conditions", "glass_blur", "--image", "tiny.png", "-o", "sheet.png")
    assert answer.exit_code == 0
    assert "left out: glass_blur: glass_blur cannot act on images of (1, 2, 2)" in answer.stdout


def test_every_condition_but_attacks_is_on_the_whole_sheet() -> None:
    found = list(picked(None))
    assert len(found) == len(set(found)) == sum(len(one.names()) for one in (corruptions, distortions, perturbations))
