"""Spatter sequences."""

import pytest
import torch

from trainables.perturbations.spatter import Slide, Spatter


@pytest.mark.parametrize(("table", "speed"), [(32, 0.8), (224, 1.5)])
def test_a_drop_slides_down(table: int, speed: float) -> None:
    """So many rows a frame: the mean of what the layer's taps move it by."""
    setting: Slide = Spatter.setting(table)
    assert sum(setting.taps) == pytest.approx(1)
    assert sum(tap * (setting.above - place) for place, tap in enumerate(setting.taps)) == pytest.approx(speed)
    noise = torch.zeros(1, 1, 80, 40)
    noise[..., 5:25, 10:30] = 1
    frames = Spatter().under(torch.full((1, 3, 80, 40), 60, dtype=torch.uint8), setting, noise)[0]
    wet = (frames != 60).any(1).double()
    rows = (wet.sum(2) @ torch.arange(80.0).double()) / wet.sum((1, 2))
    assert wet[0].any()
    moved = rows[20] - rows[0]
    assert moved == pytest.approx(20 * speed, abs=5)


def test_without_water_the_image_stays() -> None:
    pixels = torch.full((1, 3, 32, 32), 60, dtype=torch.uint8)
    frames = Spatter().under(pixels, Spatter.setting(32), torch.zeros(1, 1, 32, 32))
    assert (frames == 60).all()
