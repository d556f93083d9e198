import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.corruptions.frost import Crop, Frost
from trainables.frost_plates import LIKENESSES, SEED, Likeness, plate, plates

CPU = torch.device("cpu")
LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
DETAIL = {-1.33: 0.0035, -1.68: 0.0041, -1.25: 0.0111, -1.83: 0.0187}
"""A photograph's slope → its mean squared differences of neighbours' luma, down and across, on the scale of [0, 1]."""


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Six pictures, each of one level: 10, 20, …"""
    for number in range(1, 7):
        suffix = "png" if number < 4 else "bmp"
        level = np.full((230 + number, 240 + number, 3), 10 * number, dtype=np.uint8)
        Image.fromarray(level).save(tmp_path / f"frost{number}.{suffix}")
    return tmp_path


@pytest.mark.parametrize("likeness", sorted(set(LIKENESSES), key=lambda one: one.slope))
def test_a_synthetic_plate_has_the_photographs_statistics(likeness: Likeness) -> None:
    made = plate(likeness, SEED + LIKENESSES.index(likeness)).float()
    assert made.shape == (3, *likeness.size)
    assert (made.mean((1, 2)) - torch.tensor(likeness.mean)).abs().max() < 2
    assert (made.std((1, 2)) - torch.tensor(likeness.spread)).abs().max() < 4
    luma = (made * LUMA).sum(0) / 255
    detail = luma.diff(dim=0).square().mean() + luma.diff(dim=1).square().mean()
    assert abs(detail / DETAIL[likeness.slope] - 1) < 0.2


def test_a_plate_is_always_the_same() -> None:
    likeness = LIKENESSES[3]
    torch.manual_seed(1)
    first = plate(likeness, SEED)
    torch.manual_seed(2)
    assert torch.equal(plate(likeness, SEED), first)


def test_results_on_synthetic_plates_say_so(photographs: Path) -> None:
    assert Frost().label == "frost (synthetic)"
    assert Frost(photographs=str(photographs)).label == "frost"


def test_the_first_five_photographs_are_used_alike(photographs: Path) -> None:
    frost, black = Frost(photographs=str(photographs)), torch.zeros(2000, 3, 4, 4, dtype=torch.uint8)
    setting = Frost.settings[224][1]
    seen = frost.corrupt(black, setting, frost.draw(black, setting, torch.Generator().manual_seed(0)))
    levels, counts = seen.amax((1, 2, 3)).unique(return_counts=True)
    assert levels.tolist() == [int(0.6 * 10 * number) for number in range(1, 6)]
    assert ((counts - 400).abs() < 5 * (2000 * 0.2 * 0.8) ** 0.5).all()


def test_a_crop_is_where_the_draw_says_and_shares_are_added_without_loss() -> None:
    setting = Frost.settings[224][1]
    images = torch.full((2, 3, 224, 224), 100, dtype=torch.uint8)
    draws = Crop(picture=torch.tensor([1, 4]), top=torch.tensor([3, 200]), left=torch.tensor([300, 0]))
    canvas = plates(None, 1, 3, (224, 224), CPU).canvas
    expected = [canvas[1, :, 3:227, 300:524], canvas[4, :, 200:424, :224]]
    exact = (torch.stack(expected).int() * 60 + 100 * 80) // 100
    assert torch.equal(Frost().corrupt(images, setting, draws), exact.clamp(max=255).to(torch.uint8))


def test_every_place_of_a_plate_may_be_drawn_but_none_beyond_it() -> None:
    images = torch.zeros(4000, 1, 100, 60, dtype=torch.uint8)
    setting = Frost.settings[32][0]  # plates of a fifth: all must be enlarged for these images
    crop = Frost().draw(images, setting, torch.Generator().manual_seed(0))
    made = plates(None, setting.scale, 1, (100, 60), CPU)
    for picture, places in enumerate(made.places.tolist()):
        chosen = crop.picture == picture
        for drawn, count in zip((crop.top[chosen], crop.left[chosen]), places, strict=True):
            assert drawn.min() == 0
            assert count * 0.9 <= drawn.max() + 1 <= count
    seen = Frost().corrupt(images[:200], setting, Crop(crop.picture[:200], crop.top[:200], crop.left[:200]))
    assert (seen > 0).all()  # the canvas around the plates is black


def test_a_folder_without_the_photographs_is_refused(tmp_path: Path, photographs: Path) -> None:
    (photographs / "frost4.bmp").unlink()
    with pytest.raises(ValueError, match=r"photographs: .* must hold one file frost4.png or .jpg .*found 0; leave"):
        Frost(photographs=str(tmp_path))


def test_photographs_are_known_by_what_they_hold_wherever_they_lie(tmp_path: Path, photographs: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(photographs, moved)
    known = Frost(photographs=str(photographs)).contents()
    assert Frost(photographs=str(moved)).contents() == known != {}
    assert Frost().contents() == {}
    other = next(moved.glob("frost3.*"))
    other.write_bytes(next(moved.glob("frost4.*")).read_bytes())
    assert Frost(photographs=str(moved)).contents() != known
