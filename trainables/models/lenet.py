"""LeNet, as Caffe's MNIST example has it and BANG used it: 431,080 parameters on 28 × 28 grey images."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from trainables.convolution import ImageConv2d
from trainables.models import Model, Network, Stage
from trainables.parameters import parameter

SMALLEST = 13
"""The smallest side that leaves a pixel after both stages."""


@dataclass(frozen=True, kw_only=True)
class LeNet(Model):
    """Two stages of 5 × 5 convolution and max-pooling, then 500 hidden units with the network's only ReLU."""

    label: ClassVar[str] = "LeNet"
    summary: ClassVar[str] = "Caffe's LeNet for 28 × 28 digits (LeCun et al. 1998; Rozsa et al. 2016, BANG)"

    dropout: float = parameter(
        default=0.0,
        ge=0,
        lt=1,
        doc="share of the hidden units dropped in training",
        source="Caffe's LeNet has none; Rozsa et al. 2016 (BANG): 0.5",
    )

    def check(self, shape: tuple[int, int, int], classes: int) -> None:
        _, height, width = shape
        if min(height, width) < SMALLEST:
            raise ValueError(f"lenet takes images of at least {SMALLEST} × {SMALLEST} px; got {height} × {width}")

    def build(self, shape: tuple[int, int, int], classes: int) -> Network:
        return LeNetNetwork(shape, classes, self.dropout)


class LeNetNetwork(Network):
    """The layers have Caffe's names."""

    places = ("input", "pool1", "pool2", "ip1")

    def __init__(self, shape: tuple[int, int, int], classes: int, dropout: float) -> None:
        super().__init__()
        channels, height, width = shape
        self.conv1 = ImageConv2d(channels, 20, kernel_size=5)
        self.pool1 = nn.MaxPool2d(2, ceil_mode=True)
        self.conv2 = nn.Conv2d(20, 50, kernel_size=5)
        self.pool2 = nn.MaxPool2d(2, ceil_mode=True)
        self.ip1 = nn.Linear(50 * _after_stages(height) * _after_stages(width), 500)
        self.drop1 = nn.Dropout(dropout)
        self.ip2 = nn.Linear(500, classes)
        self.apply(_xavier)

    def normalise(self, images: Tensor) -> Tensor:
        return images * (255 / 256)  # Caffe's input is the byte / 256

    def stages(self) -> tuple[Stage, ...]:
        return self._stage1, self._stage2, self._hidden, self._logits

    def _stage1(self, images: Tensor) -> Tensor:
        pooled: Tensor = self.pool1(self.conv1(images))
        return pooled

    def _stage2(self, features: Tensor) -> Tensor:
        pooled: Tensor = self.pool2(self.conv2(features))
        return pooled

    def _hidden(self, features: Tensor) -> Tensor:
        return torch.relu(self.ip1(features.flatten(1)))

    def _logits(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.ip2(self.drop1(hidden))
        return logits


def _after_stages(side: int) -> int:
    """The side of the second stage's output; Caffe rounds the pooled side up."""
    for _ in range(2):
        side = -(-(side - 4) // 2)
    return side


def _xavier(layer: nn.Module) -> None:
    """Caffe's xavier: weights U(−s, s), s = √(3 / fan-in); biases 0."""
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_uniform_(layer.weight, a=1)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
