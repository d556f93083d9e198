"""Optimizers."""

from typing import Any

import pytest
import torch
from torch import nn

from tests.contracts.pictures import network
from trainables.optimizers import SGD, CaffeSGD, optimizer
from trainables.recipe import Component
from trainables.registry import UnknownNameError


def test_a_component_becomes_an_optimizer_with_its_defaults() -> None:
    assert optimizer(Component.of("sgd", {"lr": 0.01})) == SGD(lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.0)


def test_its_settings_reach_torch() -> None:
    built = SGD(lr=0.1, momentum=0.5, nesterov=False, weight_decay=0.01).build(torch.nn.Linear(2, 1))
    (group,) = built.param_groups
    assert (group["lr"], group["momentum"], group["nesterov"], group["weight_decay"]) == (0.1, 0.5, False, 0.01)
    assert len(group["params"]) == 2


def test_two_nesterov_steps_by_hand() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    built = SGD(lr=0.1, momentum=0.5, nesterov=True, weight_decay=0.2).build(layer)
    weight, velocity = 1.0, 0.0
    for _ in range(2):
        built.zero_grad()
        (3 * layer.weight).sum().backward()
        built.step()
        gradient = 3 + 0.2 * weight
        velocity = 0.5 * velocity + gradient
        weight -= 0.1 * (gradient + 0.5 * velocity)
        assert layer.weight.item() == pytest.approx(weight, abs=1e-6)


def groups(described: SGD, model: nn.Module) -> dict[tuple[float, float], set[str]]:
    """(learning rate, decay) → the names of the parameters that have them."""
    names = {weight: name for name, weight in model.named_parameters()}
    return {
        (group["lr"], group["weight_decay"]): {names[weight] for weight in group["params"]}
        for group in described.build(model).param_groups
    }


def test_caffes_multipliers_double_the_rate_of_every_bias_and_decay_them_all_alike() -> None:
    found = groups(SGD(lr=0.01, weight_decay=0.0005, bias_lr=2), network("lenet"))
    weights = {"conv1.weight", "conv2.weight", "ip1.weight", "ip2.weight"}
    assert found == {(0.01, 0.0005): weights, (0.02, 0.0005): {name.replace("weight", "bias") for name in weights}}


def test_norm_layers_and_biases_have_decays_of_their_own() -> None:
    model = network("small_cnn", width=4)
    found = groups(SGD(lr=0.1, weight_decay=0.5, norm_weight_decay=0, bias_weight_decay=0.5), model)
    norms = {f"stage{stage}.1.{part}" for stage in (1, 2, 3) for part in ("weight", "bias")}
    assert found[0.1, 0.0] == norms
    assert found[0.1, 0.25] == {"fc.bias"}
    assert found[0.1, 0.5] == {"stage1.0.weight", "stage2.0.weight", "stage3.0.weight", "fc.weight"}
    assert sum(map(len, found.values())) == len(list(model.parameters()))


@pytest.mark.parametrize("rule", ["torch", "caffe"])
def test_a_parameters_factors_are_those_of_its_steps(rule: str) -> None:
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.fill_(1), layer.bias.fill_(1)
    described = SGD(lr=0.1, nesterov=False, weight_decay=0.5, bias_lr=2, bias_weight_decay=0, momentum_rule=rule)
    built = described.build(layer)
    (layer.weight.sum() + layer.bias.sum()).backward()
    built.step()
    assert layer.weight.flatten().tolist() == pytest.approx([1 - 0.1 * (1 + 0.5)] * 2)
    assert layer.bias.tolist() == pytest.approx([1 - 0.2])


def stepped(rule: str, rates: list[float], resume: int | None = None) -> torch.Tensor:
    """Weights after a step at each rate; at step `resume` the optimizer is replaced by one with its state."""
    torch.manual_seed(0)
    layer = nn.Linear(5, 3)
    described = SGD(lr=0.1, nesterov=False, weight_decay=0.01, bias_lr=2, momentum_rule=rule)
    built = described.build(layer)
    for number, rate in enumerate(rates):
        if number == resume:
            state, built = built.state_dict(), described.build(layer)
            built.load_state_dict(state)
        for group, factor in zip(built.param_groups, (1, 2), strict=True):
            group["lr"] = factor * rate
        built.zero_grad()
        layer(torch.ones(1, 5) * (number + 1)).square().sum().mul(0.01).backward()
        built.step()
    return torch.cat([weight.detach().flatten() for weight in layer.parameters()])


def test_caffes_rule_is_torchs_while_the_rate_is_constant() -> None:
    torch.testing.assert_close(stepped("caffe", [0.1] * 6), stepped("torch", [0.1] * 6))


def test_after_a_change_of_rate_caffe_keeps_the_steps_it_took() -> None:
    """The same as scaling torch's buffers by old / new rate."""
    rates = [0.1, 0.1, 0.01, 0.01, 0.05]
    assert (stepped("caffe", rates) - stepped("torch", rates)).abs().max() > 1e-3
    torch.manual_seed(0)
    layer = nn.Linear(5, 3)
    built = SGD(lr=0.1, nesterov=False, weight_decay=0.01, bias_lr=2).build(layer)
    for number, rate in enumerate(rates):
        for group, factor in zip(built.param_groups, (1, 2), strict=True):
            for weight in group["params"]:
                if number:
                    built.state[weight]["momentum_buffer"].mul_(rates[number - 1] / rate)
            group["lr"] = factor * rate
        built.zero_grad()
        layer(torch.ones(1, 5) * (number + 1)).square().sum().mul(0.01).backward()
        built.step()
    emulated = torch.cat([weight.detach().flatten() for weight in layer.parameters()])
    torch.testing.assert_close(stepped("caffe", rates), emulated)


def test_caffes_rule_goes_on_from_its_state() -> None:
    rates = [0.1, 0.05, 0.02, 0.01]
    assert torch.equal(stepped("caffe", rates, resume=2), stepped("caffe", rates))


def test_caffes_rule_leaves_weights_without_a_gradient_alone() -> None:
    layer = nn.Linear(2, 1)
    layer.bias.requires_grad_(False)
    before = layer.bias.clone()
    built = SGD(lr=0.1, nesterov=False, weight_decay=0.5, momentum_rule="caffe").build(layer)
    assert isinstance(built, CaffeSGD)
    layer(torch.ones(1, 2)).sum().backward()
    built.step()
    assert torch.equal(layer.bias, before)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "lr must be given"),
        ({"lr": 0}, "must be above 0; got 0"),
        ({"lr": 0.1, "momentum": 1}, "momentum"),
        ({"lr": 0.1, "momentum": 0}, "nesterov needs a momentum above 0"),
        ({"lr": 0.1, "decay": 0}, "no parameter is called 'decay'"),
        ({"lr": 0.1, "bias_lr": 0}, "bias_lr.* must be above 0; got 0"),
        ({"lr": 0.1, "momentum_rule": "caffe"}, "momentum_rule caffe is plain momentum.*nesterov: false"),
    ],
)
def test_bad_parameters_are_named(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optimizer(Component.of("sgd", parameters))


def test_unknown_names_are_answered_with_the_known() -> None:
    with pytest.raises(UnknownNameError, match="no optimizer is called 'adam'; there are sgd"):
        optimizer(Component.of("adam"))
