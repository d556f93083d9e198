"""Pixelate equals Pillow's BOX filter, bit for bit, whatever the sides."""

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.corruptions.pixelate import Pixelate, Setting

SHARES = sorted({setting.share for settings in Pixelate.settings.values() for setting in settings})


@pytest.mark.parametrize(
    ("height", "width"), [(32, 32), (64, 64), (299, 299), (33, 50), (7, 20), (101, 224), (200, 101)]
)
@pytest.mark.parametrize("share", SHARES)
def test_each_image_is_pillows(share: float, height: int, width: int) -> None:
    shape = (2, 3, height, width)
    pixels = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    ours = Pixelate().corrupt(pixels, Setting(share), None)
    small = (int(width * share), int(height * share))
    for image, found in zip(pixels, ours, strict=True):
        picture = Image.fromarray(image.movedim(0, 2).numpy())
        again = picture.resize(small, Image.Resampling.BOX).resize((width, height), Image.Resampling.BOX)
        assert np.array_equal(found.movedim(0, 2).numpy(), np.asarray(again))


def test_sides_that_would_vanish_are_refused() -> None:
    with pytest.raises(ValueError, match=r"pixelate cannot act on images of .3, 1, 40.: 0.95 of 1 pixels is less"):
        Pixelate().apply(torch.zeros(1, 3, 1, 40, dtype=torch.uint8), 1, torch.Generator())
