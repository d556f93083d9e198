"""Rotation."""

import math

import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as official

from tests.contracts.pictures import random_images
from trainables.distortions.rotation import Rotation, rotate
from trainables.randomness import Key


def turned(images: torch.Tensor, *degrees: float) -> torch.Tensor:
    return rotate(images, torch.tensor(degrees) * (math.pi / 180))


@pytest.mark.parametrize("degrees", [-170.0, -30.0, 12.5, 90.0])
@pytest.mark.parametrize("shape", [(1, 1, 28, 28), (1, 3, 24, 40)])
def test_it_turns_as_torchvision_does(degrees: float, shape: tuple[int, ...]) -> None:
    images = random_images(*shape)
    inside = torch.ones_like(images)
    expected = official.rotate(images, degrees, InterpolationMode.BILINEAR, fill=None)
    whole = official.rotate(inside, degrees, InterpolationMode.BILINEAR, fill=None) > 0.999
    torch.testing.assert_close(turned(images, degrees)[whole], expected[whole], rtol=0, atol=1e-4)


def test_quarter_turns_move_pixels_counter_clockwise() -> None:
    images = random_images(4, 1, 8, 8)
    for degrees, turns in ((0.0, 0), (90.0, 1), (180.0, 2), (-90.0, 3)):
        torch.testing.assert_close(turned(images, *[degrees] * 4), images.rot90(turns, dims=(2, 3)), rtol=0, atol=1e-5)


def test_what_comes_from_outside_is_black() -> None:
    corner = turned(torch.ones(1, 1, 32, 32), 45.0)[0, 0, 0, 0]
    assert corner == 0


def test_every_image_has_its_own_angle_within_the_range() -> None:
    # A bright pixel right of the centre goes to where its image's angle takes it.
    images = torch.zeros(500, 1, 33, 33)
    images[:, :, 16, 28] = 1
    brightest = Rotation().apply(images, 60, Key(("test",)).generator()).flatten(1).argmax(1)
    down, across = brightest // 33 - 16, brightest % 33 - 16
    degrees = torch.atan2(-down.float(), across.float()) * (180 / math.pi)
    assert degrees.abs().max() < 60 + 5
    assert degrees.min() < -55
    assert degrees.max() > 55
    assert abs(degrees.mean()) < 5
    assert abs(degrees.std() - 120 / 12**0.5) < 3
