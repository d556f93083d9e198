"""Image operations equal Pillow's, bit for bit."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from trainables.augmix_operations import KINDS, LARGEST, NUMBERS, OPERATIONS
from trainables.image_ops import affine, autocontrast, equalize, from_unit, posterize, solarize, to_unit

SHAPES = ((1, 28, 28), (3, 32, 32), (1, 40, 24), (3, 64, 64), (3, 224, 224))
COUNT = {28: 60, 32: 60, 40: 60, 64: 30, 224: 9}
Pixels = NDArray[np.uint8]


def pictures(channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Bytes [N, C, H, W]: noise, smooth, dark, bright, of two values and of one, in turn."""
    draw = np.random.RandomState(seed)
    made = draw.randint(0, 256, (COUNT[height], channels, height, width))
    ramp = np.linspace(0, 255, height * width).reshape(height, width)
    made[1::6] = (ramp + draw.randint(0, 40, made[1::6].shape)).clip(0, 255)
    made[2::6] = made[2::6] // 5 + 3
    made[3::6] = 255 - made[3::6] // 9
    made[4::6] = np.where(made[4::6] < 30, 7, 200)
    made[5::6] = draw.randint(0, 256, (*made[5::6].shape[:2], 1, 1))
    return torch.from_numpy(made.astype(np.uint8))


def by_pillow(pixels: Tensor, change: Callable[[Image.Image, int], Image.Image]) -> Tensor:
    """Each image through Pillow."""
    changed = []
    for number, image in enumerate(pixels.numpy()):
        given = Image.fromarray(image.transpose(1, 2, 0).squeeze(2) if len(image) == 1 else image.transpose(1, 2, 0))
        changed.append(np.asarray(change(given, number)).reshape(*image.shape[1:], len(image)).transpose(2, 0, 1))
    return torch.from_numpy(np.stack(changed))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_autocontrast(shape: tuple[int, int, int]) -> None:
    pixels = pictures(*shape)
    assert torch.equal(autocontrast(pixels), by_pillow(pixels, lambda image, _: ImageOps.autocontrast(image)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equalize(shape: tuple[int, int, int]) -> None:
    pixels = pictures(*shape)
    assert torch.equal(equalize(pixels), by_pillow(pixels, lambda image, _: ImageOps.equalize(image)))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_posterize(shape: tuple[int, int, int]) -> None:
    pixels = pictures(*shape)
    bits = 1 + torch.arange(len(pixels)) % 8
    expected = by_pillow(pixels, lambda image, number: ImageOps.posterize(image, int(bits[number])))
    assert torch.equal(posterize(pixels, bits), expected)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_solarize(shape: tuple[int, int, int]) -> None:
    pixels = pictures(*shape)
    threshold = torch.arange(len(pixels)) * 256 // (len(pixels) - 1)
    expected = by_pillow(pixels, lambda image, number: ImageOps.solarize(image, int(threshold[number])))
    assert torch.equal(solarize(pixels, threshold), expected)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_any_affine_change(shape: tuple[int, int, int]) -> None:
    pixels, draw = pictures(*shape), np.random.RandomState(1)
    numbers = draw.normal(size=(len(pixels), 6)) * (0.3, 0.3, 5, 0.3, 0.3, 5) + (1, 0, 0, 0, 1, 0)

    def change(image: Image.Image, number: int) -> Image.Image:
        return image.transform(
            image.size, Image.Transform.AFFINE, tuple(numbers[number]), resample=Image.Resampling.BILINEAR
        )

    ours = affine(pixels, torch.from_numpy(numbers))
    assert torch.equal(ours, by_pillow(pixels, change))
    assert (ours != pixels).any(dim=(1, 2, 3)).float().mean() > 0.8


def augmix_by_pillow(name: str, image: Image.Image, level: float, sign: float) -> Image.Image:
    """One of AugMix's operations on a Pillow image."""
    width, height = image.size
    whole = {"posterize": 4, "solarize": 256, "rotate": 30, "translate_x": width / 3, "translate_y": height / 3}
    number = int(level * whole[name] / LARGEST) if name in whole else level * 0.3 / LARGEST
    if name in ("autocontrast", "equalize"):
        return getattr(ImageOps, name)(image)
    if name == "posterize":
        return ImageOps.posterize(image, 4 - number)
    if name == "solarize":
        return ImageOps.solarize(image, 256 - number)
    if name == "rotate":
        return image.rotate(sign * number, resample=Image.Resampling.BILINEAR)
    place = {"shear_x": 1, "shear_y": 3, "translate_x": 2, "translate_y": 5}[name]
    matrix = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    matrix[place] = sign * number
    return image.transform(image.size, Image.Transform.AFFINE, tuple(matrix), resample=Image.Resampling.BILINEAR)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", OPERATIONS)
def test_augmix_operations_at_any_level(name: str, shape: tuple[int, int, int]) -> None:
    pixels, draw = pictures(*shape, seed=2), np.random.RandomState(3)
    level, sign = draw.uniform(0.1, 10, len(pixels)), draw.choice((-1.0, 1.0), len(pixels))
    numbers = torch.from_numpy(NUMBERS[name](level, sign, *shape[1:]))
    (apply,) = (kind for kind, names in KINDS if name in names)
    expected = by_pillow(pixels, lambda image, number: augmix_by_pillow(name, image, level[number], sign[number]))
    assert torch.equal(apply(pixels, numbers), expected)


def test_there_are_nine_operations() -> None:
    assert len(OPERATIONS) == 9
    assert sorted(name for _, names in KINDS for name in names) == sorted(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_treats_each_image_by_itself_and_keeps_its_input(name: str) -> None:
    pixels, draw = pictures(3, 32, 32), np.random.RandomState(4)
    numbers = torch.from_numpy(NUMBERS[name](draw.uniform(0.1, 10, 60), draw.choice((-1.0, 1.0), 60), 32, 32))
    (apply,) = (kind for kind, names in KINDS if name in names)
    before, whole = pixels.clone(), apply(pixels, numbers)
    assert torch.equal(pixels, before)
    assert torch.equal(apply(pixels[40:45], numbers[40:45]), whole[40:45])


def test_bytes_survive_the_way_there_and_back() -> None:
    every = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(from_unit(to_unit(every)), every)
    assert torch.equal(to_unit(every), every / 255)
