"""What the first layer's own image gradient saves an attack on grey images on the CPU."""

import time
from collections.abc import Iterator

import torch
from torch import nn

from tests.benchmarks.figures import Figure
from trainables.attacks.fgsm import input_gradient
from trainables.models.lenet import LeNet

IMAGES = 100
ROUNDS = 30


def measure() -> Iterator[Figure]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    ours = LeNet().build((1, 28, 28), 10).to(memory_format=torch.channels_last)
    peer = LeNet().build((1, 28, 28), 10).to(memory_format=torch.channels_last)
    peer.conv1 = nn.Conv2d(1, 20, kernel_size=5).to(memory_format=torch.channels_last)
    peer.load_state_dict(ours.state_dict())
    yield Figure(
        what=f"input gradient of LeNet, {IMAGES} images, 1 thread",
        ours=_milliseconds(ours),
        unit="ms",
        peer=_milliseconds(peer),
        peer_name="with torch's Conv2d",
    )


def _milliseconds(model: nn.Module) -> float:
    """The fastest of ROUNDS."""
    images = torch.rand(IMAGES, 1, 28, 28).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(IMAGES) % 10
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        input_gradient(images, labels, model)
        seconds.append(time.perf_counter() - began)
    return 1000 * min(seconds)
