"""Caffe's and torch's SGD, and the schedules of BANG (golden_bang.json) and NoisyMix (golden_noisymix.json)."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from trainables.optimizers import SGD
from trainables.recipe import Length
from trainables.schedules import Cosine, Inverse, MultiStep, Schedule

Golden = dict[str, Any]
LENET = Length(steps=10_000, epoch=782)
CIFAR = Length(steps=20_000, epoch=500)


@pytest.fixture(scope="module")
def bang(shared: Path) -> Golden:
    found: Golden = json.loads((shared / "golden" / "golden_bang.json").read_text())
    return found


@pytest.fixture(scope="module")
def noisymix(shared: Path) -> Golden:
    found: Golden = json.loads((shared / "golden" / "golden_noisymix.json").read_text())
    return found


@pytest.mark.parametrize("rule", ["torch", "caffe"])
def test_momentum_over_a_change_of_the_rate(bang: Golden, rule: str) -> None:
    case = bang["sgd"]
    weights = nn.Parameter(torch.tensor(case["w0"], dtype=torch.float64))
    model = nn.ParameterList([weights])
    built = SGD(
        lr=case["lr"][0], momentum=case["momentum"], nesterov=False,
        weight_decay=case["weight_decay"], momentum_rule=rule,
    ).build(model)  # fmt: skip
    for rate, gradient, expected in zip(case["lr"], case["grads"], case[rule], strict=True):
        built.param_groups[0]["lr"] = rate
        weights.grad = torch.tensor(gradient, dtype=torch.float64)
        built.step()
        assert weights.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-11)


SCHEDULES: dict[str, tuple[Schedule, float, Length]] = {
    "lenet_inv": (Inverse(gamma=1e-4, power=0.75), 0.01, LENET),
    "cifar_multistep": (MultiStep(milestones=(18_000, 19_000), factor=0.1, unit="iterations"), 0.001, CIFAR),
}


def test_every_schedule_is_looked_at(bang: Golden) -> None:
    assert set(bang["schedules"]) == set(SCHEDULES)


@pytest.mark.parametrize("name", SCHEDULES)
def test_caffes_schedules(bang: Golden, name: str) -> None:
    schedule, lr, length = SCHEDULES[name]
    for point in bang["schedules"][name]:
        assert schedule.rate(lr, point["iter"], length) == pytest.approx(point["lr"], rel=1e-9)


def test_cifars_milestones_in_epochs_are_the_same(bang: Golden) -> None:
    in_epochs = MultiStep(milestones=(36, 38), factor=0.1)
    for point in bang["schedules"]["cifar_multistep"]:
        assert in_epochs.rate(0.001, point["iter"], CIFAR) == pytest.approx(point["lr"], rel=1e-9)


def test_noisymixs_cosine(noisymix: Golden) -> None:
    case = noisymix["cosine_lr"]
    length = Length(steps=case["total_steps"], epoch=391)
    assert length.epochs == 200
    for step, lr in case["step_lr"]:
        assert Cosine(final=1e-6).rate(case["base_lr"], step, length) == pytest.approx(lr, rel=1e-9)
