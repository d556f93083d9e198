"""Attacks: distortions chosen against one model. One file each; a YAML names them among its distortions."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from trainables.distortions import Level
from trainables.parameters import Parameterised
from trainables.recipe import Kind
from trainables.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Attack(Parameterised, ABC):
    """A batched change of images that sees the model and the labels (white box)."""

    kind: ClassVar[Kind] = "attack"
    level: ClassVar[Level]
    summary: ClassVar[str]

    def check_level(self, level: float) -> None:
        """Raises ValueError for a level of `level`'s range that the parameters rule out."""

    def apply(
        self, images: Tensor, labels: Tensor, model: nn.Module, level: float, generator: torch.Generator
    ) -> Tensor:
        """[N, C, H, W] in [0, 1] → the same shape in [0, 1], detached. The model comes back in the mode it was in."""
        return self.sweep(images, labels, model, (level,), generator)[0]

    def sweep(
        self, images: Tensor, labels: Tensor, model: nn.Module, levels: Sequence[float], generator: torch.Generator
    ) -> tuple[Tensor, ...]:
        """The attack at several levels, sharing whatever work does not depend on the level."""
        training = model.training
        model.eval()
        try:
            attacked = self.craft(images.detach(), labels, model, tuple(levels), generator)
        finally:
            model.train(training)
        assert all(one.shape == images.shape and not one.requires_grad for one in attacked)
        return attacked

    @abstractmethod
    def craft(
        self, images: Tensor, labels: Tensor, model: nn.Module, levels: tuple[float, ...], generator: torch.Generator
    ) -> tuple[Tensor, ...]:
        """What `sweep` does, the model already in eval mode. Must not leave gradients on the model's parameters."""


attacks = Registry("attack", __name__, Attack)  # type: ignore[type-abstract]
