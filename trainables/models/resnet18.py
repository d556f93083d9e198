"""ResNet18 in torchvision's layout: at width 64 the same parameters, names, initial draws and outputs."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from trainables.models import Model, Network, Stage
from trainables.parameters import parameter

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class ResNet18(Model):
    """He et al. 2016, the 18-layer network. A state dict of torchvision's `resnet18` loads as it is."""

    label: ClassVar[str] = "ResNet18"
    summary: ClassVar[str] = "The 18-layer residual network, torchvision's layout (He et al. 2016)"

    width: int = parameter(
        default=64,
        ge=1,
        unit="channels",
        doc="channels of the first stage; each of the four stages has twice those of the last",
        source="He et al. 2016, Table 1: 64",
    )

    def check(self, shape: tuple[int, int, int], classes: int) -> None:
        if shape[0] not in (1, 3):
            raise ValueError(f"resnet18 takes images of 1 or 3 channels; got {shape[0]}")

    def build(self, shape: tuple[int, int, int], classes: int) -> Network:
        return ResNet18Network(shape[0], classes, self.width)


class ResNet18Network(Network):
    """Normalises with ImageNet's mean and deviation, channel by channel; grey images with their means over them."""

    places = ("input", "layer1", "layer2", "layer3")
    mean: Tensor
    deviation: Tensor

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", _per_channel(IMAGENET_MEAN, channels), persistent=False)
        self.register_buffer("deviation", _per_channel(IMAGENET_DEVIATION, channels), persistent=False)
        self.conv1 = nn.Conv2d(channels, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = _stage(width, width, stride=1)
        self.layer2 = _stage(width, 2 * width, stride=2)
        self.layer3 = _stage(2 * width, 4 * width, stride=2)
        self.layer4 = _stage(4 * width, 8 * width, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(8 * width, classes)
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


class Block(nn.Module):
    """x + F(x), F two 3 × 3 convolutions: He et al. 2016, Fig. 2."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, features: Tensor) -> Tensor:
        residual = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(features)))))
        summed: Tensor = self.relu(residual + self.shortcut(features))
        return summed

    def shortcut(self, features: Tensor) -> Tensor:
        return features


class NarrowingBlock(Block):
    """A block that halves the side and doubles the channels, its shortcut a strided 1 × 1 convolution."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        # Made before the rest, as torchvision makes it: the initial draws fall in its order.
        downsample = nn.Sequential(
            nn.Conv2d(channels, width, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(width)
        )
        super().__init__(channels, width, stride)
        self.downsample = downsample

    def shortcut(self, features: Tensor) -> Tensor:
        reduced: Tensor = self.downsample(features)
        return reduced


def _stage(channels: int, width: int, stride: int) -> nn.Sequential:
    """Two blocks, the first with the stride."""
    first = Block if stride == 1 else NarrowingBlock
    return nn.Sequential(first(channels, width, stride), Block(width, width, 1))


def _per_channel(values: tuple[float, ...], channels: int) -> Tensor:
    """[C, 1, 1]; one channel gets the values' mean."""
    described = torch.tensor(values).view(-1, 1, 1)
    return described if channels == len(values) else described.mean(dim=0, keepdim=True)


def _he(layer: nn.Module) -> None:
    """He et al. 2015, fan-out, for the convolutions; batch norm starts as the identity already."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
