"""ResNet50 in torchvision's layout: 25,557,032 parameters at width 64 and 1,000 classes."""

from dataclasses import dataclass
from typing import ClassVar

from trainables.residual import Block, Bottleneck, ResNet


@dataclass(frozen=True, kw_only=True)
class ResNet50(ResNet):
    """He et al. 2016, the 50-layer network. A state dict of torchvision's `resnet50` loads as it is."""

    label: ClassVar[str] = "ResNet50"
    summary: ClassVar[str] = "The 50-layer residual network, torchvision's layout (He et al. 2016)"
    block: ClassVar[type[Block]] = Bottleneck
    blocks: ClassVar[tuple[int, int, int, int]] = (3, 4, 6, 3)
