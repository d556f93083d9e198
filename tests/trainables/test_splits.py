"""Class-balanced orders and held-out shares."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainables.splits import balanced_order, held_out, with_border

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(torch.tensor)


@given(LABELS, st.integers(0, 3))
def test_an_order_is_a_permutation(labels: torch.Tensor, seed: int) -> None:
    assert balanced_order(labels, seed).sort().values.tolist() == list(range(len(labels)))
    assert torch.equal(balanced_order(labels, seed), balanced_order(labels, seed))


@given(LABELS, st.integers(1, 60))
def test_every_beginning_is_balanced_as_far_as_the_classes_reach(labels: torch.Tensor, count: int) -> None:
    shown = labels[balanced_order(labels, 0)[:count]].bincount(minlength=5)
    there = labels.bincount(minlength=5)
    short = shown < shown.max() - 1
    assert torch.equal(shown[short], there[short])


def test_the_order_is_mixed_and_fixed() -> None:
    labels = torch.arange(3).repeat_interleave(4)
    assert balanced_order(labels, 7).tolist() != balanced_order(labels, 8).tolist()
    assert balanced_order(labels, 7).tolist() == [7, 10, 2, 5, 0, 11, 1, 8, 6, 3, 9, 4]


@given(LABELS, st.floats(0.05, 0.95))
def test_every_class_gives_its_share(labels: torch.Tensor, fraction: float) -> None:
    held = labels[held_out(labels, fraction, 0)].bincount(minlength=5)
    for given_up, there in zip(held.tolist(), labels.bincount(minlength=5).tolist(), strict=True):
        assert given_up == (max(1, round(fraction * there)) if there else 0)


@pytest.mark.parametrize("border", [0, 3])
def test_a_border_is_black(border: int) -> None:
    pixels = torch.full((2, 1, 4, 5), 9, dtype=torch.uint8)
    bordered = with_border(pixels, border)
    assert bordered.shape == (2, 1, 4 + 2 * border, 5 + 2 * border)
    assert int(bordered.sum()) == int(pixels.sum())
    assert torch.equal(bordered[:, :, border : border + 4, border : border + 5], pixels)
