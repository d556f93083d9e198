"""Noise on features."""

import numpy as np
import pytest
import torch
from torch import Tensor

from trainables.feature_noise import FeatureNoise, draw_noise
from trainables.randomness import Key

KEY = Key(("test",))
SHAPE = (64, 16, 8, 8)


def noise(additive: float = 0.0, multiplicative: float = 0.0, sparsity: float = 0.0, key: Key = KEY) -> FeatureNoise:
    return FeatureNoise(additive=additive, multiplicative=multiplicative, sparsity=sparsity, key=key)


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("sparsity", [0.0, 0.65, 1.0])
def test_sparsity_is_the_share_left_alone(sparsity: float) -> None:
    ones = torch.ones(SHAPE)
    for part in ({"additive": 0.5}, {"multiplicative": 0.5}):
        left = (noise(**part, sparsity=sparsity)(ones) == ones).double().mean()
        assert abs(left - sparsity) < 0.01


def test_no_noise_is_the_same_tensor() -> None:
    features = drawn(*SHAPE)
    assert noise()(features) is features
    assert torch.equal(noise(1.0, 1.0, sparsity=1.0)(features), features)


def test_the_additive_part_is_normal_and_the_multiplicative_uniform() -> None:
    zeros, ones = torch.zeros(SHAPE), torch.ones(SHAPE)
    added = noise(additive=0.3)(zeros)
    assert abs(added.mean()) < 5 * 0.3 / np.sqrt(zeros.numel())
    assert abs(added.std() - 0.3) < 0.003
    assert abs(torch.quantile(added[:4].flatten(), 0.975) / 0.3 - 1.96) < 0.1
    factor = noise(multiplicative=0.3)(ones)
    assert 0.7 <= factor.min() < 0.701
    assert 1.299 < factor.max() <= 1.3
    assert abs(factor.std() - 0.3 / np.sqrt(3)) < 0.003


def test_multiplicative_noise_comes_first() -> None:
    features = drawn(*SHAPE)
    both = noise(0.3, 0.4, 0.5)(features)
    multiplied = noise(multiplicative=0.4, sparsity=0.5)(features)
    torch.testing.assert_close(both, multiplied + noise(additive=0.3, sparsity=0.5)(torch.zeros(SHAPE)))


def test_both_parts_are_sparse_by_themselves() -> None:
    ones = torch.ones(SHAPE)
    added, factor = (
        noise(additive=0.5, sparsity=0.5)(ones) != ones,
        noise(multiplicative=0.5, sparsity=0.5)(ones) != ones,
    )
    assert abs((added & factor).double().mean() - 0.25) < 0.01


def test_strengths_are_drawn_from_beta_2_5() -> None:
    noises = [draw_noise(2.0, 3.0, 0.0, KEY.child(number)) for number in range(1_000)]
    for strengths in (
        np.array([one.additive for one in noises]) / 2,
        np.array([one.multiplicative for one in noises]) / 3,
    ):
        assert abs(strengths.mean() - 2 / 7) < 5 * np.sqrt(10 / 392 / 1_000)
        assert abs((strengths**2).mean() - 3 / 28) < 0.02
    assert abs(np.corrcoef([one.additive for one in noises], [one.multiplicative for one in noises])[0, 1]) < 0.15


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 4, 3)], ids=["vectors", "maps"])
def test_the_key_and_the_shape_decide_not_the_layout(shape: tuple[int, ...]) -> None:
    features = drawn(*shape)
    expected = noise(0.3, 0.3)(features)
    assert torch.equal(noise(0.3, 0.3)(features.clone()), expected)
    assert not torch.isclose(noise(0.3, 0.3, key=KEY.child("other"))(features), expected).any()
    if len(shape) == 4:
        last = noise(0.3, 0.3)(features.contiguous(memory_format=torch.channels_last))
        assert torch.equal(last, expected)
        assert last.is_contiguous(memory_format=torch.channels_last)


def test_half_precision_comes_back_and_the_gradient_is_the_factor() -> None:
    features = torch.ones(SHAPE, dtype=torch.bfloat16, requires_grad=True)
    noisy: Tensor = noise(0.3, 0.3)(features)
    assert noisy.dtype == torch.bfloat16
    noisy.sum().backward()
    torch.testing.assert_close(features.grad, noise(multiplicative=0.3)(features.detach()))
