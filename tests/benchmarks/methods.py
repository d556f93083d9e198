"""What BANG's balancing costs a training step."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
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


PROCESSES = 3
"""Where the heap comes to lie moves the ratio by 0.03 either way, for as long as a process lives."""


def measure() -> Iterator[Figure]:
    yield _figure(Compared(MNIST, "lenet", (("dropout", 0.5),), (64, 1, 28, 28), pairs=150), "LeNet, batch 64", 1.10)
    yield _figure(Compared(CIFAR10, "resnet18", (), (128, 3, 32, 32), pairs=20), "ResNet18, batch 128, 32 px", 1.05)


@dataclass(frozen=True)
class Compared:
    """BANG's step beside a plain one."""

    bang: Bang
    model: str
    parameters: tuple[tuple[str, float], ...]
    shape: tuple[int, int, int, int]
    pairs: int
    """Of neighbouring steps, in a process."""

    def milliseconds(self, _process: int) -> tuple[float, float]:
        """(BANG's, the plain one's): medians over pairs of processor seconds, which other work hardly moves."""
        torch.set_num_threads(1)
        ours, peer = (
            _step(method, self.model, dict(self.parameters), self.shape) for method in (self.bang, Standard())
        )
        seconds = [(ours(), peer()) for _ in range(self.pairs + 2)][2:]
        first, second = (1000 * median(taken) for taken in zip(*seconds, strict=True))
        return first, second


def _figure(compared: Compared, what: str, bound: float) -> Figure:
    """Of the process whose ratio is the middle one."""
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        found = list(pool.map(compared.milliseconds, range(PROCESSES)))
    ours, peer = sorted(found, key=lambda pair: pair[0] / pair[1])[PROCESSES // 2]
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
