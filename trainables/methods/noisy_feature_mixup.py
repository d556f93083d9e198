"""Noisy feature mixup (NFM): manifold mixup, then noise on the mixed features."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn
from torch.nn import functional as F

from trainables.feature_noise import shown_noise
from trainables.manifold import NoisyPlace, predicted
from trainables.methods import Batch, Loss, Method
from trainables.mixing import draw_mixing
from trainables.parameters import parameter
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class NoisyFeatureMixup(Method, NoisyPlace):
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

    def shows(self) -> tuple[str, ...]:
        return shown_noise(self.additive, self.multiplicative) if self.alpha > 0 else ()

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        if self.alpha == 0:
            mixed = F.cross_entropy(model(batch.images), batch.labels)
        else:
            mixing = draw_mixing(self.alpha, len(batch.labels), batch.images.device, key)
            mixed = mixing.cross_entropy(predicted(model, batch.images, self.change(key, mixing)), batch.labels)
        return Loss(mixed, {"mixed": mixed.detach()})
