"""Noise on images or features: M x + A, sparse and of drawn strength (Lim et al. 2022; Erichson et al. 2024).

    A = a b_a g          where a chance ~ U(0, 1) is at least the sparsity, else 0;  b_a ~ Beta(2, 5), g ~ N(0, 1)
    M = 1 + m b_m (2u − 1)  where another chance is, else 1;                          b_m ~ Beta(2, 5), u ~ U(0, 1)

b_a and b_m are one number a call, all else one an element. Each has mean 2/7, so the standard deviation of A is
a √(3/28 (1 − sparsity)). It acts in the units of what it is given: normalised images, or a stage's output.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class FeatureNoise:
    """The noise of one view in one step; the same key gives the same noise."""

    additive: float
    """a b_a; 0: none."""
    multiplicative: float
    """m b_m; 0: none."""
    sparsity: float
    """Share of the elements left without noise, drawn for each part by itself."""
    key: Key

    def __call__(self, features: Tensor) -> Tensor:
        """[N, …] → the same shape and precision."""
        noisy = features
        if self.multiplicative > 0:
            uniform, chance = self.drawn("multiplicative", features, torch.rand)
            noisy = noisy * factor(uniform, chance, self.multiplicative, self.sparsity)
        if self.additive > 0:
            normal, chance = self.drawn("additive", features, torch.randn)
            noisy = noisy + addend(normal, chance, self.additive, self.sparsity)
        return noisy.to(features.dtype)

    def drawn(self, part: str, features: Tensor, distribution: Callable[..., Tensor]) -> tuple[Tensor, Tensor]:
        """A draw and its chance for each element, in the memory order of channels-last features."""
        count, channels, *sides = features.shape
        generator = self.key.child(part).generator(features.device)
        drawn, chance = (
            draw(count, *sides, channels, generator=generator, device=features.device).movedim(-1, 1)
            for draw in (distribution, torch.rand)
        )
        return drawn, chance


def shown_noise(additive: float, multiplicative: float) -> tuple[str, ...]:
    """What these levels are next to ImageNet-C, where they act on images: Gaussian noise, speckles."""
    return (*(("gaussian_noise",) if additive > 0 else ()), *(("speckle_noise",) if multiplicative > 0 else ()))


def draw_noise(additive: float, multiplicative: float, sparsity: float, key: Key) -> FeatureNoise:
    """Noise of levels a and m: their Beta(2, 5) factors drawn."""
    host = key.child("strength").host()
    return FeatureNoise(
        additive=additive * float(host.beta(2, 5)),
        multiplicative=multiplicative * float(host.beta(2, 5)),
        sparsity=sparsity,
        key=key,
    )


def addend(normal: Tensor, chance: Tensor, level: float, sparsity: float) -> Tensor:
    """A: level × N(0, 1) where the chance is at least the sparsity, else 0."""
    return torch.where(chance >= sparsity, level * normal, 0.0)


def factor(uniform: Tensor, chance: Tensor, level: float, sparsity: float) -> Tensor:
    """M: 1 + level × U(−1, 1) where the chance is at least the sparsity, else 1; `uniform` is U(0, 1)."""
    return torch.where(chance >= sparsity, 1 + level * (2 * uniform - 1), 1.0)
