"""ResNet18 with pre-activation blocks, for images of 32 to 64 px: what NoisyMix and NFM train on CIFAR."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from trainables.convolution import PointConv2d
from trainables.models import WIDEST, Model, Network, Stage
from trainables.parameters import parameter


@dataclass(frozen=True, kw_only=True)
class PreActResNet18(Model):
    """He et al. 2016 (arXiv 1603.05027) with a 3 × 3 stem, as the code of NoisyMix has it: 11,171,146 parameters.

    Convolutions without bias, torch's own initial weights, no batch norm or ReLU after the last block.
    """

    revision: ClassVar[int] = 2
    label: ClassVar[str] = "PreActResNet18"
    summary: ClassVar[str] = "The 18-layer pre-activation residual network for 32 to 64 px (NoisyMix's code)"

    width: int = parameter(
        default=64,
        ge=1,
        le=WIDEST,
        unit="channels",
        doc="channels of the first stage; each of the four stages has twice those of the last",
        source="NoisyMix's code, f76352e: 64, and 128 for the wide one",
    )

    def build(self, shape: tuple[int, int, int], classes: int) -> Network:
        return PreActResNet18Network(shape[0], classes, self.width)


class PreActResNet18Network(Network):
    """Stages of two blocks with strides 1, 2, 2, 2; the mean over what is left, so that any side will do."""

    places = ("input", "layer1", "layer2", "layer3")

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False)
        self.layer1 = _stage(width, width, stride=1)
        self.layer2 = _stage(width, 2 * width, stride=2)
        self.layer3 = _stage(2 * width, 4 * width, stride=2)
        self.layer4 = _stage(4 * width, 8 * width, stride=2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(8 * width, classes)

    def normalise(self, images: Tensor) -> Tensor:
        return images * 2 - 1  # (x − mean 0.5) / deviation 0.5

    def stages(self) -> tuple[Stage, ...]:
        return self._to_layer1, self.layer2, self.layer3, self._logits

    def _to_layer1(self, images: Tensor) -> Tensor:
        features: Tensor = self.layer1(self.conv1(images))
        return features

    def _logits(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.pool(self.layer4(features)).flatten(1))
        return logits


class Block(nn.Module):
    """x + F(BN-ReLU(x)); the shortcut of a block that changes the shape is a 1 × 1 convolution of BN-ReLU(x)."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        activated = F.relu(self.bn1(features))
        residual: Tensor = self.conv2(F.relu(self.bn2(self.conv1(activated))))
        return residual + self.carried(features, activated)

    def carried(self, features: Tensor, activated: Tensor) -> Tensor:
        """What the shortcut adds to F."""
        return features


class NarrowingBlock(Block):
    """A block that changes the number of channels or the side."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__(channels, width, stride)
        self.shortcut = PointConv2d(channels, width, stride, bias=False)

    def carried(self, features: Tensor, activated: Tensor) -> Tensor:
        projected: Tensor = self.shortcut(activated)
        return projected


def _stage(channels: int, width: int, stride: int) -> nn.Sequential:
    """Two blocks, the first with the stride."""
    first = Block if (channels, stride) == (width, 1) else NarrowingBlock
    return nn.Sequential(first(channels, width, stride), Block(width, width, 1))
