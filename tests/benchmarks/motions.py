"""What the frames of a motion cost, all images of a frame at once, beside an image at a time with Pillow."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from tests.benchmarks.figures import Figure
from trainables.geometry import Motion, centre, moved

SIZES = ((32, 32, 32, 200), (256, 340, 224, 32))
"""Height and width of the images, the side of what is shown of them, and how many they are."""
MOTIONS = tuple(Motion(degrees=degrees) for degrees in range(-15, 16))
ROUNDS = 5


def measure() -> Iterator[Figure]:
    torch.set_num_threads(1)
    for height, width, side, count in SIZES:
        draws = torch.Generator().manual_seed(0)
        pixels = torch.randint(0, 256, (count, 3, height, width), generator=draws, dtype=torch.uint8)
        ours, peer = moved(pixels, side, MOTIONS), by_pillow(pixels, side)
        assert torch.equal(ours, peer)
        seconds = alternating(lambda p=pixels, s=side: moved(p, s, MOTIONS), lambda p=pixels, s=side: by_pillow(p, s))
        yield Figure(
            what=f"{len(MOTIONS)} rotated frames of {count} images {side} × {side}, 1 thread",
            ours=1000 * seconds[0],
            unit="ms",
            peer=1000 * seconds[1],
            peer_name="Pillow, image by image",
        )


def by_pillow(pixels: Tensor, side: int) -> Tensor:
    coefficients = [motion.coefficients(*pixels.shape[2:]) for motion in MOTIONS]
    images = [Image.fromarray(image) for image in pixels.permute(0, 2, 3, 1).contiguous().numpy()]
    frames = [[_turned(image, each) for each in coefficients] for image in images]
    return centre(torch.from_numpy(np.stack(frames)).permute(0, 1, 4, 2, 3), side)


def _turned(image: Image.Image, coefficients: tuple[float, ...]) -> np.ndarray:
    return np.asarray(image.transform(image.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR))


def alternating(*ways: Callable[[], object]) -> list[float]:
    """Seconds of each way, the fastest of ROUNDS in turn."""
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(ROUNDS):
        for way, taken in zip(ways, seconds, strict=True):
            began = time.perf_counter()
            way()
            taken.append(time.perf_counter() - began)
    return [min(taken) for taken in seconds]
