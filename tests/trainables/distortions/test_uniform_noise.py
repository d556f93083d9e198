"""Uniform noise."""

import torch

from trainables.distortions.uniform_noise import UniformNoise
from trainables.randomness import Key

GREY = torch.full((4, 3, 64, 64), 0.5)


def test_the_noise_fills_its_bound_and_no_more() -> None:
    drawn = UniformNoise().apply(GREY, 0.1, Key(("test",)).generator()) - GREY
    assert drawn.abs().max() <= 0.1 + 1e-6
    assert drawn.max() > 0.099
    assert drawn.min() < -0.099
    assert abs(drawn.mean()) < 0.001
    assert abs(drawn.std() - 0.1 / 3**0.5) < 0.001
