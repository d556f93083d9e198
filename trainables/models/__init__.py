"""Models: networks by name. One file each. A model takes images in [0, 1] and normalises inside."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from trainables.parameters import Parameterised
from trainables.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Model(Parameterised, ABC):
    """A description of a network, and how to build it."""

    label: ClassVar[str]
    """As a page prints it: LeNet, ResNet18."""
    summary: ClassVar[str]

    def check(self, shape: tuple[int, int, int], classes: int) -> None:
        """Raises ValueError if the network cannot take images of `shape` (C, H, W)."""

    @abstractmethod
    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """A module [N, C, H, W] in [0, 1] → logits [N, classes].

        Initial weights are drawn from torch's global generator, which the caller has seeded.
        """


models = Registry("model", __name__, Model)  # type: ignore[type-abstract]
