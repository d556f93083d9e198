"""Image operations equal Pillow's, bit for bit."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torch import Tensor

from tests.contracts.waiting import Watched
from trainables.augmix_operations import KINDS, LARGEST, NUMBERS, OPERATIONS, USUAL
from trainables.image_ops import (
    affine,
    autocontrast,
    brightness,
    color,
    contrast,
    equalize,
    from_unit,
    posterize,
    sharpness,
    solarize,
    to_unit,
)

SHAPES = ((1, 28, 28), (3, 32, 32), (1, 40, 24), (3, 64, 64), (3, 224, 224))
COUNT = {28: 60, 32: 60, 40: 60, 64: 30, 224: 9}
Pixels = NDArray[np.uint8]
ENHANCED = {
    "color": (color, ImageEnhance.Color),
    "contrast": (contrast, ImageEnhance.Contrast),
    "brightness": (brightness, ImageEnhance.Brightness),
    "sharpness": (sharpness, ImageEnhance.Sharpness),
}


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
@pytest.mark.parametrize("name", ENHANCED)
def test_enhancements_by_any_factor(name: str, shape: tuple[int, int, int]) -> None:
    ours, pillows = ENHANCED[name]
    pixels = pictures(*shape)
    factor = np.random.RandomState(5).uniform(0, 3, len(pixels))
    factor[::2] = factor[::2].round(1)  # of a tenth, whose products lie where single and double precision part
    factor[:2] = 0, 1
    enhanced = ours(pixels, torch.from_numpy(factor))
    assert torch.equal(enhanced, by_pillow(pixels, lambda image, number: pillows(image).enhance(factor[number])))
    assert torch.equal(enhanced[1], pixels[1])
    changed = (enhanced != pixels).any(dim=(1, 2, 3)).float().mean()
    assert changed == 0 if (name, shape[0]) == ("color", 1) else changed > 0.6


def test_every_third_colour_fades_to_pillows_grey() -> None:
    levels = torch.arange(0, 256, 3, dtype=torch.uint8)
    colours = torch.cartesian_prod(levels, levels, levels).T.reshape(1, 3, len(levels), -1)
    faded = color(colours, torch.zeros(1))
    assert torch.equal(faded, by_pillow(colours, lambda image, _: image.convert("L").convert("RGB")))


def test_a_mean_grey_halfway_between_two_is_rounded_up() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    neighbours = torch.stack((levels[:-1], levels[1:]), dim=1).view(-1, 1, 1, 2)
    means = contrast(neighbours, torch.zeros(255))
    assert torch.equal(means, levels[1:].view(-1, 1, 1, 1).expand_as(means))
    assert torch.equal(means, by_pillow(neighbours, lambda image, _: ImageEnhance.Contrast(image).enhance(0)))


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_an_image_without_an_inside_has_nothing_to_smooth(side: int) -> None:
    pixels = torch.from_numpy(np.random.RandomState(6).randint(0, 256, (20, 3, side, 4)).astype(np.uint8))
    smooth = sharpness(pixels, torch.zeros(20))
    assert torch.equal(smooth, by_pillow(pixels, lambda image, _: image.filter(ImageFilter.SMOOTH)))
    assert torch.equal(smooth, pixels) == (side < 3)


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
    if name in ENHANCED:
        return ENHANCED[name][1](image).enhance(0.1 + level * 1.8 / LARGEST)
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


def test_there_are_nine_operations_and_four_colour_ones() -> None:
    assert (len(USUAL), len(OPERATIONS)) == (9, 13)
    assert (*USUAL, *ENHANCED) == OPERATIONS
    assert sorted(name for _, names in KINDS for name in names) == sorted(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_never_waits_keeps_its_input_and_treats_each_image_by_itself(name: str) -> None:
    pixels, draw = pictures(3, 32, 32), np.random.RandomState(4)
    numbers = torch.from_numpy(NUMBERS[name](draw.uniform(0.1, 10, 60), draw.choice((-1.0, 1.0), 60), 32, 32))
    (apply,) = (kind for kind, names in KINDS if name in names)
    before = pixels.clone()
    with Watched() as watched:
        whole = apply(pixels, numbers)
    assert watched.seen == []
    assert torch.equal(pixels, before)
    assert torch.equal(apply(pixels[40:45], numbers[40:45]), whole[40:45])


def test_bytes_survive_the_way_there_and_back() -> None:
    every = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(from_unit(to_unit(every)), every)
    assert torch.equal(to_unit(every), every / 255)
