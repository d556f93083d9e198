import pytest
import torch

from trainables.corruptions.glass_blur import GlassBlur, Setting, _sources

SIZE = torch.Size((14, 19))


def one_by_one(offsets: torch.Tensor, reach: int) -> list[int]:
    """As the authors go: from the last pixel to the first, each overwritten with its target's value of the moment."""
    height, width = SIZE
    image = list(range(height * width))
    for row in range(height - reach, reach, -1):
        for column in range(width - reach, reach, -1):
            down, right = divmod(int(offsets[row - reach - 1, column - reach - 1]), 2 * reach)
            image[row * width + column] = image[(row + down - reach) * width + column + right - reach]
    return image


@pytest.mark.parametrize("reach", [1, 2, 3, 4])
def test_a_pass_copies_as_the_authors_loop_does(reach: int) -> None:
    pixels, setting = torch.zeros(5, 1, *SIZE, dtype=torch.uint8), Setting(1.0, reach, 1)
    offsets = GlassBlur().draw(pixels, setting, torch.Generator().manual_seed(reach))
    sources = _sources(offsets, SIZE, reach).view(5, -1) - SIZE.numel() * torch.arange(5)[:, None]
    assert sources.tolist() == [one_by_one(one, reach) for one in offsets[:, 0]]


def test_the_longest_chain_there_can_be_is_followed_to_its_end() -> None:
    """Every pixel shows the one to its right, so that a whole row shows what its last target showed."""
    reach = 2
    inner = (SIZE[0] - 2 * reach, SIZE[1] - 2 * reach)
    offsets = torch.full((1, *inner), reach * 2 * reach + reach + 1, dtype=torch.uint8)
    assert _sources(offsets[None], SIZE, reach).tolist() == one_by_one(offsets[0], reach)


def test_a_later_pass_moves_what_an_earlier_one_has_moved() -> None:
    offsets = GlassBlur().draw(torch.zeros(1, 1, *SIZE), Setting(1.0, 2, 3), torch.Generator().manual_seed(0))
    moved = list(range(SIZE.numel()))
    for of_pass in offsets[0]:
        moved = [moved[source] for source in one_by_one(of_pass, 2)]
    assert _sources(offsets, SIZE, 2).tolist() == moved


def test_offsets_are_drawn_alike() -> None:
    setting = GlassBlur.settings[224][4]
    drawn = GlassBlur().draw(torch.zeros(2, 3, 224, 224), setting, torch.Generator().manual_seed(0))
    assert drawn.shape == (2, setting.passes, 216, 216)
    counts = drawn.flatten().long().bincount(minlength=64)
    expected = drawn.numel() / 64
    assert ((counts - expected).square() / expected).sum() < 63 + 5 * (2 * 63) ** 0.5  # chi², five standard deviations
