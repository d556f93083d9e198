"""What AugMix views cost, all images of an operation at once, beside an image at a time with Pillow."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image

from tests.benchmarks.figures import Figure
from tests.contracts.test_image_ops import augmix_by_pillow
from trainables.augmix import NOTHING, AugMixViews, Draws
from trainables.augmix_operations import OPERATIONS
from trainables.image_ops import to_unit
from trainables.randomness import Key

IMAGES, SIDE, VIEWS = 128, 32, 2
ROUNDS = 15
KEY = Key(("benchmark",))


def measure() -> Iterator[Figure]:
    torch.set_num_threads(1)
    pixels = torch.randint(0, 256, (IMAGES, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    images = to_unit(pixels.to(torch.uint8)).contiguous(memory_format=torch.channels_last)
    ours, peer = views_in_batches(images), views_by_pillow(images)
    torch.testing.assert_close(torch.stack(ours), torch.stack(peer), rtol=0, atol=1e-6)
    yield Figure(
        what=f"AugMix, {VIEWS} views of {IMAGES} images {SIDE} × {SIDE}, 1 thread",
        ours=_milliseconds(lambda: views_in_batches(images)),
        unit="ms",
        peer=_milliseconds(lambda: views_by_pillow(images)),
        peer_name="Pillow, image by image",
    )


def views_in_batches(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return AugMixViews().of(images, VIEWS, KEY)


def views_by_pillow(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The same views, from the same draws, as a data loader's worker would make them."""
    originals = [Image.fromarray(one) for one in images.mul(255).round().byte().permute(0, 2, 3, 1).numpy()]
    drawn = [AugMixViews().draw(IMAGES, KEY.child("view", view)) for view in range(VIEWS)]
    return tuple(
        torch.stack([_view(image, draws, number) for number, image in enumerate(originals)]) for draws in drawn
    )


def _view(image: Image.Image, draws: Draws, number: int) -> torch.Tensor:
    mixed = np.zeros((SIDE, SIDE, 3), dtype=np.float32)
    for chain, weight in enumerate(draws.weights[number]):
        changed = image
        for place in np.flatnonzero(draws.operation[number, chain] != NOTHING):
            at = (number, chain, place)
            changed = augmix_by_pillow(OPERATIONS[draws.operation[at]], changed, draws.level[at], draws.sign[at])
        mixed += weight * _unit(changed)
    share = draws.share[number]
    return torch.from_numpy((1 - share) * _unit(image) + share * mixed).permute(2, 0, 1)


def _unit(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float32) / 255


def _milliseconds(make: Callable[[], object]) -> float:
    """The fastest of ROUNDS."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        make()
        seconds.append(time.perf_counter() - began)
    return 1000 * min(seconds)
