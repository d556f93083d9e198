import numpy as np
import pytest
import torch

from trainables.corruptions.defocus_blur import DefocusBlur, Setting
from trainables.filters import correlation, gaussian_taps

SETTINGS = sorted({setting for settings in DefocusBlur.settings.values() for setting in settings})


def kernel(setting: Setting) -> np.ndarray:  # type: ignore[type-arg]
    """As the authors make it: a disc on its grid, smoothed there with the border mirrored."""
    grid, soft = (8, 1) if setting.radius <= 8 else (int(setting.radius), 2)
    row, column = np.mgrid[-grid : grid + 1, -grid : grid + 1]
    disc = (row**2 + column**2 <= setting.radius**2).astype(float)
    smooth = correlation(gaussian_taps(setting.softness, soft), 2 * grid + 1, "reflect").numpy()
    smoothed: np.ndarray = smooth @ (disc / disc.sum()) @ smooth.T  # type: ignore[type-arg]
    return smoothed


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_point_of_light_becomes_the_authors_disc(setting: Setting) -> None:
    side, grid = 41, len(kernel(setting)) // 2
    light = torch.zeros(1, 1, side, side, dtype=torch.uint8)
    light[..., side // 2, side // 2] = 255
    expected = np.zeros((side, side))
    middle = slice(side // 2 - grid, side // 2 + grid + 1)
    expected[middle, middle] = 255 * kernel(setting)
    seen = DefocusBlur().corrupt(light, setting, None)[0, 0].numpy()
    lost = expected - seen  # by truncation, on either side of a whole level
    assert lost.min() > -1e-4
    assert lost.max() < 1 + 1e-4


@pytest.mark.parametrize("setting", SETTINGS)
def test_light_is_kept_unless_the_disc_reaches_its_grids_border(setting: Setting) -> None:
    grey = torch.full((1, 1, 30, 30), 200, dtype=torch.uint8)
    gain = kernel(setting).sum()
    assert (gain > 1.005) == (setting.radius >= 8)
    assert (DefocusBlur().corrupt(grey, setting, None).int() - int(200 * gain)).abs().max() <= 1


def test_a_white_image_stays_white() -> None:
    white = torch.full((1, 3, 40, 40), 255, dtype=torch.uint8)
    for setting in SETTINGS:
        assert DefocusBlur().corrupt(white, setting, None).min() >= 254
