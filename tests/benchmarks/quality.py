"""What adversarial quality and noise stability cost beside the passes that a plain loop would make."""

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from tests.benchmarks.figures import Figure
from trainables.adversarial_quality import quality
from trainables.datasets import Images
from trainables.evaluation.stability import noisy
from trainables.line_search import FGS_STEPS
from trainables.models.lenet import LeNet
from trainables.noise_stability import NAME, StabilityTest
from trainables.quality.fgs import FGS, loss_direction
from trainables.recipe import Component, Condition

IMAGES = 1000
COPIES = 100
NOISY = 50


def measure() -> Iterator[Figure]:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = LeNet().build((1, 28, 28), 10).to(memory_format=torch.channels_last).eval()
    pixels = torch.randint(0, 256, (IMAGES, 1, 28, 28), dtype=torch.uint8)
    labels = _answers(network, pixels)
    yield Figure(
        what=f"FGS of {IMAGES:,} images by the rules paper and unmasked, LeNet, 1 thread",
        ours=_microseconds(lambda: quality(FGS(), network, pixels, labels, ("paper", "unmasked")), IMAGES),
        unit="µs/image",
        peer=_microseconds(lambda: _every_step(network, pixels, labels), IMAGES),
        peer_name="all images at every step",
    )
    yield _copies(network, pixels)


@torch.no_grad()
def _every_step(network: nn.Module, pixels: Tensor, labels: Tensor) -> Tensor:
    """The first step at which each image is wrong, found by showing all of them at each."""
    direction = loss_direction(network, pixels, labels)
    found = torch.zeros(len(pixels))
    for step in reversed(FGS_STEPS):
        moved = (pixels + step * direction).clamp_(0, 255) / 255
        found[_answers(network, moved) != labels] = step
    return found


def _copies(network: nn.Module, pixels: Tensor) -> Figure:
    """Noise drawn image by image, so that it is the same whatever else is tested."""
    test = StabilityTest(sigma=40.0, draws=COPIES, per_class=1, spare=0, stages=(1,), counts="epochs")
    data = Component.of("mnist")
    condition = Condition(
        condition_id=NAME, data=data, split="test", family=NAME, test_distortion=NAME, parameter="sigma",
        level=test.sigma, steps=(test.step(),),
    )  # fmt: skip
    images = Images(pixels, torch.zeros(len(pixels), dtype=torch.int64))
    shown = torch.rand(NOISY * COPIES, 1, 28, 28).contiguous(memory_format=torch.channels_last)
    return Figure(
        what=f"{COPIES} noisy copies of {NOISY} images, 28 px, 1 thread",
        ours=_microseconds(lambda: noisy(images, range(NOISY), condition, pixels.device), NOISY * COPIES),
        unit="µs/copy",
        peer=_microseconds(lambda: _answers(network, shown), NOISY * COPIES),
        peer_name="LeNet's answers to them",
    )


@torch.no_grad()
def _answers(network: nn.Module, images: Tensor) -> Tensor:
    return torch.cat(
        [network(batch if batch.is_floating_point() else batch / 255).argmax(1) for batch in images.split(500)]
    )


def _microseconds(work: Callable[[], object], images: int) -> float:
    """An image, of the fastest of three times."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return 1e6 * min(seconds) / images
