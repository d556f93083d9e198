"""Data augmentation (DA): with probability p a distorted copy takes an image's place."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.methods import Batch, Loss, Method
from trainables.parameters import parameter
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class DataAugmentation(Method):
    """L = L₀(b x' + (1 − b) x), b ~ Bernoulli(p) for every image: Laermann et al. 2019.

    p = 1 never shows a clean image, p = 0 is `standard`, step for step. An attack is crafted against the whole batch,
    then taken where b = 1.
    """

    label: ClassVar[str] = "DA"
    summary: ClassVar[str] = (
        "Cross-entropy where each image is replaced by its distorted copy with probability p (Laermann et al. 2019)"
    )
    trains_on_distortion: ClassVar[bool] = True

    p: float = parameter(
        ge=0,
        le=1,
        symbol="p",
        doc="the probability that an image is distorted",
        source="Laermann et al. 2019, Table 2: 0.5, 1",
    )

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        augmented = F.cross_entropy(model(self._augmented(model, batch, key)), batch.labels)
        return Loss(augmented, {"augmented": augmented.detach()})

    def _augmented(self, model: nn.Module, batch: Batch, key: Key) -> Tensor:
        if self.p == 0:
            return batch.images
        distorted = self.distorted(model, batch, key)
        return torch.where(self.replaced(batch, key)[:, None, None, None], distorted, batch.images)

    def replaced(self, batch: Batch, key: Key) -> Tensor:
        """[N] bool: the images whose distorted copy is shown."""
        device = batch.images.device
        return torch.rand(len(batch.labels), generator=key.child("replaced").generator(device), device=device) < self.p
