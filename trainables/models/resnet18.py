"""ResNet18 in torchvision's layout: 11,689,512 parameters at width 64 and 1,000 classes."""

from dataclasses import dataclass
from typing import ClassVar

from trainables.residual import BasicBlock, Block, ResNet


@dataclass(frozen=True, kw_only=True)
class ResNet18(ResNet):
    """He et al. 2016, the 18-layer network. A state dict of torchvision's `resnet18` loads as it is."""

    label: ClassVar[str] = "ResNet18"
    summary: ClassVar[str] = "The 18-layer residual network, torchvision's layout (He et al. 2016)"
    block: ClassVar[type[Block]] = BasicBlock
    blocks: ClassVar[tuple[int, int, int, int]] = (2, 2, 2, 2)
