"""FGSM, the fast gradient sign method: x' = x + ε sign(∂L/∂x)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.attacks import Attack
from trainables.distortions import Level
from trainables.parameters import parameter


@dataclass(frozen=True, kw_only=True)
class FGSM(Attack):
    """One step of size `epsilon` in L∞ against the model itself (Goodfellow et al. 2015).

    L is the cross-entropy summed over the batch, so that no factor 1/N underflows. For every training method this is
    the direction of the full loss too: at x' = x a divergence and its gradient vanish. sign(0) = 0: a pixel without
    gradient stays.
    """

    level: ClassVar[Level] = Level(
        name="epsilon",
        ge=0,
        le=1,
        unit="pixels in [0, 1]",
        symbol="ε",
        doc="largest change of a pixel (L∞)",
        source="Laermann et al. 2019, Tables 1 and 2: 0.001 to 1",
        identity_level=0,
        practical=0.001,
        log_axis=True,
    )
    summary: ClassVar[str] = "One step of ε along the sign of the input gradient (Goodfellow et al. 2015)"

    clamp: bool = parameter(
        default=True, doc="clip the result to [0, 1]", source="ours: Laermann et al. 2019 print no clip"
    )

    def craft(
        self, images: Tensor, labels: Tensor, model: nn.Module, levels: tuple[float, ...], generator: torch.Generator
    ) -> tuple[Tensor, ...]:
        direction = input_gradient(images, labels, model).sign_()
        steps = (torch.add(images, direction, alpha=level) for level in levels)
        return tuple(step.clamp_(0, 1) if self.clamp else step for step in steps)


def input_gradient(images: Tensor, labels: Tensor, model: nn.Module) -> Tensor:
    """∂ Σ cross-entropy / ∂ images, [N, C, H, W]; the parameters' gradients are neither computed nor touched."""
    with torch.inference_mode(False), torch.enable_grad():
        pixels = images.clone().requires_grad_()
        loss = F.cross_entropy(model(pixels), labels, reduction="sum")
        return torch.autograd.grad(loss, pixels)[0]
