"""Noise injection: noise on the features at a random place of the network, without mixing."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn
from torch.nn import functional as F

from trainables.feature_noise import draw_noise
from trainables.manifold import ManifoldChange, draw_place, predicted
from trainables.methods import Batch, Loss, Method
from trainables.parameters import parameter
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class NoiseInjection(Method):
    """L = L₀(z, y), z from M hₖ + A: the baseline of Lim et al. 2022.

    Their code gets it from noisy feature mixup with α = 1e-8, whose λ is exactly 0 or 1: a batch in another order.
    Both levels 0 are `standard`, step for step.
    """

    label: ClassVar[str] = "Noise"
    summary: ClassVar[str] = "Cross-entropy with additive and multiplicative noise on the features (Lim et al. 2022)"
    trains_on_distortion: ClassVar[bool] = False

    additive: float = parameter(
        default=0.4,
        ge=0,
        doc="level of the additive noise",
        source="Lim et al. 2022, their code, CIFAR: 0.4; ImageNet: 0.1",
    )
    multiplicative: float = parameter(
        default=0.2,
        ge=0,
        doc="level of the multiplicative noise",
        source="Lim et al. 2022, their code, CIFAR: 0.2; ImageNet: 0.1",
    )
    manifold: bool = parameter(
        default=True,
        doc="features of the places up to `layers`; else the input alone",
        source="Lim et al. 2022, their code: true",
    )
    layers: int = parameter(
        default=3,
        ge=0,
        le=3,
        doc="the last place that is drawn: 0 the input, k the output of stage k",
        source="Lim et al. 2022, their code, residual networks: 3",
    )

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        noise = draw_noise(self.additive, self.multiplicative, 0.0, key.child("noise", 0))
        change = ManifoldChange(place=draw_place(self.layers if self.manifold else 0, key), noises=(noise,))
        noisy = F.cross_entropy(predicted(model, batch.images, change), batch.labels)
        return Loss(noisy, {"noisy": noisy.detach()})
