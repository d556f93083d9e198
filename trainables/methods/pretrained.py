"""Pretrained: a network that no study trained, measured as it comes."""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from trainables.methods import Batch, Loss, Method
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class Pretrained(Method):
    """No training: the weights of `from: {weights: FILE}` are evaluated as they are."""

    label: ClassVar[str] = "Pretrained"
    summary: ClassVar[str] = "Weights from a file, evaluated as they are: a model that no study trained"
    trains_on_distortion: ClassVar[bool] = False
    trains: ClassVar[bool] = False
    alone: ClassVar[str] = "it does not train"

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        raise AssertionError("what is pretrained takes no step")
