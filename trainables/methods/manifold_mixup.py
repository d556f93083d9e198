"""Manifold mixup: mixup of the features at a random place of the network."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn
from torch.nn import functional as F

from trainables.manifold import ManifoldChange, draw_place, predicted
from trainables.methods import Batch, Loss, Method
from trainables.mixing import draw_mixing
from trainables.parameters import parameter
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class ManifoldMixup(Method):
    """L = λ L₀(z, y) + (1 − λ) L₀(z, y[π]), z from features h̃ₖ = λ hₖ + (1 − λ) hₖ[π]: Verma et al. 2019.

    The place k is uniform over the input and the first stages' outputs, λ ~ Beta(α, α); k, λ and π are one for the
    batch. The authors' code takes the binary cross-entropy with mixed one-hot labels; this is the categorical one of
    Lim et al. 2022 and Erichson et al. 2024, alike over all methods of a study. α = 0 is `standard`, step for step;
    `layers` 0 is `mixup` of the normalised images.
    """

    label: ClassVar[str] = "Manifold Mixup"
    summary: ClassVar[str] = "Cross-entropy of mixed features with both of their labels (Verma et al. 2019)"
    trains_on_distortion: ClassVar[bool] = False

    alpha: float = parameter(
        default=2.0,
        ge=0,
        doc="of Beta(alpha, alpha), which the share of an image in its mixture is drawn from; 0: no mixing",
        source="Verma et al. 2019: 2 on CIFAR and SVHN, 0.2 on Tiny ImageNet",
    )
    layers: int = parameter(
        default=2,
        ge=0,
        le=3,
        doc="the last place that is drawn: 0 the input, k the output of stage k",
        source="Verma et al. 2019, their code: 2; Lim et al. 2022 (NFM), theirs: 3",
    )

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        if self.alpha == 0:
            mixed = F.cross_entropy(model(batch.images), batch.labels)
        else:
            mixing = draw_mixing(self.alpha, len(batch.labels), batch.images.device, key)
            change = ManifoldChange(place=draw_place(self.layers, key), mixing=mixing)
            mixed = mixing.cross_entropy(predicted(model, batch.images, change), batch.labels)
        return Loss(mixed, {"mixed": mixed.detach()})
