"""Losses between predictions of the same images."""

import pytest
import torch
from torch.nn import functional as F

from trainables.losses import (
    DIVERGENCES,
    jensen_shannon,
    kl,
    l2,
    mixed_cross_entropy,
    soft_cross_entropy,
    symmetric_kl,
)
from trainables.methods.stability_training import StabilityTraining
from trainables.parameters import parameters

CLEAN = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
DISTORTED = torch.randn(5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def entropy(logits: torch.Tensor) -> torch.Tensor:
    return torch.distributions.Categorical(logits=logits).entropy().mean()


@pytest.mark.parametrize("name", DIVERGENCES)
def test_equal_predictions_are_at_no_distance(name: str) -> None:
    expected = entropy(CLEAN) if name == "soft_cross_entropy" else torch.zeros((), dtype=torch.float64)
    torch.testing.assert_close(DIVERGENCES[name](CLEAN, CLEAN), expected)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_unequal_predictions_are_further_apart(name: str) -> None:
    assert DIVERGENCES[name](CLEAN, DISTORTED) > DIVERGENCES[name](CLEAN, CLEAN)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_gradient_reaches_both(name: str) -> None:
    assert torch.autograd.gradcheck(
        DIVERGENCES[name], (CLEAN.clone().requires_grad_(), DISTORTED.clone().requires_grad_())
    )


@pytest.mark.parametrize("name", ["kl", "symmetric_kl", "l2"])
def test_the_gradient_is_zero_where_predictions_agree(name: str) -> None:
    clean, distorted = CLEAN.clone().requires_grad_(), CLEAN.clone().requires_grad_()
    gradients = torch.autograd.grad(DIVERGENCES[name](clean, distorted), (clean, distorted))
    assert all(gradient.abs().max() < 1e-15 for gradient in gradients)


def test_kl_is_that_of_torchs_distributions() -> None:
    p, q = (torch.distributions.Categorical(logits=logits) for logits in (CLEAN, DISTORTED))
    torch.testing.assert_close(kl(CLEAN, DISTORTED), torch.distributions.kl_divergence(p, q).mean())


def test_symmetric_kl_is_the_mean_of_both_directions() -> None:
    both = (kl(CLEAN, DISTORTED) + kl(DISTORTED, CLEAN)) / 2
    torch.testing.assert_close(symmetric_kl(CLEAN, DISTORTED), both)
    torch.testing.assert_close(symmetric_kl(DISTORTED, CLEAN), both)


def test_soft_cross_entropy_is_kl_and_the_entropy() -> None:
    torch.testing.assert_close(soft_cross_entropy(CLEAN, DISTORTED), kl(CLEAN, DISTORTED) + entropy(CLEAN))


def test_l2_is_the_mean_distance_of_the_logits() -> None:
    torch.testing.assert_close(l2(torch.zeros(2, 2), torch.tensor([[3.0, 4.0], [0.0, 1.0]])), torch.tensor(3.0))


@pytest.mark.parametrize("name", DIVERGENCES)
def test_confident_predictions_stay_finite(name: str) -> None:
    clean = torch.tensor([[200.0, -200.0]], requires_grad=True)
    loss = DIVERGENCES[name](clean, torch.tensor([[-200.0, 200.0]]))
    assert loss.isfinite()
    assert torch.autograd.grad(loss, clean)[0].isfinite().all()


def test_stability_training_offers_every_divergence() -> None:
    offered = {described.name: described.choices for described in parameters(StabilityTraining)}["divergence"]
    assert offered == tuple(DIVERGENCES)


THIRD = torch.randn(5, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def test_jensen_shannon_is_that_of_torchs_distributions() -> None:
    views = [torch.distributions.Categorical(logits=logits) for logits in (CLEAN, DISTORTED, THIRD)]
    mean = torch.distributions.Categorical(probs=torch.stack([view.probs for view in views]).mean(dim=0))
    expected = torch.stack([torch.distributions.kl_divergence(view, mean) for view in views]).mean()
    torch.testing.assert_close(jensen_shannon(CLEAN, DISTORTED, THIRD), expected)


def test_jensen_shannon_takes_its_views_in_any_order() -> None:
    torch.testing.assert_close(jensen_shannon(CLEAN, DISTORTED, THIRD), jensen_shannon(THIRD, CLEAN, DISTORTED))


def test_jensen_shannon_lies_between_0_and_log_3() -> None:
    assert abs(jensen_shannon(CLEAN, CLEAN, CLEAN)) < 1e-15
    apart = 100 * torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(
        jensen_shannon(*(one[None] for one in apart)), torch.tensor(3.0, dtype=torch.float64).log()
    )


def test_jensen_shannons_gradient_reaches_every_view() -> None:
    views = [logits.clone().requires_grad_() for logits in (CLEAN, DISTORTED, THIRD)]
    assert torch.autograd.gradcheck(jensen_shannon, views)


def test_jensen_shannon_of_confident_views_stays_finite() -> None:
    confident = torch.tensor([[200.0, -200.0, 0.0]], requires_grad=True)
    loss = jensen_shannon(confident, -confident, confident)
    assert loss.isfinite()
    assert torch.autograd.grad(loss, confident)[0].isfinite().all()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_mixed_cross_entropy_is_that_of_mixed_labels(share: float) -> None:
    first, second = torch.tensor([0, 1, 2, 3, 0]), torch.tensor([3, 1, 0, 2, 2])
    soft = share * F.one_hot(first, 4) + (1 - share) * F.one_hot(second, 4)
    torch.testing.assert_close(mixed_cross_entropy(CLEAN, first, second, share), F.cross_entropy(CLEAN, soft.double()))
