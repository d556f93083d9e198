"""NoisyMix: AugMix views, mixed and made noisy inside the network, their predictions held together."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.augmix import AugMixViews
from trainables.augmix_operations import shown_by
from trainables.feature_noise import FeatureNoise, draw_noise, shown_noise
from trainables.losses import jensen_shannon
from trainables.manifold import ManifoldChange, NoisyPlace, draw_place, predicted
from trainables.methods import Batch, Loss, Method
from trainables.methods.augmix import AugMix
from trainables.mixing import Mixing, draw_mixing
from trainables.parameters import like, parameter
from trainables.randomness import Key

CODE = "Erichson et al. 2024, their code"


@dataclass(frozen=True, kw_only=True)
class NoisyMix(Method):
    """L = λ L₀(z₁, y) + (1 − λ) L₀(z₁, y[π]) + γ JSD(p(z₁), p(z₂), p(z₃)): Erichson et al. 2024.

    z_v from M_v (λ hₖ(x_v) + (1 − λ) hₖ(x_v)[π]) + A_v, where x₁ is the image, x₂ and x₃ are AugMix views of it. The
    place k, λ ~ Beta(α, α) and π are one for the step, the noise M_v, A_v is each view's own. One forward pass over
    the 3 N images, whose batch norm statistics are taken over all of them. As in the authors' code at f76352e; the
    paper writes two views and noise without the Beta factors, the sparsity and the levels' growth with the view.

    Each switch leaves the rest as it is: α = 0 is `augmix`, neither mixed nor noisy; γ = 0 shows one AugMix view, or
    the image itself without `augmix`; γ > 0 without `augmix` compares three differently noisy copies. α, γ and
    `augmix` all off are `standard`, step for step.
    """

    label: ClassVar[str] = "NoisyMix"
    summary: ClassVar[str] = (
        "Manifold mixup with noise over the image and two AugMix views, γ × their Jensen-Shannon divergence "
        "(Erichson et al. 2024)"
    )
    trains_on_distortion: ClassVar[bool] = False
    passes: ClassVar[int] = 3

    alpha: float = parameter(
        default=1.0,
        ge=0,
        doc="of Beta(alpha, alpha), which the share of an image in its mixture is drawn from; 0: no mixing, no noise",
        source=f"{CODE}, CIFAR: 1",
    )
    additive: float = like(NoisyPlace, "additive", default=0.5, source=f"{CODE}, CIFAR: 0.5")
    multiplicative: float = like(NoisyPlace, "multiplicative", default=0.5, source=f"{CODE}, CIFAR: 0.5")
    sparsity: float = parameter(
        default=0.65,
        ge=0,
        le=1,
        doc="share of the features that each noise leaves alone; 1: no noise",
        source=f"{CODE}, CIFAR: 0.65",
    )
    view_scaling: bool = parameter(
        default=True,
        doc="additive noise of 1, 2 and 3 times its level on the three views; else of 1 on each",
        source=f"{CODE}: true",
    )
    jsd_weight: float = parameter(
        default=12.0,
        ge=0,
        doc="weight of the divergence; 0: one view, no divergence",
        source=f"{CODE}: 12",
    )
    manifold: bool = like(NoisyPlace, "manifold", source=f"{CODE}: true")
    augmix: bool = parameter(default=True, doc="AugMix views; else copies of the image", source=f"{CODE}: true")
    layers: int = like(NoisyPlace, "layers", source=f"{CODE}: 3")
    severity: float = like(AugMix, "severity", source=f"{CODE}: 3")
    width: int = like(AugMix, "width", source="Hendrycks et al. 2020: 3")
    depth: int = like(AugMix, "depth", source="Hendrycks et al. 2020: -1")
    all_operations: bool = like(AugMix, "all_operations", source=f"{CODE}: false")

    def forward_passes(self) -> int:
        return 3 if self.jsd_weight > 0 else 1

    def shows(self) -> tuple[str, ...]:
        noisy = self.alpha > 0 and self.sparsity < 1
        noise = shown_noise(self.additive, self.multiplicative) if noisy else ()
        return (*noise, *(shown_by(self.all_operations) if self.augmix else ()))

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        mixing = draw_mixing(self.alpha, len(batch.labels), batch.images.device, key) if self.alpha > 0 else None
        change = self._change(mixing, key) if mixing is not None else None
        return self.compared(predicted(model, torch.cat(self._views(batch, key)), change), batch.labels, mixing)

    def compared(self, logits: Tensor, labels: Tensor, mixing: Mixing | None) -> Loss:
        """The loss of all views' logits [V N, classes], the first N of them the clean view's; labels [N]."""
        clean, *others = torch.split(logits, len(labels))
        task = F.cross_entropy(clean, labels) if mixing is None else mixing.cross_entropy(clean, labels)
        if not others:
            return Loss(task, {"mixed": task.detach()})
        jsd = jensen_shannon(clean, *others)
        return Loss(task + self.jsd_weight * jsd, {"mixed": task.detach(), "jsd": jsd.detach()})

    def _views(self, batch: Batch, key: Key) -> tuple[Tensor, ...]:
        """What the network is shown: one view of the batch, or three with the images first."""
        together = self.forward_passes() == 3
        if not self.augmix:
            return (batch.images,) * self.forward_passes()
        views = AugMixViews(
            severity=self.severity, width=self.width, depth=self.depth, all_operations=self.all_operations
        )
        drawn = views.of(batch.images, 2 if together else 1, key.child("augmix"))
        return (batch.images, *drawn) if together else drawn

    def _change(self, mixing: Mixing, key: Key) -> ManifoldChange:
        noises = tuple(self._noise(view, key.child("noise", view)) for view in range(self.forward_passes()))
        return ManifoldChange(place=draw_place(self.layers if self.manifold else 0, key), mixing=mixing, noises=noises)

    def _noise(self, view: int, key: Key) -> FeatureNoise:
        scale = 1 + view if self.view_scaling else 1
        return draw_noise(scale * self.additive, self.multiplicative, self.sparsity, key)
