"""Learning-rate schedules: the rate of every update of a training."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from trainables.parameters import Parameterised, parameter
from trainables.recipe import Component, Length
from trainables.registry import one_of


@dataclass(frozen=True, kw_only=True)
class Schedule(Parameterised, ABC):
    """How the learning rate goes on from where it begins."""

    def check(self, lr: float) -> None:
        """Raises ValueError for an optimizer's learning rate that the schedule cannot begin with."""

    def caution(self, epochs: int | None, iterations: int | None) -> str | None:
        """What whoever plans a training of so many epochs, or iterations, should know; None for nothing."""
        return None

    @abstractmethod
    def rate(self, lr: float, step: int, length: Length) -> float:
        """Of update `step`, 0 the first, in a training of this length; `lr` is the optimizer's."""


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """The learning rate stays as it is."""

    def rate(self, lr: float, step: int, length: Length) -> float:
        return lr


@dataclass(frozen=True, kw_only=True)
class Inverse(Schedule):
    """lr (1 + γ t)^−power at update t: Caffe's `inv`."""

    gamma: float = parameter(
        default=1e-4, ge=0, symbol="γ", doc="how fast the rate falls, an update", source="Caffe's LeNet: 0.0001"
    )
    power: float = parameter(default=0.75, ge=0, doc="how steeply the rate falls", source="Caffe's LeNet: 0.75")

    def rate(self, lr: float, step: int, length: Length) -> float:
        return lr / math.pow(1 + self.gamma * step, self.power)


@dataclass(frozen=True, kw_only=True)
class MultiStep(Schedule):
    """lr × factor^(milestones reached): a milestone of 100 epochs (iterations) is reached once 100 of them are done."""

    milestones: tuple[int, ...] = parameter(
        ge=1,
        doc="when the rate changes, rising",
        source="NFM: epochs 100, 150, 180 of 200; CIFAR-10 quick: iterations 18,000 and 19,000 of 20,000",
    )
    factor: float = parameter(
        default=0.1, gt=0, le=1, doc="what the rate is multiplied by at each milestone", source="NFM, Caffe: 0.1"
    )
    unit: Literal["epochs", "iterations"] = parameter(
        default="epochs", doc="what milestones count", source="epochs: NFM; iterations: Caffe"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(later <= earlier for earlier, later in pairwise(self.milestones)):
            raise ValueError(f"milestones rise from one to the next; got {', '.join(map(str, self.milestones))}")

    def caution(self, epochs: int | None, iterations: int | None) -> str | None:
        end = epochs if self.unit == "epochs" else iterations
        late = [milestone for milestone in self.milestones if end is not None and milestone >= end]
        if not late:
            return None
        said = ", ".join(f"{milestone:,}" for milestone in late)
        return f"a training of {end:,} {self.unit if end != 1 else self.unit[:-1]} ends before its rate falls at {said}"

    def rate(self, lr: float, step: int, length: Length) -> float:
        each = length.epoch if self.unit == "epochs" else 1
        return lr * self.factor ** sum(step >= milestone * each for milestone in self.milestones)


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """final + (lr − final) (1 + cos(π t / T)) / 2 at update t of T: half a wave, changing with every update.

    Loshchilov & Hutter 2017, without restarts.
    """

    final: float = parameter(
        default=1e-6, ge=0, doc="the rate that an update after the last would have", source="NoisyMix, AugMix: 0.000001"
    )

    def check(self, lr: float) -> None:
        if self.final > lr:
            raise ValueError(f"cosine falls to final, which is at most the learning rate {lr:g}; got {self.final:g}")

    def rate(self, lr: float, step: int, length: Length) -> float:
        return self.final + (lr - self.final) * (1 + math.cos(math.pi * step / length.steps)) / 2


SCHEDULES: Mapping[str, type[Schedule]] = {
    "constant": Constant,
    "inverse": Inverse,
    "multi_step": MultiStep,
    "cosine": Cosine,
}


def schedule(component: Component) -> Schedule:
    """The schedule that a recipe names; raises ValueError on an unknown name or a bad parameter."""
    return one_of("schedule", SCHEDULES, component)
