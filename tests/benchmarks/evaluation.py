"""What evaluating a model costs beside its bare forward passes: the first one, and those after it.

CIFAR-10's test images stand in as random ones, 10,000 of them: under all corruptions at all severities, kept in memory,
and at one severity where there is no memory for any and they are kept in mapped files.
"""

import time
from collections.abc import Iterator, Sequence
from unittest import mock

import torch
from torch import Tensor, nn

from tests.benchmarks.figures import Figure
from tests.contracts.pictures import random_images
from trainables.corruptions import corruptions
from trainables.datasets import Images, split_of
from trainables.datasets.cifar10 import CIFAR10
from trainables.evaluation import evaluate, trained_model
from trainables.evaluation.sets import DistortedSets
from trainables.evaluation.shown import BATCH
from trainables.fit import build_model
from trainables.recipe import Component, Condition, Recipe

IMAGES = 10_000
SEVERITIES = range(1, 6)
DATA = Component.of("cifar10")
RECIPE = Recipe(
    data=DATA,
    model=Component.of("resnet18", {"width": 16}),
    method=Component.of("standard"),
    epochs=1,
    batch_size=128,
    optimizer=Component.of("sgd", {"lr": 0.1, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0}),
    schedule=Component.of("constant"),
    threads=1,
)
ROOM = 2**30 * 4
WORTH = 1.3
"""How many times its forward passes a model after the first may take."""


def measure() -> Iterator[Figure]:
    images = random_images(IMAGES, 3, 32, 32).mul_(255).to(torch.uint8)
    split = Images(images, torch.arange(IMAGES) % 10)
    split_of.cache_clear()
    with mock.patch.object(CIFAR10, "load", return_value=split):
        yield from _models(images, SEVERITIES, DistortedSets(ROOM), "kept in memory")
        yield from _models(images, (3,), DistortedSets(0, ROOM), "kept in files")
    split_of.cache_clear()


def _models(images: Tensor, severities: Sequence[int], sets: DistortedSets, kept: str) -> Iterator[Figure]:
    """Two models after each other over the same sets; between cells, forward passes alone."""
    conditions = [_cell(name, severity) for name in corruptions.names() for severity in severities]
    weights = dict(build_model(RECIPE).state_dict())
    model = trained_model(RECIPE, weights, torch.device("cpu"))
    floats = images.float().div_(255).contiguous(memory_format=torch.channels_last)
    for which in ("first", "second"):
        took, bare = 0.0, 0.0
        cells = evaluate(RECIPE, weights, conditions, sets)
        for _ in conditions:
            began = time.perf_counter()
            next(cells)
            between = time.perf_counter()
            _forward(model, floats)
            took, bare = took + between - began, bare + time.perf_counter() - between
        passes = 1e6 * bare / len(conditions) / IMAGES
        yield Figure(
            what=f"{which} model under {len(conditions)} cells of {IMAGES:,} images, 32 px, {kept}",
            ours=1e6 * took / len(conditions) / IMAGES,
            unit="µs/image",
            peer=passes,
            peer_name="bare forward passes",
            bound=WORTH * passes if which == "second" else None,
        )


@torch.no_grad()
def _forward(model: nn.Module, images: Tensor) -> None:
    for batch in images.split(BATCH):
        model(batch)


def _cell(name: str, severity: int) -> Condition:
    return Condition(
        condition_id=f"benchmark {name} {severity}", data=DATA, split="test", family="corruption", test_distortion=name,
        parameter="severity", level=float(severity), steps=(Component.of(name, {"severity": severity}),),
    )  # fmt: skip
