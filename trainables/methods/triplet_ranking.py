"""Triplet ranking: the hinge on undistorted images alone. The baseline of feature stability."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from trainables.methods import Batch, Loss, Method
from trainables.parameters import parameter
from trainables.randomness import Key
from trainables.recipe import Measure
from trainables.tasks import Ranking, Task
from trainables.triplets import distances, drawn, embeddings, hinge


@dataclass(frozen=True, kw_only=True)
class TripletRanking(Method):
    """L₀ = mean max(0, g + ‖f(q) − f(p)‖₂ − ‖f(q) − f(n)‖₂): Zheng et al. 2016, from what others say of it.

    f is the network with `dimensions` outputs in place of the classes', brought to unit length. Every image q of a
    batch is the query of one triplet, its positive p and negative n drawn from the batch by their labels; one that has
    none in its batch is left out of the mean.
    """

    revision: ClassVar[int] = 2
    label: ClassVar[str] = "Triplet"
    summary: ClassVar[str] = "Triplet hinge on embeddings of undistorted images (Wang et al. 2014; Zheng et al. 2016)"
    trains_on_distortion: ClassVar[bool] = False
    measure: ClassVar[Measure] = Ranking.measure

    dimensions: int = parameter(
        default=64, ge=2, unit="numbers", doc="length of an embedding, as the network puts it out", source="ours"
    )
    margin: float = parameter(
        default=0.1,
        gt=0,
        le=2,
        symbol="g",
        doc="by how much nearer the positive is to lie; distances of unit lengths are at most 2",
        source="ours: the margin of Zheng et al. 2016 is not at hand",
    )

    @property
    def task(self) -> Task:
        return Ranking(self.dimensions, self.margin)

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        ranking = self._ranking(embeddings(model(batch.images)), batch.labels, key)
        return Loss(ranking, {"ranking": ranking.detach()})

    def _ranking(self, clean: Tensor, labels: Tensor, key: Key) -> Tensor:
        """L₀ of the clean embeddings [N, dimensions]; 0 for a batch without a triplet."""
        generator = key.child("triplets").generator(clean.device)
        uniform = torch.rand(2, len(labels), generator=generator, device=clean.device, dtype=torch.float64)
        triplets = drawn(labels, uniform)
        near, far = distances(clean, clean[triplets.positives]), distances(clean, clean[triplets.negatives])
        losses = torch.where(triplets.whole, hinge(near, far, self.margin), 0)
        return losses.sum() / triplets.whole.sum().clamp_min(1)
