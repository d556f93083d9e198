"""CIFAR-10 quick, as Caffe's example has it and BANG used it: 145,578 parameters on 32 × 32 colour images."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from trainables.models import Model, Network, Stage
from trainables.parameters import parameter

SMALLEST = 8
"""The smallest side that leaves a pixel after three poolings."""


@dataclass(frozen=True, kw_only=True)
class CIFAR10Quick(Model):
    """Three stages of 5 × 5 convolution, ReLU and pooling, then two linear layers with no ReLU between them."""

    label: ClassVar[str] = "CIFAR-10 quick"
    summary: ClassVar[str] = "Caffe's quick network for 32 × 32 photographs (Rozsa et al. 2016, BANG)"

    dropout: float = parameter(
        default=0.0,
        ge=0,
        lt=1,
        doc="share of the 64 hidden units dropped in training",
        source="Caffe's example has none; Rozsa et al. 2016 (BANG): 0.5",
    )

    def check(self, shape: tuple[int, int, int], classes: int) -> None:
        _, height, width = shape
        if min(height, width) < SMALLEST:
            raise ValueError(
                f"cifar10_quick takes images of at least {SMALLEST} × {SMALLEST} px; got {height} × {width}"
            )

    def build(self, shape: tuple[int, int, int], classes: int) -> Network:
        return CIFAR10QuickNetwork(shape, classes, self.dropout)


class CIFAR10QuickNetwork(Network):
    """The layers have Caffe's names. The first stage pools before its ReLU, the others after."""

    places = ("input", "pool1", "pool2", "pool3")
    mean: Tensor
    """[C, H, W]: the training images' mean, pixel by pixel, in 0 … 255; zeros until `see` was called."""

    def __init__(self, shape: tuple[int, int, int], classes: int, dropout: float) -> None:
        super().__init__()
        channels, height, width = shape
        for _ in range(3):
            height, width = _pooled(height), _pooled(width)
        self.register_buffer("mean", torch.zeros(shape))
        self.conv1 = nn.Conv2d(channels, 32, kernel_size=5, padding=2)
        self.pool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = nn.Conv2d(32, 32, kernel_size=5, padding=2)
        self.pool2 = nn.AvgPool2d(3, stride=2, ceil_mode=True)
        self.conv3 = nn.Conv2d(32, 64, kernel_size=5, padding=2)
        self.pool3 = nn.AvgPool2d(3, stride=2, ceil_mode=True)
        self.ip1 = nn.Linear(64 * height * width, 64)
        self.drop1 = nn.Dropout(dropout)
        self.ip2 = nn.Linear(64, classes)
        _draw(self.conv1, 0.0001)
        for layer, deviation in ((self.conv2, 0.01), (self.conv3, 0.01), (self.ip1, 0.1), (self.ip2, 0.1)):
            _draw(layer, deviation)

    def see(self, pixels: Tensor) -> None:
        self.mean.copy_(pixels.sum(0) / len(pixels))

    def normalise(self, images: Tensor) -> Tensor:
        return images * 255 - self.mean  # Caffe's input is the byte, unscaled

    def stages(self) -> tuple[Stage, ...]:
        return self._stage1, self._stage2, self._stage3, self._logits

    def _stage1(self, images: Tensor) -> Tensor:
        return torch.relu(self.pool1(self.conv1(images)))

    def _stage2(self, features: Tensor) -> Tensor:
        pooled: Tensor = self.pool2(torch.relu(self.conv2(features)))
        return pooled

    def _stage3(self, features: Tensor) -> Tensor:
        pooled: Tensor = self.pool3(torch.relu(self.conv3(features)))
        return pooled

    def _logits(self, features: Tensor) -> Tensor:
        logits: Tensor = self.ip2(self.drop1(self.ip1(features.flatten(1))))
        return logits


def _pooled(side: int) -> int:
    """The side after 3 × 3 pooling with stride 2; Caffe rounds up."""
    return -(-(side - 3) // 2) + 1


def _draw(layer: nn.Conv2d | nn.Linear, deviation: float) -> None:
    """Caffe's gaussian filler: weights N(0, deviation²); biases 0."""
    nn.init.normal_(layer.weight, std=deviation)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
