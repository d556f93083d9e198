"""Noise injection: noise on the features at a random place of the network, without mixing."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn
from torch.nn import functional as F

from trainables.feature_noise import shown_noise
from trainables.manifold import NoisyPlace, predicted
from trainables.methods import Batch, Loss, Method
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class NoiseInjection(Method, NoisyPlace):
    """L = L₀(z, y), z from M hₖ + A: the baseline of Lim et al. 2022.

    Their code gets it from noisy feature mixup with α = 1e-8, whose λ is exactly 0 or 1: a batch in another order.
    Both levels 0 are `standard`, step for step.
    """

    label: ClassVar[str] = "Noise"
    summary: ClassVar[str] = "Cross-entropy with additive and multiplicative noise on the features (Lim et al. 2022)"
    trains_on_distortion: ClassVar[bool] = False

    def shows(self) -> tuple[str, ...]:
        return shown_noise(self.additive, self.multiplicative)

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        noisy = F.cross_entropy(predicted(model, batch.images, self.change(key)), batch.labels)
        return Loss(noisy, {"noisy": noisy.detach()})
