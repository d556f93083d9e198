"""What BANG's balancing costs a training step."""

import time
from collections.abc import Callable, Iterator
from statistics import median

import torch

from tests.benchmarks.figures import Figure
from trainables.methods import Batch, Method
from trainables.methods.bang import Bang
from trainables.methods.standard import Standard
from trainables.models import models
from trainables.optimizers import SGD
from trainables.randomness import Key

MNIST, CIFAR10 = Bang(beta=1.35, epsilon=0.78), Bang(beta=0.45, epsilon=0.805, ratio=0.5)
"""A setting of each of the paper's tables."""


def measure() -> Iterator[Figure]:
    torch.set_num_threads(1)
    yield _ratio(MNIST, "LeNet, batch 64", "lenet", {"dropout": 0.5}, (64, 1, 28, 28), pairs=300, bound=1.10)
    yield _ratio(CIFAR10, "ResNet18, batch 128, 32 px", "resnet18", {}, (128, 3, 32, 32), pairs=40, bound=1.05)


def _ratio(
    bang: Bang,
    what: str,
    model: str,
    parameters: dict[str, float],
    shape: tuple[int, int, int, int],
    pairs: int,
    bound: float,
) -> Figure:
    """Medians over pairs of neighbouring steps, in processor seconds: other work on the machine hardly counts."""
    ours_step, peer_step = (_step(method, model, parameters, shape) for method in (bang, Standard()))
    seconds = [(ours_step(), peer_step()) for _ in range(pairs + 2)][2:]
    ours, peer = (1000 * median(taken) for taken in zip(*seconds, strict=True))
    return Figure(
        what=f"step of bang, {what}, 1 thread",
        ours=ours,
        unit="ms",
        peer=peer,
        peer_name="standard",
        bound=bound * peer,
    )


def _step(
    method: Method, name: str, parameters: dict[str, float], shape: tuple[int, int, int, int]
) -> Callable[[], float]:
    """Takes a training step and tells its processor seconds."""
    torch.manual_seed(0)
    model = models.get(name)(**parameters).build(shape[1:], 10).to(memory_format=torch.channels_last).train()
    method.prepare(model)
    optimizer = SGD(lr=0.001).build(model)
    images = torch.rand(shape).contiguous(memory_format=torch.channels_last)
    batch = Batch(images=images, labels=torch.arange(shape[0]) % 10, source=images)

    def step() -> float:
        began = time.process_time()
        loss = method.loss(model, batch, Key(("benchmark",)))
        optimizer.zero_grad(set_to_none=True)
        loss.total.backward()
        optimizer.step()
        return time.process_time() - began

    return step
