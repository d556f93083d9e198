"""Stability training (ST): cross-entropy on clean images, the distorted prediction held to the clean one."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn
from torch.nn import functional as F

from trainables.losses import DIVERGENCES, Divergence
from trainables.methods import Batch, Loss, Method
from trainables.parameters import parameter
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class StabilityTraining(Method):
    """L = L₀(x) + α L_stab(x, x'): Zheng et al. 2016; Laermann et al. 2019, Eq. 4.

    The labels meet the clean images only. Two forward passes in train mode, clean then distorted, each updating batch
    norm's running statistics; the gradient flows through both. α = 0 makes no distorted pass and so is `standard`, step
    for step.
    """

    label: ClassVar[str] = "ST"
    summary: ClassVar[str] = (
        "Cross-entropy on clean images + α × divergence of the distorted prediction from the clean one "
        "(Zheng et al. 2016; Laermann et al. 2019, Eqs. 4 to 6)"
    )
    trains_on_distortion: ClassVar[bool] = True
    passes: ClassVar[int] = 2

    alpha: float = parameter(
        ge=0,
        symbol="α",
        doc="weight of the stability term",
        source="Laermann et al. 2019, Table 2: 0.01 to 10, logarithmic",
    )
    divergence: Divergence = parameter(
        default="kl",
        doc="how the two predictions are compared",
        source="Laermann et al. 2019: kl (Eq. 5), symmetric_kl (Eq. 6); Zheng et al. 2016: soft_cross_entropy, l2",
    )

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        logits = model(batch.images)
        clean = F.cross_entropy(logits, batch.labels)
        if self.alpha == 0:
            return Loss(clean, {"clean": clean.detach()})
        stability = DIVERGENCES[self.divergence](logits, model(self.distorted(model, batch, key)))
        return Loss(clean + self.alpha * stability, {"clean": clean.detach(), "stability": stability.detach()})
