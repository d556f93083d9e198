"""The elastic transformation."""

import pytest
import torch

from tests.contracts.pictures import random_images
from trainables.corruptions.elastic_transform import Draws, ElasticTransform, Setting

PIXELS = random_images(2, 3, 40, 56).mul(255).to(torch.uint8)
STILL = torch.zeros(2, 3, 2)
FLAT = torch.zeros(2, 2, 40, 56)
RIGHT, DOWN = (torch.tensor(way).view(2, 1, 1) + FLAT for way in ((1.0, 0.0), (0.0, 1.0)))


def corrupt(pixels: torch.Tensor, setting: Setting, draws: Draws) -> torch.Tensor:
    return ElasticTransform().corrupt(pixels, setting, draws)


@pytest.mark.parametrize("alpha", [0, 5])
def test_draws_of_nothing_change_nothing(alpha: float) -> None:
    assert torch.equal(corrupt(PIXELS, Setting(alpha, 2, 3), Draws(STILL, FLAT)), PIXELS)


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("side", [32, 224])
def test_an_even_surface_stays_even(side: int, severity: int) -> None:
    even = torch.arange(256, dtype=torch.uint8)[::17, None, None, None].expand(-1, 3, side, side)
    assert torch.equal(ElasticTransform().apply(even, severity, torch.Generator().manual_seed(0)), even)


def test_three_points_moved_alike_move_the_image() -> None:
    by = torch.tensor((4.0, 1.0)).expand(2, 3, 2)
    moved = corrupt(PIXELS, Setting(0, 0, 4), Draws(by, FLAT))
    assert torch.equal(moved[..., 1:, 4:], PIXELS[..., :-1, :-4])
    assert torch.equal(moved[..., 0, 4:], PIXELS[..., 1, :-4])  # mirrored, the first row not repeated


def test_a_displacement_says_where_a_pixel_comes_from() -> None:
    right = corrupt(PIXELS, Setting(3, 2, 0), Draws(STILL, RIGHT))
    assert torch.equal(right[..., :-3], PIXELS[..., 3:])
    assert torch.equal(right[..., -3:], PIXELS[..., -3:].flip(3))  # mirrored, the last column repeated
    down = corrupt(PIXELS, Setting(3, 2, 0), Draws(STILL, DOWN))
    assert torch.equal(down[..., :-3, :], PIXELS[..., 3:, :])


def test_the_fields_are_smoothed() -> None:
    noise = torch.empty(2, 2, 40, 56).uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
    changes = [
        (corrupt(PIXELS, Setting(8, sigma, 0), Draws(STILL, noise)).int() - PIXELS).abs().float().mean()
        for sigma in (0.5, 2, 8)
    ]
    assert changes == sorted(changes, reverse=True)


def test_an_image_too_small_for_three_points_is_refused() -> None:
    with pytest.raises(ValueError, match=r"elastic_transform cannot act on images of .*: three points"):
        ElasticTransform().apply(PIXELS[..., :2, :], 3, torch.Generator())
