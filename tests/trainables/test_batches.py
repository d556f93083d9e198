"""Batches: where images come from, and the standard augmentation."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.contracts.pictures import digits
from trainables.batches import Augmentation, Resident, Source
from trainables.datasets import Images
from trainables.randomness import Key

CPU = torch.device("cpu")
KEY = Key(("augmentation",))


def pixels(count: int = 200, side: int = 6, channels: int = 3) -> Tensor:
    """No two pixels of an image alike, none black."""
    each = torch.arange(1, channels * side * side + 1, dtype=torch.uint8).view(1, channels, side, side)
    return each.repeat(count, 1, 1, 1)


def by_hand(image: Tensor, crop: int) -> list[Tensor]:
    """Every outcome for an image [C, H, W]: not flipped, then flipped; windows row by row."""
    side, found = image.shape[1], []
    for turned in (image, image.flip(2)):
        padded = F.pad(turned, [crop] * 4)
        for row in range(2 * crop + 1):
            found += [padded[:, row : row + side, column : column + side] for column in range(2 * crop + 1)]
    return found


def counted(crop: int, flip: bool) -> list[int]:
    """How often each of the outcomes came up among 4,000 equal images."""
    images = pixels(4_000)
    changed = Augmentation(flip=flip, crop=crop, margin=0).drawn(KEY)(images)
    expected = by_hand(images[0], crop)
    counts = [int((changed == one).flatten(1).all(1).sum()) for one in expected]
    assert sum(counts) == len(images), "some image is none of the outcomes"
    return counts


def test_a_flip_comes_up_half_of_the_time() -> None:
    _, turned = counted(crop=0, flip=True)
    assert abs(turned - 2_000) < 4 * 31.6  # standard deviations of a binomial


def test_every_window_comes_up_equally_often() -> None:
    counts = counted(crop=1, flip=False)
    assert counts[9:] == [0] * 9
    assert all(abs(count - 4_000 / 9) < 4 * 19.9 for count in counts[:9])


def test_flips_and_windows_are_drawn_apart() -> None:
    assert all(abs(count - 4_000 / 18) < 4 * 14.5 for count in counted(crop=1, flip=True))


def test_without_either_the_images_are_the_same_object() -> None:
    images = pixels(3)
    assert Augmentation(flip=False, crop=0, margin=0).drawn(KEY)(images) is images


def test_the_key_alone_decides() -> None:
    images, change = pixels(50), Augmentation(flip=True, crop=2, margin=0)
    assert torch.equal(change.drawn(KEY)(images), change.drawn(KEY)(images))
    assert not torch.equal(change.drawn(KEY)(images), change.drawn(KEY.child(1))(images))


@pytest.mark.parametrize("crop", [0, 2])
def test_a_margin_changes_nothing_of_the_image_and_moves_with_it(crop: int) -> None:
    """A method that needs a margin sees the same crops as one that does not."""
    wide = pixels(60, side=10)
    plain = wide[:, :, 2:8, 2:8]
    bare = Augmentation(flip=True, crop=crop, margin=0).drawn(KEY)(plain)
    around = Augmentation(flip=True, crop=crop, margin=2).drawn(KEY)(wide)
    assert around.shape == wide.shape
    assert torch.equal(around[:, :, 2:8, 2:8], bare)
    if crop == 0:
        assert torch.equal(around.sort(3).values, wide.sort(3).values)
    else:
        black = wide[0, :, 0, 0, None, None] * 0
        assert all((image == black).any() for image in around)


def test_black_is_what_comes_in() -> None:
    images = torch.full((500, 1, 4, 4), 255, dtype=torch.uint8)
    changed = Augmentation(flip=False, crop=3, margin=0).drawn(KEY)(images)
    assert changed.unique().tolist() == [0, 255]
    assert (changed[:, 0, 1:3, 1:3] == 0).any()


@pytest.mark.parametrize("augmentation", [None, Augmentation(flip=True, crop=2, margin=1)])
def test_a_batch_is_float_images_channels_last_inside_their_source(augmentation: Augmentation | None) -> None:
    images = digits(count=20)
    padded = Images(F.pad(images.pixels, [3] * 4), images.labels, border=3)
    source = Source(Resident(padded.within(1)), images.labels, margin=1)
    index = torch.tensor([4, 2, 9])
    batch = source.batch(index, augmentation.drawn(KEY)) if augmentation else source.batch(index)
    assert batch.source.shape == (3, 1, 30, 30)
    assert batch.source.dtype == torch.float32
    assert batch.source.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(batch.images, batch.source[:, :, 1:-1, 1:-1])
    assert torch.equal(batch.labels, images.labels[index])
    if augmentation is None:
        assert torch.equal(batch.images, images.pixels[index] / 255)
