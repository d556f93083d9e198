"""Adversarial training (AT): cross-entropy on clean and on attacked images, weighted."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.methods import Batch, Loss, Method
from trainables.parameters import parameter
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class AdversarialTraining(Method):
    """L = μ L₀(x) + (1 − μ) L₀(x'), x' attacked: Goodfellow et al. 2015; Laermann et al. 2019, Eq. 7.

    The attack meets the network as the last step left it; then two forward passes in train mode over the same batch,
    clean and attacked. A term of weight 0 is not computed, so μ = 1 is `standard`, step for step, and μ = 0 is data
    augmentation with p = 1.
    """

    revision: ClassVar[int] = 2
    label: ClassVar[str] = "AT"
    summary: ClassVar[str] = (
        "μ × cross-entropy on clean images + (1 − μ) × cross-entropy on attacked ones "
        "(Goodfellow et al. 2015; Laermann et al. 2019, Eq. 7)"
    )
    trains_on_distortion: ClassVar[bool] = True
    distortion_kinds: ClassVar[tuple[str, ...]] = ("attack",)
    passes: ClassVar[int] = 2

    mu: float = parameter(
        default=0.5, ge=0, le=1, symbol="μ", doc="weight of the clean term", source="Laermann et al. 2019, Eq. 7: 0.5"
    )

    def forward_passes(self) -> int:
        return (self.mu > 0) + (self.mu < 1)

    def labelled_passes(self) -> int:
        return self.forward_passes()

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        terms = self._terms(model, batch, key)
        weights = {"clean": self.mu, "distorted": 1 - self.mu}
        total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        return Loss(total, {name: term.detach() for name, term in terms.items()})

    def _terms(self, model: nn.Module, batch: Batch, key: Key) -> dict[str, Tensor]:
        """L₀(x) and L₀(x'), without a term whose weight is 0."""
        shown = {"clean": batch.images} if self.mu > 0 else {}
        if self.mu < 1:
            shown["distorted"] = self.distorted(model, batch, key)
        return {name: F.cross_entropy(model(images), batch.labels) for name, images in shown.items()}
