"""Models: networks by name. One file each. A model takes images in [0, 1] and normalises inside."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from trainables.parameters import Parameterised
from trainables.registry import Registry

Stage = Callable[[Tensor], Tensor]
WIDEST = 1024
"""Channels of a first stage, at most: more is a slip of the pen."""


class Change(ABC):
    """What a method does to the features at one place of a network: mixing, noise."""

    place: int
    """0: the normalised images; k: the output of the k-th stage."""

    @abstractmethod
    def __call__(self, features: Tensor) -> Tensor:
        """[N, …] → the same shape."""


class Network(nn.Module, ABC):
    """A network as a chain of stages, so that features can be changed between them: manifold mixing, feature noise."""

    places: ClassVar[tuple[str, ...]]
    """Names of where features can be changed, `input` the first: the normalised images."""

    def see(self, pixels: Tensor) -> None:
        """Takes from the training images, [N, C, H, W] in 0 … 255 (uint8), what `normalise` must know of them.

        Called once, before a training from random weights; afterwards the state dict has it.
        """

    @abstractmethod
    def normalise(self, images: Tensor) -> Tensor:
        """[N, C, H, W] in [0, 1] → what the first stage takes."""

    @abstractmethod
    def stages(self) -> tuple[Stage, ...]:
        """One a place: what leads from it to the next one; from the last place to the logits [N, classes]."""

    def forward(self, images: Tensor, change: Change | None = None) -> Tensor:
        """[N, C, H, W] in [0, 1] → logits [N, classes]."""
        features = self.normalise(images)
        if change is None:
            return self._through(features, 0, len(self.places))
        # Not inside the loop over the stages: torch compiles what comes before a change and after it, but no part of a
        # loop that it cannot compile as a whole.
        features = change(self._through(features, 0, change.place))
        return self._through(features, change.place, len(self.places))

    def _through(self, features: Tensor, first: int, last: int) -> Tensor:
        """From the place `first` to the place `last`; the last place of all is the logits."""
        for stage in self.stages()[first:last]:
            features = stage(features)
        return features


@dataclass(frozen=True, kw_only=True)
class Model(Parameterised, ABC):
    """A description of a network, and how to build it."""

    label: ClassVar[str]
    """As a page prints it: LeNet, ResNet18."""
    summary: ClassVar[str]

    def check(self, shape: tuple[int, int, int], classes: int) -> None:
        """Raises ValueError if the network cannot take images of `shape` (C, H, W)."""

    @abstractmethod
    def build(self, shape: tuple[int, int, int], classes: int) -> Network:
        """A network for images of `shape` (C, H, W).

        Initial weights are drawn from torch's global generator, which the caller has seeded.
        """


models = Registry("model", __name__, Model)  # type: ignore[type-abstract]
