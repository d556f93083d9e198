"""A small convolutional network with batch norm, for images of 28 to 64 px."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from trainables.models import WIDEST, Model, Network, Stage
from trainables.parameters import parameter

SMALLEST = 8
"""The smallest side that leaves a pixel after three halvings."""


@dataclass(frozen=True, kw_only=True)
class SmallCNN(Model):
    """Three stages of 3 × 3 convolution, batch norm, ReLU and halving; the mean over what is left; a linear layer."""

    label: ClassVar[str] = "SmallCNN"
    summary: ClassVar[str] = "Three convolutions with batch norm, for 28 to 64 px (ours)"

    width: int = parameter(
        default=32,
        ge=1,
        le=WIDEST,
        unit="channels",
        doc="channels of the first stage; each stage has twice those of the last",
        source="ours",
    )

    def check(self, shape: tuple[int, int, int], classes: int) -> None:
        _, height, width = shape
        if min(height, width) < SMALLEST:
            raise ValueError(f"small_cnn takes images of at least {SMALLEST} × {SMALLEST} px; got {height} × {width}")

    def build(self, shape: tuple[int, int, int], classes: int) -> Network:
        return SmallCNNNetwork(shape[0], classes, self.width)


class SmallCNNNetwork(Network):
    """Each stage is a place of its own."""

    places = ("input", "stage1", "stage2", "stage3")

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.stage1 = _stage(channels, width)
        self.stage2 = _stage(width, 2 * width)
        self.stage3 = _stage(2 * width, 4 * width)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4 * width, classes)

    def normalise(self, images: Tensor) -> Tensor:
        return images * 4 - 2  # (x − mean 0.5) / deviation 0.25

    def stages(self) -> tuple[Stage, ...]:
        return self.stage1, self.stage2, self.stage3, self._logits

    def _logits(self, features: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.pool(features).flatten(1))
        return logits


def _stage(channels: int, width: int) -> nn.Sequential:
    """[N, channels, H, W] → [N, width, H / 2, W / 2]."""
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )
