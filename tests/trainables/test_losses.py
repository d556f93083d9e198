"""The divergences between two predictions."""

import pytest
import torch

from trainables.losses import DIVERGENCES, kl, l2, soft_cross_entropy, symmetric_kl
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
