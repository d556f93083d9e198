import math

import numpy as np
import pytest
import torch

from trainables.line_blur import Line, line_blur


def one_by_one(plane: np.ndarray, line: Line, degrees: float) -> np.ndarray:  # type: ignore[type-arg]
    """Every pixel the sum over its line, in double precision."""
    height, width = plane.shape
    reach = 2 * line.radius
    wide, angle = np.pad(plane, reach, mode="edge"), math.radians(degrees)
    blurred = np.zeros(plane.shape)
    for number, weight in enumerate(line.weights()):
        x, y = (reach + math.ceil(number * way - 0.5) for way in (math.cos(angle), math.sin(angle)))
        blurred += weight * wide[y : y + height, x : x + width]
    return np.floor(np.round(257 * blurred) / 257)


@pytest.mark.parametrize("shape", [(2, 3, 32, 32), (3, 1, 9, 13), (2, 1, 5, 50)])
@pytest.mark.parametrize("line", [Line(2, 1.0), Line(9, 2.5)])
def test_every_pixel_is_the_mean_along_the_line_that_starts_at_it(shape: tuple[int, ...], line: Line) -> None:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    degrees = torch.tensor([-133.3, 41.7, 178.1][: len(pixels)], dtype=torch.float64)
    blurred = line_blur(pixels, line, degrees)
    for image, angle, result in zip(pixels, degrees.tolist(), blurred, strict=True):
        for plane, ours in zip(image.numpy(), result.numpy(), strict=True):
            off = np.abs(ours - one_by_one(plane.astype(np.float64), line, angle))
            assert off.max() <= 1
            assert (off > 0).mean() < 0.01


def test_a_flat_image_stays_as_it_is() -> None:
    levels = torch.arange(256, dtype=torch.uint8)[:, None, None, None].repeat(1, 1, 8, 8)
    assert torch.equal(line_blur(levels, Line(9, 2.5), torch.linspace(-180, 180, 256)), levels)
