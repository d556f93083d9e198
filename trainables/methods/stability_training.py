"""Stability training (ST): cross-entropy on clean images, the distorted prediction held to the clean one."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.losses import DIVERGENCES, Divergence
from trainables.methods import Batch, Loss, Method
from trainables.parameters import parameter
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class StabilityTraining(Method):
    """L = L₀(x) + α L_stab(x, x'): Zheng et al. 2016; Laermann et al. 2019, Eq. 4.

    The labels meet the clean images only. x' is made first, an attack on the network as the last step left it; then two
    forward passes in train mode, clean and distorted, each updating batch norm's running statistics; the gradient flows
    through both. With `concatenate` both halves pass together, so that batch norm takes its statistics over clean and
    distorted images at once. α = 0 makes no distorted pass, whatever the options, and so is `standard`, step for step.
    """

    revision: ClassVar[int] = 2
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

    detach_clean: bool = parameter(
        default=False,
        identity_default=False,
        doc="stop the stability term's gradient at the clean prediction, which is then a fixed target",
        source="ours: Zheng et al. 2016 and Laermann et al. 2019 print functions of both predictions",
    )
    concatenate: bool = parameter(
        default=False,
        identity_default=False,
        doc="pass clean and distorted images through the network as one batch of twice the size",
        source="ours: no paper says which; it matters to batch norm alone",
    )

    def forward_passes(self) -> int:
        return 2 if self.alpha > 0 else 1

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        if self.alpha == 0:
            clean = F.cross_entropy(model(batch.images), batch.labels)
            return Loss(clean, {"clean": clean.detach()})
        logits, distorted = self._predictions(model, batch, key)
        clean = F.cross_entropy(logits, batch.labels)
        stability = DIVERGENCES[self.divergence](logits.detach() if self.detach_clean else logits, distorted)
        return Loss(clean + self.alpha * stability, {"clean": clean.detach(), "stability": stability.detach()})

    def _predictions(self, model: nn.Module, batch: Batch, key: Key) -> tuple[Tensor, Tensor]:
        """Logits of the clean and of the distorted images, [N, classes] each."""
        copies = self.distorted(model, batch, key)
        if not self.concatenate:
            return model(batch.images), model(copies)
        together: Tensor = model(torch.cat((batch.images, copies)))
        clean, distorted = together.chunk(2)
        return clean, distorted
