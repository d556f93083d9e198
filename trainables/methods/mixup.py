"""Mixup: every image mixed with another one, and its label with it."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn
from torch.nn import functional as F

from trainables.methods import Batch, Loss, Method
from trainables.mixing import draw_mixing
from trainables.parameters import parameter
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class Mixup(Method):
    """L = λ L₀(x̃, y) + (1 − λ) L₀(x̃, y[π]), x̃ = λ x + (1 − λ) x[π], λ ~ Beta(α, α): Zhang et al. 2018.

    One λ and one permutation π a batch. α = 0 mixes nothing and so is `standard`, step for step.
    """

    label: ClassVar[str] = "Mixup"
    summary: ClassVar[str] = "Cross-entropy of mixed images with both of their labels (Zhang et al. 2018)"
    trains_on_distortion: ClassVar[bool] = False

    alpha: float = parameter(
        default=1.0,
        ge=0,
        doc="of Beta(alpha, alpha), which the share of an image in its mixture is drawn from; 0: no mixing",
        source="Zhang et al. 2018, CIFAR-10: 1",
    )

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        if self.alpha == 0:
            mixed = F.cross_entropy(model(batch.images), batch.labels)
        else:
            mixing = draw_mixing(self.alpha, len(batch.labels), batch.images.device, key)
            mixed = mixing.cross_entropy(model(mixing.mixed(batch.images)), batch.labels)
        return Loss(mixed, {"mixed": mixed.detach()})
