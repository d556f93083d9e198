"""Optimizers and learning-rate schedules: how a loss's gradient becomes a step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from trainables.parameters import Parameterised, complete, parameter
from trainables.recipe import Component
from trainables.registry import UnknownNameError

T = TypeVar("T", bound=Parameterised)


@dataclass(frozen=True, kw_only=True)
class SGD(Parameterised):
    """Stochastic gradient descent with momentum, torch's update: v ← momentum v + (g + weight_decay w); w ← w − lr v.

    With `nesterov` the step is lr (g + weight_decay w + momentum v). The decay applies to every parameter.
    """

    lr: float = parameter(gt=0, symbol="lr", doc="learning rate", source="Laermann et al. 2019, §4.2: 0.01, constant")
    momentum: float = parameter(
        default=0.9, ge=0, lt=1, symbol="m", doc="momentum", source="ours: Laermann et al. 2019 do not print it"
    )
    nesterov: bool = parameter(default=True, doc="Nesterov's look-ahead", source="Laermann et al. 2019, §4.2")
    weight_decay: float = parameter(
        default=0.0, ge=0, doc="L2 weight decay", source="ours: Laermann et al. 2019 do not print it"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0; got momentum 0. Set nesterov: false")

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """An optimizer over all of the model's parameters."""
        return torch.optim.SGD(
            model.parameters(),
            lr=self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )


@dataclass(frozen=True, kw_only=True)
class Constant(Parameterised):
    """The learning rate stays as it is."""

    def factor(self, step: int) -> float:
        """What the learning rate is multiplied by at update `step`, 0 the first."""
        return 1.0


OPTIMIZERS: Mapping[str, type[SGD]] = {"sgd": SGD}
SCHEDULES: Mapping[str, type[Constant]] = {"constant": Constant}


def optimizer(component: Component) -> SGD:
    """The optimizer that a recipe names; raises ValueError on an unknown name or a bad parameter."""
    return _build("optimizer", OPTIMIZERS, component)


def schedule(component: Component) -> Constant:
    """The learning-rate schedule that a recipe names; raises ValueError on an unknown name or a bad parameter."""
    return _build("schedule", SCHEDULES, component)


def _build(kind: str, known: Mapping[str, type[T]], component: Component) -> T:
    if component.name not in known:
        raise UnknownNameError(f"no {kind} is called {component.name!r}; there are {', '.join(known)}")
    found = known[component.name]
    return found(**complete(found, component.parameters))
