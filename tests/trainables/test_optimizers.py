"""Optimizers and schedules."""

import pytest
import torch

from trainables.optimizers import SGD, Constant, optimizer, schedule
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


def test_the_constant_schedule_stays_at_one() -> None:
    constant = schedule(Component.of("constant"))
    assert constant == Constant()
    assert {constant.factor(step) for step in (0, 1, 10_000)} == {1.0}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "lr must be given"),
        ({"lr": 0}, "must be above 0; got 0"),
        ({"lr": 0.1, "momentum": 1}, "momentum"),
        ({"lr": 0.1, "momentum": 0}, "nesterov needs a momentum above 0"),
        ({"lr": 0.1, "decay": 0}, "no parameter is called 'decay'"),
    ],
)
def test_bad_parameters_are_named(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optimizer(Component.of("sgd", parameters))


def test_unknown_names_are_answered_with_the_known() -> None:
    with pytest.raises(UnknownNameError, match="no optimizer is called 'adam'; there are sgd"):
        optimizer(Component.of("adam"))
    with pytest.raises(UnknownNameError, match="no schedule is called 'inv'; there are constant"):
        schedule(Component.of("inv"))
