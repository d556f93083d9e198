"""Caffe's and torch's SGD, and the schedules of BANG (golden_bang.json) and NoisyMix (golden_noisymix.json)."""

import pytest
import torch
from torch import nn

from tests.golden.ledger import Check, Golden
from trainables.optimizers import SGD
from trainables.recipe import Length
from trainables.schedules import Cosine, Inverse, MultiStep, Schedule

LENET = Length(steps=10_000, epoch=782)
CIFAR = Length(steps=20_000, epoch=500)
SCHEDULES: dict[str, tuple[Schedule, float, Length]] = {
    "lenet_inv": (Inverse(gamma=1e-4, power=0.75), 0.01, LENET),
    "cifar_multistep": (MultiStep(milestones=(18_000, 19_000), factor=0.1, unit="iterations"), 0.001, CIFAR),
}


def momentum_over_a_change_of_the_rate(golden: Golden) -> None:
    case = golden["sgd"]
    for rule in ("torch", "caffe"):
        weights = nn.Parameter(case.tensor("w0"))
        built = SGD(
            lr=case["lr"][0], momentum=case["momentum"], nesterov=False,
            weight_decay=case["weight_decay"], momentum_rule=rule,
        ).build(nn.ParameterList([weights]))  # fmt: skip
        for rate, gradient, expected in zip(case["lr"], case["grads"], case[rule], strict=True):
            built.param_groups[0]["lr"] = rate
            weights.grad = torch.tensor(gradient, dtype=torch.float64)
            built.step()
            assert weights.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-11)


def caffes_schedules(golden: Golden) -> None:
    assert set(golden["schedules"]) == set(SCHEDULES)
    for name, (schedule, lr, length) in SCHEDULES.items():
        for point in golden["schedules"][name]:
            assert schedule.rate(lr, point["iter"], length) == pytest.approx(point["lr"], rel=1e-9)


def cifars_milestones_in_epochs(golden: Golden) -> None:
    in_epochs = MultiStep(milestones=(36, 38), factor=0.1)
    for point in golden["schedules"]["cifar_multistep"]:
        assert in_epochs.rate(0.001, point["iter"], CIFAR) == pytest.approx(point["lr"], rel=1e-9)


def noisymixs_cosine(golden: Golden) -> None:
    case = golden["cosine_lr"]
    length = Length(steps=case["total_steps"], epoch=391)
    assert length.epochs == 200
    for step, lr in case["step_lr"]:
        assert Cosine(final=1e-6).rate(case["base_lr"], step, length) == pytest.approx(lr, rel=1e-9)


BANG: tuple[Check, ...] = (momentum_over_a_change_of_the_rate, caffes_schedules, cifars_milestones_in_epochs)
NOISYMIX: tuple[Check, ...] = (noisymixs_cosine,)
