"""AugMix: views mixed from chains of operations, and predictions held together over them."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F

from trainables.augmix import AugMixViews
from trainables.augmix_operations import shown_by
from trainables.losses import jensen_shannon
from trainables.methods import Batch, Loss, Method
from trainables.parameters import parameter
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class AugMix(Method):
    """L = L₀(x) + γ JSD(p(x), p(x'), p(x'')), x' and x'' two AugMix views of x: Hendrycks et al. 2020.

    One forward pass over the 3 N images, whose batch norm statistics are taken over all of them. γ = 0 is the
    authors' `no-jsd`: L = L₀(x'). Chains of depth 0 with γ = 0 are `standard`, step for step.
    """

    label: ClassVar[str] = "AugMix"
    summary: ClassVar[str] = (
        "Cross-entropy on clean images + γ × Jensen-Shannon divergence over two AugMix views (Hendrycks et al. 2020)"
    )
    trains_on_distortion: ClassVar[bool] = False
    passes: ClassVar[int] = 3

    jsd_weight: float = parameter(
        default=12.0,
        ge=0,
        doc="weight of the divergence; 0: cross-entropy on one view",
        source="Hendrycks et al. 2020: 12",
    )
    severity: float = parameter(
        default=3.0, ge=0.1, le=10, doc="largest level of an AugMix operation", source="Hendrycks et al. 2020, CIFAR: 3"
    )
    width: int = parameter(default=3, ge=1, le=10, doc="chains in an AugMix view", source="Hendrycks et al. 2020: 3")
    depth: int = parameter(
        default=-1,
        ge=-1,
        le=10,
        doc="operations of an AugMix chain; -1: drawn from 1, 2, 3 for each",
        source="Hendrycks et al. 2020: -1",
    )
    all_operations: bool = parameter(
        default=False,
        identity_default=False,
        doc="AugMix draws color, contrast, brightness and sharpness too, which overlap with ImageNet-C's corruptions",
        source="Hendrycks et al. 2020, their code: false",
    )

    def forward_passes(self) -> int:
        return 3 if self.jsd_weight > 0 else 1

    def shows(self) -> tuple[str, ...]:
        return shown_by(self.all_operations)

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        views = AugMixViews(
            severity=self.severity, width=self.width, depth=self.depth, all_operations=self.all_operations
        )
        if self.jsd_weight == 0:
            (view,) = views.of(batch.images, 1, key.child("augmix"))
            augmented = F.cross_entropy(model(view), batch.labels)
            return Loss(augmented, {"augmented": augmented.detach()})
        images = torch.cat((batch.images, *views.of(batch.images, 2, key.child("augmix"))))
        predictions = model(images).chunk(3)
        clean, jsd = F.cross_entropy(predictions[0], batch.labels), jensen_shannon(*predictions)
        return Loss(clean + self.jsd_weight * jsd, {"clean": clean.detach(), "jsd": jsd.detach()})
