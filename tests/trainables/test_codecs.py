"""The two JPEG codecs: libjpeg's images are Pillow's, and torch's are libjpeg's."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.contracts.pictures import random_images
from tests.contracts.waiting import Watched
from trainables.jpeg import codec_of, jpeg85, recompressed

SHAPES = ((3, 32, 32), (1, 28, 28), (3, 28, 28), (3, 33, 47), (3, 64, 64), (3, 9, 6), (3, 2, 4), (1, 37, 5), (3, 1, 1))
"""Sides that do and do not fill blocks, colours narrower than libjpeg smooths."""
QUALITIES = (1, 7, 25, 50, 58, 80, 85, 100)


def pictures(*shape: int) -> Tensor:
    """Smooth images and as many of white noise."""
    noise = torch.randint(0, 256, (12, *shape), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    return torch.cat((random_images(12, *shape).mul(255).to(torch.uint8), noise))


def by_pillow(image: Tensor, quality: int, **options: object) -> Tensor:
    file, bytes_ = BytesIO(), image.movedim(0, 2).numpy()
    Image.fromarray(bytes_.squeeze(2) if len(image) == 1 else bytes_).save(file, "JPEG", quality=quality, **options)
    return torch.from_numpy(np.array(Image.open(file)).reshape(bytes_.shape)).movedim(2, 0)


def rmse(one: Tensor, other: Tensor) -> float:
    return (one.double() - other.double()).square().mean().sqrt().item()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("quality", QUALITIES)
def test_libjpegs_are_pillows(quality: int, shape: tuple[int, int, int]) -> None:
    images = pictures(*shape)
    expected = torch.stack([by_pillow(image, quality) for image in images])
    assert torch.equal(recompressed(images, quality, "libjpeg"), expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("quality", QUALITIES)
def test_torchs_are_libjpegs(quality: int, shape: tuple[int, int, int]) -> None:
    images = pictures(*shape)
    ours, libjpegs = recompressed(images, quality, "torch"), recompressed(images, quality, "libjpeg")
    assert (ours.shape, ours.dtype) == (images.shape, torch.uint8)
    assert rmse(ours, libjpegs) < 0.1
    assert (ours == libjpegs).double().mean() > 0.9995  # on this machine all are equal


def test_the_last_step_of_the_published_files() -> None:
    images = pictures(3, 48, 40)
    expected = torch.stack([by_pillow(image, 85, optimize=True) for image in images])
    assert torch.equal(jpeg85(images), expected)
    assert rmse(jpeg85(images, "torch"), expected) < 0.1


def test_threads_make_no_difference() -> None:
    images = pictures(3, 32, 32)[:11]
    alone = recompressed(images, 30, "libjpeg")
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert torch.equal(recompressed(images, 30, "libjpeg"), alone)
    finally:
        torch.set_num_threads(threads)


def test_a_host_has_libjpeg_and_a_device_torchs() -> None:
    here, elsewhere = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8, device="meta")
    assert (codec_of(here, "auto"), codec_of(elsewhere, "auto")) == ("libjpeg", "torch")
    assert (codec_of(here, "torch"), codec_of(elsewhere, "libjpeg")) == ("torch", "libjpeg")


def test_torchs_never_waits_for_the_device() -> None:
    images = pictures(3, 33, 47)
    recompressed(images, 50, "torch")
    with Watched() as watched:
        recompressed(images, 50, "torch")
    assert watched.seen == []
