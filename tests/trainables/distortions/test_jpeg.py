"""JPEG compression."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from tests.contracts.pictures import digits, random_images
from trainables.distortions.jpeg import Jpeg
from trainables.randomness import Key


def jpeg(images: torch.Tensor, quality: int) -> torch.Tensor:
    return Jpeg().apply(images, quality, Key(("test",)).generator())


def bytes_of(images: torch.Tensor) -> torch.Tensor:
    return images.mul(255).round().to(torch.uint8)


def test_each_image_is_what_the_codec_makes_of_its_bytes() -> None:
    images = random_images(3, 3, 40, 56)
    for image, compressed in zip(images, jpeg(images, 30), strict=True):
        file = BytesIO()
        Image.fromarray(bytes_of(image).permute(1, 2, 0).numpy()).save(file, "JPEG", quality=30)
        expected = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)
        assert torch.equal(bytes_of(compressed), expected)


def test_values_are_bytes_over_255() -> None:
    compressed = jpeg(random_images(2, 1, 28, 28), 50)
    assert torch.equal(compressed, bytes_of(compressed) / 255)


def test_a_high_quality_stays_close_and_a_low_one_does_not() -> None:
    images = digits().pixels / 255
    assert (jpeg(images, 100) - images).abs().mean() < 0.002
    assert (jpeg(images, 5) - images).abs().mean() > 0.02


def test_an_even_grey_survives() -> None:
    grey = torch.full((1, 3, 16, 16), 128 / 255)
    assert torch.equal(jpeg(grey, 50), grey)


def test_other_channel_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="jpeg takes images of 1 or 3 channels; got 2"):
        jpeg(torch.rand(1, 2, 8, 8), 50)
