"""Gaussian noise."""

import torch

from trainables.distortions.gaussian_noise import GaussianNoise
from trainables.randomness import Key

GREY = torch.full((4, 3, 64, 64), 0.5)


def noise(sigma: float) -> torch.Tensor:
    return GaussianNoise().apply(GREY, sigma, Key(("test",)).generator()) - GREY


def test_the_noise_has_the_deviation_that_sigma_says() -> None:
    drawn = noise(0.05)
    assert abs(drawn.mean()) < 0.001
    assert abs(drawn.std() - 0.05) < 0.001


def test_pixels_channels_and_images_are_independent() -> None:
    drawn = noise(0.05)
    for other in (drawn.roll(1, 3), drawn.roll(1, 1), drawn.roll(1, 0)):
        assert abs(torch.corrcoef(torch.stack((drawn.flatten(), other.flatten())))[0, 1]) < 0.02


def test_sigma_only_scales_the_draw() -> None:
    torch.testing.assert_close(noise(0.1), 2 * noise(0.05), rtol=0, atol=1e-6)


def test_what_leaves_the_range_is_clipped() -> None:
    wild = noise(10.0) + GREY
    assert ((wild == 0) | (wild == 1)).float().mean() > 0.9
