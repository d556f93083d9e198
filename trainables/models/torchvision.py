"""torchvision's classification networks, as they come: for weights that were trained elsewhere."""

import difflib
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from trainables.models import Change, Model, Network, Stage
from trainables.parameters import parameter
from trainables.residual import IMAGENET_DEVIATION, IMAGENET_MEAN

CHANNELS = 3


@dataclass(frozen=True, kw_only=True)
class Torchvision(Model):
    """A network of `torchvision.models` by its name there. A state dict of torchvision's loads as it is.

    Grey images are given to all three channels.
    """

    label: ClassVar[str] = "torchvision"
    summary: ClassVar[str] = "A classification network of torchvision.models, by its name there"

    architecture: str = parameter(
        default="resnet18", doc="its name in torchvision.models, such as densenet121 or vit_b_16", source="torchvision"
    )
    mean: tuple[float, ...] = parameter(
        default=IMAGENET_MEAN, ge=0, le=1, doc="taken from each channel first", source="torchvision: ImageNet's"
    )
    deviation: tuple[float, ...] = parameter(
        default=IMAGENET_DEVIATION, gt=0, doc="each channel is divided by it then", source="torchvision: ImageNet's"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not len(self.mean) == len(self.deviation) == CHANNELS:
            raise ValueError(f"mean and deviation have 3 numbers each; got {len(self.mean)} and {len(self.deviation)}")
        from torchvision import models  # here: the import takes seconds

        there = models.list_models(module=models)
        if self.architecture not in there:
            near = difflib.get_close_matches(self.architecture, there, n=3)
            meant = f"did you mean {' or '.join(near)}?" if near else "torchvision.models.list_models() lists them"
            raise ValueError(f"torchvision has no network called {self.architecture!r}; {meant}")

    def check(self, shape: tuple[int, int, int], classes: int) -> None:
        """By a pass without numbers: a network's limits are where it stops."""
        if shape[0] not in (1, CHANNELS):
            raise ValueError(f"torchvision's networks take images of 1 or 3 channels; got {shape[0]}")
        with torch.device("meta"):
            network = self.build(shape, classes).eval()
            try:
                network(torch.empty(2, *shape))
            except (RuntimeError, AssertionError, ValueError) as error:
                told = " ".join(str(error).split())
                raise ValueError(f"{self.architecture} cannot take images of {shape} ({told})") from None

    def build(self, shape: tuple[int, int, int], classes: int) -> Network:
        from torchvision import models

        return TorchvisionNetwork(models.get_model(self.architecture, weights=None, num_classes=classes), self)


class TorchvisionNetwork(Network):
    """Normalises, then does what torchvision's network does."""

    places = ("input",)
    mean: Tensor
    deviation: Tensor

    def __init__(self, network: nn.Module, described: Torchvision) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(described.mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(described.deviation).view(-1, 1, 1), persistent=False)
        self.network = network

    def forward(self, images: Tensor, change: Change | None = None) -> Tensor:
        """As every network's; raises ValueError for a change inside torchvision's, which names no stages."""
        if change is not None and change.place > 0:
            raise ValueError(
                f"torchvision's networks have features at their input alone; write layers: 0 ({change.place})"
            )
        return super().forward(images, change)

    def normalise(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.deviation

    def stages(self) -> tuple[Stage, ...]:
        return (self._logits,)

    def _logits(self, images: Tensor) -> Tensor:
        """Of the last layer alone: in training, Inception and GoogLeNet give those of earlier layers too."""
        outputs: Any = self.network(images)
        logits: Tensor = outputs if isinstance(outputs, Tensor) else outputs.logits
        return logits
