"""Wide residual networks for images of 32 to 64 px: 28-4, 28-2 and 40-2 by depth and width."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor, nn
from torch.nn import functional as F

from trainables.models import WIDEST, Model, Network, Stage
from trainables.parameters import parameter

Layout = Literal["noisymix", "augmix"]

STEM = 16
"""Channels before the first group."""


@dataclass(frozen=True, kw_only=True)
class WideResNet(Model):
    """Zagoruyko & Komodakis 2016: three groups of (depth − 4) / 6 blocks, 16, 32 and 64 times `width` channels.

    The two layouts differ. noisymix: every convolution has a bias, the stride sits on a block's second convolution, the
    shortcut sees the raw input, the last batch norm has momentum 0.9, initial weights are torch's. augmix: no biases,
    the stride sits on the first convolution, the shortcut of a block that changes the shape sees BN-ReLU of the input,
    as in the original; He's initial weights (fan-out).
    """

    label: ClassVar[str] = "WideResNet"
    summary: ClassVar[str] = "A wide residual network for 32 to 64 px (Zagoruyko & Komodakis 2016, arXiv 1605.07146)"

    depth: int = parameter(
        default=28,
        ge=10,
        le=1000,
        unit="layers",
        doc="layers: 4 more than a multiple of 6",
        source="NoisyMix: 28; AugMix: 40",
    )
    width: int = parameter(
        default=4,
        ge=1,
        le=WIDEST // 16,
        unit="× 16 channels",
        doc="channels of the first group",
        source="NoisyMix: 4; AugMix: 2",
    )
    dropout: float = parameter(
        default=0.1,
        ge=0,
        lt=1,
        doc="share of a block's inner features dropped in training",
        source="NoisyMix's code, f76352e: 0.1; AugMix: 0",
    )
    layout: Layout = parameter(
        default="noisymix",
        doc="whose blocks: where biases, strides and shortcuts are",
        source="the code of NoisyMix, f76352e, and of AugMix, 9b9824c",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth % 6 != 4:
            below = self.depth - (self.depth - 4) % 6
            raise ValueError(f"depth is 4 more than a multiple of 6, such as {below} or {below + 6}; got {self.depth}")

    def build(self, shape: tuple[int, int, int], classes: int) -> Network:
        return WideResNetNetwork(shape[0], classes, (self.depth - 4) // 6, self.width, self.dropout, self.layout)


class NoisyMixBlock(nn.Module):
    """x + conv2(ReLU(BN2(dropout(conv1(ReLU(BN1(x))))))), the stride on conv2."""

    def __init__(self, channels: int, width: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1)
        changed = (channels, stride) != (width, 1)
        self.shortcut = nn.Conv2d(channels, width, kernel_size=1, stride=stride) if changed else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        inner = self.dropout(self.conv1(F.relu(self.bn1(features))))
        summed: Tensor = self.conv2(F.relu(self.bn2(inner))) + self.shortcut(features)
        return summed


class AugMixBlock(nn.Module):
    """x + conv2(dropout(ReLU(BN2(conv1(a))))), a = ReLU(BN1(x)), the stride on conv1.

    Where the shape changes, a 1 × 1 convolution of a takes the place of x.
    """

    def __init__(self, channels: int, width: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.changed = (channels, stride) != (width, 1)
        if self.changed:
            self.shortcut = nn.Conv2d(channels, width, kernel_size=1, stride=stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        activated = F.relu(self.bn1(features))
        inner = self.dropout(F.relu(self.bn2(self.conv1(activated))))
        summed: Tensor = self.conv2(inner) + (self.shortcut(activated) if self.changed else features)
        return summed


BLOCKS: dict[Layout, type[NoisyMixBlock] | type[AugMixBlock]] = {"noisymix": NoisyMixBlock, "augmix": AugMixBlock}


class WideResNetNetwork(Network):
    """Groups with strides 1, 2, 2, a batch norm, a ReLU and the mean over what is left, so that any side will do."""

    places = ("input", "group1", "group2", "group3")

    def __init__(self, channels: int, classes: int, blocks: int, width: int, dropout: float, layout: Layout) -> None:
        super().__init__()
        biased = layout == "noisymix"
        first, second, third = (scale * width for scale in (16, 32, 64))
        self.conv1 = nn.Conv2d(channels, STEM, kernel_size=3, padding=1, bias=biased)
        self.group1 = _group(layout, blocks, STEM, first, 1, dropout)
        self.group2 = _group(layout, blocks, first, second, 2, dropout)
        self.group3 = _group(layout, blocks, second, third, 2, dropout)
        self.bn = nn.BatchNorm2d(third, momentum=0.9 if biased else 0.1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(third, classes)
        if not biased:
            self.apply(_he)

    def normalise(self, images: Tensor) -> Tensor:
        return images * 2 - 1  # (x − mean 0.5) / deviation 0.5

    def stages(self) -> tuple[Stage, ...]:
        return self._to_group1, self.group2, self.group3, self._logits

    def _to_group1(self, images: Tensor) -> Tensor:
        features: Tensor = self.group1(self.conv1(images))
        return features

    def _logits(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.pool(F.relu(self.bn(features))).flatten(1))
        return logits


def _group(layout: Layout, blocks: int, channels: int, width: int, stride: int, dropout: float) -> nn.Sequential:
    """`blocks` blocks, the first with the stride."""
    block = BLOCKS[layout]
    rest = (block(width, width, 1, dropout) for _ in range(blocks - 1))
    return nn.Sequential(block(channels, width, stride, dropout), *rest)


def _he(layer: nn.Module) -> None:
    """He et al. 2015, fan-out, for the convolutions; the linear layer's bias begins at 0."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if isinstance(layer, nn.Linear):
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
