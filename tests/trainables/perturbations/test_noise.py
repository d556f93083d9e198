"""The noise of the three noise sequences: as strong as published, drawn anew in each frame."""

import math

import pytest
import torch

from trainables.corruptions import TABLES
from trainables.perturbations import perturbations
from trainables.randomness import Key

PUBLISHED = {
    "gaussian_noise": {
        32: (0.02, 0.04, 0.06), 64: (0.025, 0.05, 0.075), 224: (0.03, 0.05, 0.08), 299: (0.035, 0.055, 0.085),
    },
    "speckle_noise": {32: (0.05, 0.07, 0.10), 64: (0.05, 0.1, 0.15), 224: (0.05, 0.1, 0.15), 299: (0.06, 0.11, 0.16)},
    "shot_noise": {32: (700, 400, 200), 64: (500, 250, 125), 224: (300, 120, 60), 299: (250, 100, 50)},
}  # fmt: skip
GREY = 120


@pytest.mark.parametrize(("name", "table"), [(name, table) for name in PUBLISHED for table in TABLES])
def test_the_noise_is_as_strong_as_published(name: str, table: int) -> None:
    pixels = torch.full((1, 3, 48, 48), GREY, dtype=torch.uint8)
    x = GREY / 255
    for difficulty, number in enumerate(PUBLISHED[name][table], 1):
        sigma = {"gaussian_noise": number, "speckle_noise": x * number, "shot_noise": math.sqrt(x / number)}[name]
        frames = perturbations.get(name)().sequence(pixels, 48, Key(("noise",)).generator(), table, difficulty)
        noise = frames[0, 1:].double() - GREY
        truncation = 1 / 12 if name != "shot_noise" else 0
        assert noise.std() == pytest.approx(math.sqrt((255 * sigma) ** 2 + truncation), rel=0.02)
        together = torch.corrcoef(noise.flatten(1)).fill_diagonal_(0).abs().max()
        assert together < 0.07  # 6912 values a frame: five standard errors
