"""Standard training: cross-entropy on undistorted images. The baseline."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn
from torch.nn import functional as F

from trainables.methods import Batch, Loss, Method
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class Standard(Method):
    """L = L₀(x) = −mean log p(y | x)."""

    label: ClassVar[str] = "Baseline"
    summary: ClassVar[str] = "Cross-entropy on undistorted images (Laermann et al. 2019, Eq. 3)"
    trains_on_distortion: ClassVar[bool] = False

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        clean = F.cross_entropy(model(batch.images), batch.labels)
        return Loss(clean, {"clean": clean.detach()})
