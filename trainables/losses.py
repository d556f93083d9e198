"""Losses between predictions of the same images: pure functions of batches of logits.

p = softmax(clean), q = softmax(distorted), both [N, classes]. Every loss is the mean over the batch, and its gradient
flows into all arguments, since the equations are plain functions of the weights; a caller may detach one.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Divergence = Literal["kl", "symmetric_kl", "soft_cross_entropy", "l2"]


def kl(clean: Tensor, distorted: Tensor) -> Tensor:
    """KL(p ‖ q) = Σ p (log p − log q) ≥ 0, 0 where p = q.

    Laermann et al. 2019, Eq. 5, whose printed sign is wrong; "asymmetric" there.
    """
    log_p, log_q = F.log_softmax(clean, dim=1), F.log_softmax(distorted, dim=1)
    return F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)


def symmetric_kl(clean: Tensor, distorted: Tensor) -> Tensor:
    """(KL(p ‖ q) + KL(q ‖ p)) / 2 = Σ (p − q)(log p − log q) / 2: Laermann et al. 2019, Eq. 6."""
    log_p, log_q = F.log_softmax(clean, dim=1), F.log_softmax(distorted, dim=1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(dim=1).mean() / 2


def soft_cross_entropy(clean: Tensor, distorted: Tensor) -> Tensor:
    """−Σ p log q = KL(p ‖ q) + H(p): Zheng et al. 2016, for classification.

    The gradient in q is that of `kl`; in p it also lowers the entropy of the clean prediction. Equal predictions give
    H(p), not 0.
    """
    return F.cross_entropy(distorted, F.softmax(clean, dim=1))


def l2(clean: Tensor, distorted: Tensor) -> Tensor:
    """‖clean − distorted‖₂ of the logits, not squared: Zheng et al. 2016, for embeddings.

    Where both are equal the gradient is 0.
    """
    distance: Tensor = torch.linalg.vector_norm(clean - distorted, dim=1)
    return distance.mean()


SMALLEST_MEAN = 1e-7
"""What the mean of three predictions is clamped to, from below, inside its logarithm."""


def jensen_shannon(first: Tensor, second: Tensor, third: Tensor) -> Tensor:
    """⅓ Σ_v KL(p_v ‖ m), m = max((p₁ + p₂ + p₃) / 3, 1e-7), in [0, log 3]: Hendrycks et al. 2020 (AugMix).

    Only m is clamped, so equal and very confident predictions may give as little as −1e-6. Where it is, no gradient
    flows through it.
    """
    logs = F.log_softmax(torch.stack((first, second, third)), dim=2)
    p = logs.exp()
    log_mean = p.mean(dim=0).clamp(SMALLEST_MEAN, 1).log()
    return (p * (logs - log_mean)).sum(dim=2).mean()


def mixed_cross_entropy(logits: Tensor, labels: Tensor, others: Tensor, share: float) -> Tensor:
    """λ L₀(z, y) + (1 − λ) L₀(z, y'): Zhang et al. 2018 (mixup). Equals the cross-entropy with the mixed labels."""
    return share * F.cross_entropy(logits, labels) + (1 - share) * F.cross_entropy(logits, others)


DIVERGENCES: Mapping[Divergence, Callable[[Tensor, Tensor], Tensor]] = {
    "kl": kl,
    "symmetric_kl": symmetric_kl,
    "soft_cross_entropy": soft_cross_entropy,
    "l2": l2,
}
