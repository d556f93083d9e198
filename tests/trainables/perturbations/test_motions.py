"""What is special to one motion."""

from itertools import pairwise

import torch
from torch import Tensor

from trainables.geometry import centre
from trainables.perturbations.motion_blur import MotionBlur
from trainables.perturbations.scale import Scale
from trainables.perturbations.translate import Translate
from trainables.perturbations.zoom_blur import ZoomBlur
from trainables.randomness import Key


def rough(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, generator=Key(("motions",)).generator(), dtype=torch.uint8)


def test_translate_slides_to_the_right() -> None:
    pixels = rough(1, 3, 32, 32)
    frames = Translate().sequence(pixels, 32, torch.Generator())[0]
    for frame, following in pairwise(frames):
        assert torch.equal(following[..., 8:-8], frame[..., 7:-9])


def test_table_299_scales_the_centre_alone() -> None:
    bright = torch.full((1, 1, 48, 48), 200, dtype=torch.uint8)
    whole = Scale().sequence(bright, 32, torch.Generator(), table=224)[0]
    alone = Scale().sequence(bright, 32, torch.Generator(), table=299)[0]
    black = [int((frames == 0).sum()) for frames in (whole[12], alone[12])]  # 0.7 times
    assert black[0] == 0 < black[1]


def test_table_64_blurs_whole_images_and_then_reduces_them() -> None:
    photograph = rough(1, 3, 120, 160)
    frames = MotionBlur().sequence(photograph, 64, torch.Generator())[0]
    assert frames.shape == (31, 3, 64, 64)
    striped = torch.zeros(1, 3, 120, 160, dtype=torch.uint8)
    striped[..., 80:] = 255
    halves = MotionBlur().sequence(striped, 64, torch.Generator())[0]
    assert (halves[..., 40:56] == 255).all()  # the right half is the right half of what is seen, the image stretched


def test_zoom_blur_is_a_running_mean() -> None:
    """What frame i adds is one more image: i + 1 times frame i less i times the one before lies in [0, 255]."""
    pixels = rough(1, 3, 48, 48)
    frames = ZoomBlur().sequence(pixels, 32, torch.Generator())[0].double()
    assert torch.equal(frames[0], centre(pixels, 32)[0].double())
    for number in range(1, 31):
        added = (number + 1) * frames[number] - number * frames[number - 1]
        assert added.min() >= -(number + 1)
        assert added.max() <= 255 + number
