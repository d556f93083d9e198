"""Mixing: every image with another one of the batch, λ x + (1 − λ) x[π] (Zhang et al. 2018)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.losses import mixed_cross_entropy
from trainables.randomness import Key
from trainables.transfer import sent


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixing:
    """Which images are mixed, and how much of each."""

    share: float
    """λ, of the image itself; 1 leaves everything as it is."""
    order: Tensor
    """π [N] int64, on the images' device: whom each image is mixed with."""

    def mixed(self, features: Tensor) -> Tensor:
        """[V N, …] → the same shape: each of V views of the same N images mixed within itself, all alike."""
        views = torch.split(features, len(self.order))
        mixed = [self.share * view + (1 - self.share) * view[self.order] for view in views]
        return torch.cat(mixed)

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Of mixed images' logits [N, classes] with both labels [N]."""
        return mixed_cross_entropy(logits, labels, labels[self.order], self.share)


def draw_mixing(alpha: float, count: int, device: torch.device, key: Key) -> Mixing:
    """λ ~ Beta(α, α), one for the batch, α > 0, and one permutation of its `count` images.

    An α of 1e-8 gives a λ of exactly 0 or 1.
    """
    return Mixing(share=float(key.child("share").host().beta(alpha, alpha)), order=draw_order(count, device, key))


def draw_order(count: int, device: torch.device, key: Key) -> Tensor:
    """A permutation of 0 … count − 1 on `device`."""
    return sent(torch.randperm(count, generator=key.child("order").generator()), device)
