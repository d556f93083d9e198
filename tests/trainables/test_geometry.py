"""Motions that many images make alike; tilting is compared with the published frames, in tests/golden."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2.functional import center_crop

from trainables.geometry import IMAGES, Motion, centre, moved, shifted, tilted
from trainables.randomness import Key

SHAPES = ((3, 32, 32), (1, 40, 57), (3, 61, 40))
SIDE = 32
MOTIONS = (
    Motion(),
    Motion(degrees=-7.5),
    Motion(degrees=90),
    Motion(shear=12),
    Motion(scale=0.4),
    Motion(scale=1.15),
    Motion(degrees=30, shear=-9, scale=1.3),
)


def pictures(count: int, *shape: int) -> Tensor:
    return torch.randint(0, 256, (count, *shape), generator=Key(("geometry",)).generator(), dtype=torch.uint8)


def by_pillow(image: Tensor, motion: Motion) -> Tensor:
    channels = [Image.fromarray(plane) for plane in image.numpy()]
    size, coefficients = channels[0].size, motion.coefficients(*image.shape[1:])
    turned = [
        plane.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR) for plane in channels
    ]
    return torch.from_numpy(np.stack([np.asarray(plane) for plane in turned]))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_motion_is_pillows(shape: tuple[int, int, int]) -> None:
    pixels = pictures(2, *shape)
    frames = moved(pixels, SIDE, MOTIONS)
    for number, image in enumerate(pixels):
        for frame, motion in zip(frames[number], MOTIONS, strict=True):
            assert torch.equal(frame, centre(by_pillow(image, motion), SIDE)), motion


def test_no_motion_is_the_image() -> None:
    pixels = pictures(2, 3, 40, 57)
    assert torch.equal(moved(pixels, SIDE, [Motion()])[:, 0], centre(pixels, SIDE))
    assert torch.equal(shifted(pixels, SIDE, [0])[:, 0], centre(pixels, SIDE))


def test_a_shift_is_a_motion_by_whole_pixels() -> None:
    """To the right where it is positive, black where the image ends."""
    pixels = pictures(1, 3, 32, 36) | 1
    left, right = shifted(pixels, SIDE, [-5, 5])[0]
    wide = torch.nn.functional.pad(pixels[0], (5, 5))
    assert torch.equal(left, wide[..., 12:44])
    assert torch.equal(right, wide[..., 2:34])
    assert (left == 0).any(dim=(0, 1)).sum() == (right == 0).any(dim=(0, 1)).sum() == 3


def test_the_centre_is_torchvisions() -> None:
    for height, width in ((32, 33), (35, 37), (256, 383)):
        pixels = pictures(1, 3, height, width)
        assert torch.equal(centre(pixels, SIDE), center_crop(pixels, [SIDE, SIDE]))


def test_positive_degrees_turn_clockwise() -> None:
    """What is right goes to the bottom; the centre of the turn lies half a pixel off, so that a column is missed."""
    pixels = torch.zeros(1, 1, 33, 33, dtype=torch.uint8)
    pixels[..., 16, 28] = 255
    row, column = divmod(int(moved(pixels, 33, [Motion(degrees=90)]).argmax()), 33)
    assert (row, column) == (28, 17)


@pytest.mark.parametrize("move", [lambda p: moved(p, SIDE, MOTIONS), lambda p: tilted(p, SIDE, (-15, 3, 15))])
def test_blocks_of_images_make_no_difference(move: object) -> None:
    assert callable(move)
    pixels = pictures(2 * IMAGES + 1, 3, 40, 36)
    whole = move(pixels)
    for number in (0, IMAGES - 1, IMAGES, 2 * IMAGES):
        assert torch.equal(move(pixels[number : number + 1])[0], whole[number])


def test_a_tilt_the_other_way_is_that_of_the_image_upside_down() -> None:
    """Upside down about the middle of the tilt, which is the pixel (24, 24) of 48."""
    pixels = pictures(1, 1, 48, 48)
    pixels[..., 0, :], pixels[..., :, 0] = 0, 0
    upside_down = pixels.clone()
    upside_down[..., 1:, 1:] = pixels[..., 1:, 1:].flip(2, 3)
    (there,), (back,) = tilted(pixels, 48, [9])[0], tilted(upside_down, 48, [-9])[0]
    assert torch.equal(there[:, 2:, 2:], back.flip(1, 2)[:, 1:-1, 1:-1])


def test_no_tilt_shows_the_image_a_little_smaller() -> None:
    pixels = pictures(1, 1, 48, 48)
    there = tilted(pixels, 48, [0])[0, 0]
    assert torch.equal(there[:, 23:26, 23:26], pixels[0, :, 23:26, 23:26])  # off by less than 1/64 of a pixel
    assert not torch.equal(there, pixels[0])
