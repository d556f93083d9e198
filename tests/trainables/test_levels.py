"""Bytes, computed with in blocks."""

import pytest
import torch

from trainables.levels import CACHED, in_blocks, random_words, truncated

CPU = torch.device("cpu")


def test_fractions_are_dropped_and_ends_clipped() -> None:
    levels = torch.tensor([-300.0, -0.1, 0.0, 0.999, 1.0, 254.999, 255.0, 255.7, 1e9])
    assert truncated(levels).tolist() == [0, 0, 0, 0, 1, 254, 255, 255, 255]


@pytest.mark.parametrize("count", [0, 1, 3, 10])
def test_blocks_are_computed_in_order_and_none_is_too_large(count: int) -> None:
    pixels = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(count, 1, 300, 300)
    added = torch.arange(count)
    sizes: list[int] = []

    def add(pixels: torch.Tensor, added: torch.Tensor) -> torch.Tensor:
        sizes.append(pixels.numel())
        return pixels[:, 0, 0, 0] + added

    assert in_blocks(add, pixels, added).tolist() == [2 * number for number in range(count)]
    assert max(sizes) <= CACHED
    assert sum(sizes) == pixels.numel()


def test_an_image_larger_than_a_block_is_a_block() -> None:
    pixels = torch.zeros(2, 3, 600, 600, dtype=torch.uint8)
    assert pixels[0].numel() > CACHED
    assert in_blocks(lambda block: block + len(block), pixels).unique().tolist() == [1]


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5, 11), (0, 3)])
def test_words_have_the_shape_that_was_asked_for(shape: tuple[int, ...]) -> None:
    words = random_words(torch.Size(shape), torch.Generator().manual_seed(0), CPU)
    assert (words.shape, words.dtype) == (shape, torch.int32)


def test_each_of_a_words_bits_is_a_fair_coin() -> None:
    words = random_words(torch.Size([40_001]), torch.Generator().manual_seed(0), CPU)
    bits = (words[:, None] >> torch.arange(32, dtype=torch.int32)) & 1
    assert ((bits.double().mean(0) - 0.5).abs() < 4 * 0.5 / 200).all()
    together = torch.corrcoef(bits.T.double()) - torch.eye(32)
    assert together.abs().max() < 5 / 200
