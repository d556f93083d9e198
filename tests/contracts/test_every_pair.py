"""Every method on every network: the loss falls, a checkpoint round trip is exact, the same seed repeats.

`make test` has every method on two networks, and every network but the largest under two methods; the whole product is
slow.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.contracts.pictures import digits, network, random_images, two_blocks
from tests.contracts.test_methods import NAMES, TYPICAL, typical
from tests.contracts.test_models import SMALL
from trainables.checkpoint import dump, parse
from trainables.methods import Batch, Method
from trainables.models import Network, models
from trainables.optimizers import SGD
from trainables.randomness import Key

TWO_BLOCKS = "two blocks"
NETWORKS = (TWO_BLOCKS, *models.names())
OFTEN_NETWORKS = (TWO_BLOCKS, "lenet")
OFTEN_METHODS = ("standard", "bang")
LARGE = "torchvision"
STEPS, AGAIN, IMAGES = 30, 6, 16
RATES = {TWO_BLOCKS: 0.2, "cifar10_quick": 0.001, "lenet": 0.02, "preact_resnet18": 0.02, "resnet50": 0.2}
"""Learning rates where 0.05 will not do: inputs of 0 … 255, for one, take a smaller one."""
EASE = 0.9
"""Of the first steps' mean loss, what the last ones' may be at most: noise, mixing and attacks make a loss jump."""


def pairs() -> Iterator[object]:
    for method, name in itertools.product(NAMES, NETWORKS):
        often = name in OFTEN_NETWORKS or (method in OFTEN_METHODS and name != LARGE)
        yield pytest.param(method, name, id=f"{method}-{name}", marks=() if often else pytest.mark.slow)


def test_the_product_is_whole() -> None:
    assert set(TYPICAL) == set(NAMES)
    assert len(list(pairs())) == len(TYPICAL) * (len(SMALL) + 1)


def made(name: str) -> Network:
    """The network, small, with seeded weights, having seen the images that it will train on."""
    model = two_blocks() if name == TWO_BLOCKS else network(name, **SMALL[name])
    model.see(digits(count=IMAGES).pixels)
    return model


def suited(method: str, name: str) -> Method:
    """The method as it is usual, with features changed where the network has some: torchvision's at the input alone."""
    usual = typical(method)
    return replace(usual, layers=0) if name == "torchvision" and hasattr(usual, "layers") else usual


def fitted(method: Method, name: str, steps: int) -> tuple[Network, list[Tensor]]:
    """The network after some steps on one batch, with its losses."""
    images = digits(count=IMAGES)
    pixels = images.pixels / 255
    model = made(name).train()
    method.prepare(model)
    optimizer, losses = SGD(lr=RATES.get(name, 0.05)).build(model), []
    for step in range(steps):
        torch.manual_seed(step)  # dropout
        loss = method.loss(model, Batch(images=pixels, labels=images.labels, source=pixels), Key((step,)))
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        losses.append(loss.total.detach())
    return model, losses


@pytest.mark.parametrize(("method", "name"), list(pairs()))
def test_it_trains_keeps_and_repeats(method: str, name: str) -> None:
    model, losses = fitted(suited(method, name), name, STEPS)
    third = STEPS // 3
    assert torch.stack(losses[-third:]).mean() < EASE * torch.stack(losses[:third]).mean()
    fresh = made(name)
    fresh.load_state_dict(parse(dump(model.state_dict())))
    images = random_images(2, 1, 28, 28)
    assert torch.equal(fresh.eval()(images), model.eval()(images))
    first, again = (fitted(suited(method, name), name, AGAIN)[0].state_dict() for _ in range(2))
    assert all(torch.equal(again[key], value) for key, value in first.items())
