"""Residual networks in torchvision's layout: the same parameters, names, initial draws and outputs."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from trainables.convolution import PointConv2d
from trainables.models import WIDEST, Model, Network, Stage
from trainables.parameters import parameter

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class Block(nn.Module):
    """ReLU(shortcut(x) + F(x)): He et al. 2016."""

    expansion: ClassVar[int]
    """Channels of the block's output, in those of its 3 × 3 convolutions."""
    relu: nn.Module
    downsample: nn.Module
    """The shortcut; the identity where F keeps the shape."""

    def __init__(self, channels: int, width: int, stride: int, shortcut: nn.Module) -> None:
        """`channels` come in; `shortcut` was made before, as torchvision makes it, so that the draws fall in order."""
        super().__init__()
        self.layers(channels, width, stride)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut

    @abstractmethod
    def layers(self, channels: int, width: int, stride: int) -> None:
        """Makes the layers of F."""

    @abstractmethod
    def residual(self, features: Tensor) -> Tensor:
        """F(x)."""

    def forward(self, features: Tensor) -> Tensor:
        summed: Tensor = self.relu(self.residual(features) + self.downsample(features))
        return summed


class BasicBlock(Block):
    """F is two 3 × 3 convolutions: He et al. 2016, Fig. 5, left."""

    expansion = 1

    def layers(self, channels: int, width: int, stride: int) -> None:
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def residual(self, features: Tensor) -> Tensor:
        normed: Tensor = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(features)))))
        return normed


class Bottleneck(Block):
    """F narrows by a 1 × 1 convolution, then 3 × 3 (with the stride, as torchvision has it), then widens fourfold:
    He et al. 2016, Fig. 5, right."""

    expansion = 4

    def layers(self, channels: int, width: int, stride: int) -> None:
        self.conv1 = nn.Conv2d(channels, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, self.expansion * width, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(self.expansion * width)

    def residual(self, features: Tensor) -> Tensor:
        narrow = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(features))))))
        normed: Tensor = self.bn3(self.conv3(narrow))
        return normed


@dataclass(frozen=True, kw_only=True)
class ResNet(Model):
    """He et al. 2016. At width 64 a state dict of torchvision's network of the same name loads as it is."""

    revision: ClassVar[int] = 2
    block: ClassVar[type[Block]]
    blocks: ClassVar[tuple[int, int, int, int]]
    """Of each stage."""

    width: int = parameter(
        default=64,
        ge=1,
        le=WIDEST,
        unit="channels",
        doc="channels of the first stage; each of the four stages has twice those of the last",
        source="He et al. 2016, Table 1: 64",
    )

    def check(self, shape: tuple[int, int, int], classes: int) -> None:
        if shape[0] not in (1, 3):
            name = type(self).__module__.rpartition(".")[2]
            raise ValueError(f"{name} takes images of 1 or 3 channels; got {shape[0]}")

    def build(self, shape: tuple[int, int, int], classes: int) -> Network:
        return ResNetNetwork(self.block, self.blocks, shape[0], classes, self.width)


class ResNetNetwork(Network):
    """Normalises with ImageNet's mean and deviation, channel by channel; grey images with their means over them."""

    places = ("input", "layer1", "layer2", "layer3")
    mean: Tensor
    deviation: Tensor

    def __init__(self, block: type[Block], blocks: Sequence[int], channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", _per_channel(IMAGENET_MEAN, channels), persistent=False)
        self.register_buffer("deviation", _per_channel(IMAGENET_DEVIATION, channels), persistent=False)
        self.conv1 = nn.Conv2d(channels, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        grown = block.expansion * width
        self.layer1 = _stage(block, blocks[0], width, width, stride=1)
        self.layer2 = _stage(block, blocks[1], grown, 2 * width, stride=2)
        self.layer3 = _stage(block, blocks[2], 2 * grown, 4 * width, stride=2)
        self.layer4 = _stage(block, blocks[3], 4 * grown, 8 * width, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(8 * grown, classes)
        self.apply(_he)

    def normalise(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.deviation

    def stages(self) -> tuple[Stage, ...]:
        return self._to_layer1, self.layer2, self.layer3, self._logits

    def _to_layer1(self, images: Tensor) -> Tensor:
        features: Tensor = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(images)))))
        return features

    def _logits(self, features: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.avgpool(self.layer4(features)).flatten(1))
        return logits


def _stage(block: type[Block], count: int, channels: int, width: int, stride: int) -> nn.Sequential:
    """`count` blocks, the first with the stride and, where the shape changes, a projection as its shortcut."""
    grown = block.expansion * width
    shortcut = nn.Identity() if (channels, stride) == (grown, 1) else _projection(channels, grown, stride)
    first = block(channels, width, stride, shortcut)
    return nn.Sequential(first, *(block(grown, width, 1, nn.Identity()) for _ in range(count - 1)))


def _projection(channels: int, width: int, stride: int) -> nn.Module:
    """He et al. 2016, option B: a strided 1 × 1 convolution."""
    convolution = PointConv2d(channels, width, stride, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width))


def _per_channel(values: tuple[float, ...], channels: int) -> Tensor:
    """[C, 1, 1]; one channel gets the values' mean."""
    described = torch.tensor(values).view(-1, 1, 1)
    return described if channels == len(values) else described.mean(dim=0, keepdim=True)


def _he(layer: nn.Module) -> None:
    """He et al. 2015, fan-out, for the convolutions; batch norm starts as the identity already."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
