"""Noisy feature mixup (NFM): manifold mixup, then noise on the mixed features."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn
from torch.nn import functional as F

from trainables.feature_noise import draw_noise
from trainables.manifold import ManifoldChange, draw_place, predicted
from trainables.methods import Batch, Loss, Method
from trainables.mixing import draw_mixing
from trainables.parameters import parameter
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class NoisyFeatureMixup(Method):
    """L = λ L₀(z, y) + (1 − λ) L₀(z, y[π]), z from M (λ hₖ + (1 − λ) hₖ[π]) + A: Lim et al. 2022.

    M and A are the noise of `trainables/feature_noise.py` without sparsity. Levels 0 are `manifold_mixup`, and
    `manifold` false is the paper's noisy mixup. α = 0 mixes nothing and adds no noise, as in the authors' code: that
    is `standard`, step for step. For noise without mixing there is `noise_injection`.
    """

    label: ClassVar[str] = "NFM"
    summary: ClassVar[str] = "Manifold mixup with additive and multiplicative noise on the features (Lim et al. 2022)"
    trains_on_distortion: ClassVar[bool] = False

    alpha: float = parameter(
        default=1.0,
        ge=0,
        doc="of Beta(alpha, alpha), which the share of an image in its mixture is drawn from; 0: no mixing, no noise",
        source="Lim et al. 2022, their code: 1",
    )
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
        if self.alpha == 0:
            mixed = F.cross_entropy(model(batch.images), batch.labels)
        else:
            mixing = draw_mixing(self.alpha, len(batch.labels), batch.images.device, key)
            noise = draw_noise(self.additive, self.multiplicative, 0.0, key.child("noise", 0))
            place = draw_place(self.layers if self.manifold else 0, key)
            change = ManifoldChange(place=place, mixing=mixing, noises=(noise,))
            mixed = mixing.cross_entropy(predicted(model, batch.images, change), batch.labels)
        return Loss(mixed, {"mixed": mixed.detach()})
