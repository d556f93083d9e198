"""Thumbnails."""

import numpy as np
import torch
from PIL import Image

from tests.contracts.pictures import random_images
from trainables.distortions.thumbnail import Thumbnail
from trainables.randomness import Key


def thumbnail(images: torch.Tensor, size: int) -> torch.Tensor:
    return Thumbnail().apply(images, size, Key(("test",)).generator())


def test_the_way_down_is_antialiased() -> None:
    checkered = (torch.arange(64).view(-1, 1) + torch.arange(64)).remainder(2).float().view(1, 1, 64, 64)
    inner = thumbnail(checkered, 8)[:, :, 8:-8, 8:-8]
    assert (inner - 0.5).abs().max() < 0.01


def test_it_is_close_to_what_pillow_does() -> None:
    image = random_images(1, 1, 48, 48)
    pixels = Image.fromarray(image[0, 0].mul(255).round().to(torch.uint8).numpy())
    bilinear = Image.Resampling.BILINEAR
    expected = torch.from_numpy(np.array(pixels.resize((12, 12), bilinear).resize((48, 48), bilinear))) / 255
    assert (thumbnail(image, 12)[0, 0] - expected).abs().max() < 2 / 255


def test_one_pixel_is_the_images_weighted_mean_everywhere() -> None:
    images = random_images(2, 3, 16, 16)
    flat = thumbnail(images, 1)
    torch.testing.assert_close(flat, flat[:, :, :1, :1].expand_as(flat), rtol=0, atol=1e-6)


def test_a_side_that_is_small_enough_stays() -> None:
    images = random_images(1, 1, 16, 40)
    assert not torch.equal(thumbnail(images, 20), images)
    assert torch.equal(thumbnail(images, 40), images)
