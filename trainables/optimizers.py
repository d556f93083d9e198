"""Optimizers: how a loss's gradient becomes a step."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from trainables.parameters import Parameterised, parameter
from trainables.recipe import Component
from trainables.registry import one_of

NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


@dataclass(frozen=True, kw_only=True)
class SGD(Parameterised):
    """Stochastic gradient descent with momentum m: v ← m v + (g + weight_decay w); w ← w − lr v.

    With `nesterov` the step is lr (g + weight_decay w + m v). Biases of convolutions and linear layers may have their
    own learning rate, they and norm layers' parameters their own decay.
    """

    lr: float = parameter(gt=0, symbol="lr", doc="learning rate", source="Laermann et al. 2019, §4.2: 0.01, constant")
    momentum: float = parameter(
        default=0.9, ge=0, lt=1, symbol="m", doc="momentum", source="ours: Laermann et al. 2019 do not print it"
    )
    nesterov: bool = parameter(default=True, doc="Nesterov's look-ahead", source="Laermann et al. 2019, §4.2")
    weight_decay: float = parameter(
        default=0.0, ge=0, doc="L2 weight decay", source="ours: Laermann et al. 2019 do not print it"
    )
    bias_lr: float = parameter(
        default=1.0,
        identity_default=1.0,
        gt=0,
        unit="× lr",
        doc="learning rate of the biases of convolutions and linear layers",
        source="Caffe's LeNet and CIFAR-10 quick: 2",
    )
    bias_weight_decay: float = parameter(
        default=1.0,
        identity_default=1.0,
        ge=0,
        unit="× weight_decay",
        doc="decay of the biases of convolutions and linear layers",
        source="Caffe, NoisyMix: 1",
    )
    norm_weight_decay: float = parameter(
        default=1.0,
        identity_default=1.0,
        ge=0,
        unit="× weight_decay",
        doc="decay of norm layers' weights and biases",
        source="NoisyMix: 1; often 0",
    )
    momentum_rule: Literal["torch", "caffe"] = parameter(
        default="torch",
        identity_default="torch",
        doc="what the momentum buffer adds up: gradients, or steps (each with the learning rate of its time)",
        source="torch.optim.SGD; Caffe's SGD solver",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0; got momentum 0. Set nesterov: false")
        if self.nesterov and self.momentum_rule == "caffe":
            raise ValueError("momentum_rule caffe is plain momentum, as Caffe's SGD has it. Set nesterov: false")

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """An optimizer over all of the model's parameters."""
        groups = self._groups(model)
        if self.momentum_rule == "caffe":
            return CaffeSGD(groups, momentum=self.momentum)
        return torch.optim.SGD(groups, lr=self.lr, momentum=self.momentum, nesterov=self.nesterov)

    def _groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Parameters with equal factors together, in the model's order; those with the factors 1 first."""
        factors = dict(self._factors(model))
        shared: dict[tuple[float, float], list[nn.Parameter]] = {(1.0, 1.0): []}
        for weight in model.parameters():
            shared.setdefault(factors.get(weight, (1.0, 1.0)), []).append(weight)
        return [
            {"params": weights, "lr": self.lr * rate, "weight_decay": self.weight_decay * decay}
            for (rate, decay), weights in shared.items()
            if weights
        ]

    def _factors(self, model: nn.Module) -> Iterator[tuple[nn.Parameter, tuple[float, float]]]:
        """(parameter, (of its learning rate, of its decay)) of norm layers and biases."""
        for layer in model.modules():
            for name, weight in layer.named_parameters(recurse=False):
                if isinstance(layer, NORMS):
                    yield weight, (1.0, self.norm_weight_decay)
                elif name == "bias":
                    yield weight, (self.bias_lr, self.bias_weight_decay)


class CaffeSGD(torch.optim.Optimizer):
    """Caffe's update: V ← m V + lr (g + weight_decay w); w ← w − V.

    While the learning rate is constant this is torch's; after a change, V holds the earlier steps as they were taken.
    """

    def __init__(self, groups: list[dict[str, Any]], momentum: float) -> None:
        super().__init__(groups, {"momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            gradients = [weight.grad for weight in weights]
            if group["weight_decay"]:
                gradients = list(torch._foreach_add(gradients, weights, alpha=group["weight_decay"]))
            steps = [self._steps(weight) for weight in weights]
            torch._foreach_mul_(steps, group["momentum"])
            torch._foreach_add_(steps, gradients, alpha=group["lr"])
            torch._foreach_sub_(weights, steps)

    def _steps(self, weight: Tensor) -> Tensor:
        """V, zeros before the first step."""
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight, memory_format=torch.preserve_format)
        buffer: Tensor = state["momentum_buffer"]
        return buffer


OPTIMIZERS: Mapping[str, type[SGD]] = {"sgd": SGD}


def optimizer(component: Component) -> SGD:
    """The optimizer that a recipe names; raises ValueError on an unknown name or a bad parameter."""
    return one_of("optimizer", OPTIMIZERS, component)
