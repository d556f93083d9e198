"""Random crops."""

import torch

from trainables.distortions.random_crop import RandomCrop
from trainables.randomness import Key

OFFSET = 2
SCALE = 16
COORDINATES = torch.stack(torch.meshgrid(torch.arange(12.0), torch.arange(14.0), indexing="ij")) / SCALE
"""A source [2, 12, 14] whose pixels say where they are, in sixteenths."""


def crops(count: int) -> torch.Tensor:
    return RandomCrop().apply(COORDINATES.expand(count, -1, -1, -1), OFFSET, Key(("test",)).generator())


def test_each_crop_is_a_window_of_its_source() -> None:
    for crop in crops(50):
        top, left = (crop[:, 0, 0] * SCALE).int().tolist()
        assert torch.equal(crop, COORDINATES[:, top : top + 8, left : left + 10])


def test_every_shift_is_as_likely_as_every_other() -> None:
    corners = (crops(10_000)[:, :, 0, 0] * SCALE).long()
    counts = (corners[:, 0] * 5 + corners[:, 1]).bincount(minlength=25)
    assert len(counts) == 25
    assert (counts - 400).abs().max() < 5 * 400**0.5


def test_offset_zero_is_the_whole_source() -> None:
    source = COORDINATES.expand(3, -1, -1, -1)
    assert torch.equal(RandomCrop().apply(source, 0, Key(("test",)).generator()), source)


def test_the_margin_is_the_offset() -> None:
    assert RandomCrop().margin(7) == 7
