"""Mixing images of a batch."""

import numpy as np
import pytest
import torch

from trainables.mixing import Mixing, draw_mixing
from trainables.randomness import Key

CPU = torch.device("cpu")
KEYS = [Key(("test", number)) for number in range(400)]


def test_every_view_is_mixed_alike_and_within_itself() -> None:
    mixing = draw_mixing(1.0, 5, CPU, KEYS[0])
    views = torch.randn(3, 5, 2, 4, 4, generator=KEYS[0].generator())
    together = mixing.mixed(views.flatten(0, 1)).unflatten(0, (3, 5))
    for view, mixed in zip(views, together, strict=True):
        assert torch.equal(mixed, mixing.mixed(view))
        torch.testing.assert_close(mixed, mixing.share * view + (1 - mixing.share) * view[mixing.order])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 2.0])
def test_the_share_is_beta_distributed(alpha: float) -> None:
    shares = np.array([draw_mixing(alpha, 2, CPU, key).share for key in KEYS])
    deviation = 0.5 / np.sqrt(2 * alpha + 1)
    assert abs(shares.mean() - 0.5) < 5 * deviation / np.sqrt(len(KEYS))
    assert abs(shares.std() - deviation) < 0.1 * deviation


def test_a_vanishing_alpha_gives_shares_of_0_and_1() -> None:
    shares = [draw_mixing(1e-8, 2, CPU, key).share for key in KEYS]
    assert set(shares) == {0.0, 1.0}
    assert 0.4 < np.mean(shares) < 0.6


def test_the_order_is_a_permutation_of_its_own_stream() -> None:
    orders = [tuple(draw_mixing(1.0, 4, CPU, key).order.tolist()) for key in KEYS]
    assert {tuple(sorted(order)) for order in orders} == {(0, 1, 2, 3)}
    assert len(set(orders)) == 24
    assert orders[0] == tuple(draw_mixing(0.2, 4, CPU, KEYS[0]).order.tolist())


def test_mixed_features_keep_precision_and_layout() -> None:
    mixing = Mixing(share=0.3, order=torch.tensor([1, 0]))
    features = torch.arange(288.0).view(6, 3, 4, 4).to(torch.bfloat16, memory_format=torch.channels_last)
    mixed = mixing.mixed(features)
    assert mixed.dtype == torch.bfloat16
    assert mixed.is_contiguous(memory_format=torch.channels_last)
