"""What a training's steps deliver of what their network can take: images from the data set, distortions, bookkeeping.

The peer is a bare loop with the same network, loss and solver over one batch of made-up images that lies on the device:
for ST two forward passes a step, since its loss takes them. On a GPU as `grid_tifs` trains: 128 images of 224 pixels in
bfloat16, compiled; on a CPU 16 of them in float32.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from tests.benchmarks.figures import Figure
from trainables.fit import Training, build_model, place
from trainables.optimizers import optimizer
from trainables.recipe import Component, Recipe

SHARE = 0.95
"""Of the bare loop's images a second, at least."""
CLASSES = 4


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is trained on a device."""

    batch: int
    steps: int
    """In a round."""
    rounds: int
    images: int
    """To train on, a whole number of batches."""
    compiled: bool

    @property
    def told(self) -> str:
        return f"batch {self.batch}, 224 px, {'bfloat16, compiled' if self.compiled else 'float32'}"


ON_GPU = Size(batch=128, steps=40, rounds=7, images=1280, compiled=True)
ON_CPU = Size(batch=16, steps=1, rounds=7, images=160, compiled=False)
NOISE = (Component.of("gaussian_noise", {"sigma": 0.1}),)
METHODS = {
    "standard": (Component.of("standard", {}), ()),
    "data_augmentation": (Component.of("data_augmentation", {"p": 0.5}), NOISE),
    "stability_training": (Component.of("stability_training", {"alpha": 0.316, "divergence": "kl"}), NOISE),
}


def measure() -> Iterator[Figure]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size = ON_GPU if device.type == "cuda" else ON_CPU
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        draw_images(Path(folder), size.images // CLASSES + 1)
        for name in METHODS:
            recipe = _recipe(name, folder, size)
            ours, peer = compared(_training(recipe, device), _bare(recipe, device), size, device)
            yield Figure(
                what=f"training step of {name}, resnet18, {size.told}", ours=ours, unit="ms", peer=peer,
                peer_name="bare loop", bound=peer / SHARE,
            )  # fmt: skip


def compared(
    ours: Callable[[int], None], peer: Callable[[int], None], size: Size, device: torch.device
) -> tuple[float, float]:
    """Milliseconds a step, of the pair of rounds whose ratio is the middle one.

    On a CPU those of one processor, which other work hardly moves.
    """
    pairs = [(_milliseconds(ours, size, device), _milliseconds(peer, size, device)) for _ in range(size.rounds + 1)][1:]
    middle = median(first / second for first, second in pairs)
    return next(pair for pair in pairs if pair[0] / pair[1] == middle)


def _milliseconds(steps: Callable[[int], None], size: Size, device: torch.device) -> float:
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    began = clock()
    steps(size.steps)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return 1000 * (clock() - began) / size.steps


def _training(recipe: Recipe, device: torch.device) -> Callable[[int], None]:
    """Advances a training by so many steps."""
    training = Training(recipe, None, device)

    def steps(number: int) -> None:
        wanted = training.images_seen + number * recipe.batch_size
        while training.images_seen < wanted:
            training.advance(until=wanted, clock=lambda: training.images_seen)

    return steps


def _bare(recipe: Recipe, device: torch.device) -> Callable[[int], None]:
    """Takes so many steps over one batch."""
    model = place(build_model(recipe), recipe, device).train()
    solver = optimizer(recipe.optimizer).build(model)
    shape = (recipe.batch_size, 3, 224, 224)
    images, others = (torch.rand(shape, device=device).to(memory_format=torch.channels_last) for _ in range(2))
    labels = torch.arange(recipe.batch_size, device=device) % CLASSES

    def steps(number: int) -> None:
        for _ in range(number):
            logits = model(images)
            loss = F.cross_entropy(logits, labels)
            if recipe.method.name == "stability_training":
                predicted, held = (F.log_softmax(one, dim=1) for one in (logits, model(others)))
                loss = loss + 0.316 * F.kl_div(held, predicted, reduction="batchmean", log_target=True)
            solver.zero_grad(set_to_none=True)
            loss.backward()
            solver.step()

    return steps


def _recipe(name: str, folder: str, size: Size) -> Recipe:
    method, distortions = METHODS[name]
    return Recipe(
        data=Component.of(
            "image_folder",
            {"root": folder, "size": 224, "resize": 256, "validation_fraction": CLASSES / (size.images + CLASSES)},
        ),
        model=Component.of("resnet18", {}),
        method=method,
        distortions=distortions,
        epochs=1_000_000,
        batch_size=size.batch,
        optimizer=Component.of("sgd", {"lr": 0.001, "momentum": 0.9, "nesterov": True}),
        schedule=Component.of("constant", {}),
        precision="bfloat16" if size.compiled else "float32",
        compile=size.compiled,
        threads=1,
    )


def draw_images(folder: Path, of_each: int) -> None:
    """An image folder of noise, one image of each class of which validates."""
    draws = np.random.default_rng(0)
    for split, images in (("train", of_each), ("test", 1)):
        for label in range(CLASSES):
            (folder / split / str(label)).mkdir(parents=True)
            for number in range(images):
                pixels = draws.integers(0, 256, (256, 256, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / str(label) / f"{number}.png", compress_level=0)
