"""Feature stability: the triplet hinge on clean embeddings, a distorted copy's embedding held to the clean one."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from trainables.losses import l2
from trainables.methods import Batch, Loss
from trainables.methods.triplet_ranking import TripletRanking
from trainables.parameters import parameter
from trainables.randomness import Key
from trainables.recipe import Kind
from trainables.triplets import embeddings


@dataclass(frozen=True, kw_only=True)
class FeatureStability(TripletRanking):
    """L = L₀(x) + α mean ‖f(x) − f(x')‖₂: Zheng et al. 2016's stability training for ranking.

    L₀ is the hinge of `triplet_ranking` on the clean images; x' is the distorted copy of every image x of the batch.
    Two forward passes in train mode, clean then distorted; the gradient flows through both. α = 0 makes no distorted
    pass and so is `triplet_ranking`, step for step.
    """

    label: ClassVar[str] = "FS"
    summary: ClassVar[str] = (
        "Triplet hinge on clean embeddings + α × distance between the embeddings of clean and distorted copies "
        "(Zheng et al. 2016)"
    )
    trains_on_distortion: ClassVar[bool] = True
    distortion_kinds: ClassVar[tuple[Kind, ...]] = ("noise", "transformative")
    passes: ClassVar[int] = 2

    alpha: float = parameter(
        ge=0,
        symbol="α",
        doc="weight of the stability term",
        source="ours; Laermann et al. 2019, Table 2, take 0.01 to 10 for class predictions",
    )

    def forward_passes(self) -> int:
        return 2 if self.alpha > 0 else 1

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        clean = embeddings(model(batch.images))
        ranking = self._ranking(clean, batch.labels, key)
        if self.alpha == 0:
            return Loss(ranking, {"ranking": ranking.detach()})
        stability = l2(clean, embeddings(model(self.distorted(model, batch, key))))
        return Loss(ranking + self.alpha * stability, {"ranking": ranking.detach(), "stability": stability.detach()})
