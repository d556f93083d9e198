"""Distances on the grid of pixels, as OpenCV's transform of 5 × 5 measures them."""

import torch
from torch import Tensor

KNIGHTS = ((1, 2), (1, -2), (2, 1), (2, -1))
STEPS = {(0, 1): 65536, (1, 0): 65536, (1, 1): 91750, (1, -1): 91750, **dict.fromkeys(KNIGHTS, 143976)}
"""Rows and columns of a step, either way → its length, 2⁻¹⁶ pixels: 1, 1.4 and 2.1969, a knight's."""
UNIT = 65536


def distances(marked: Tensor, limit: int) -> Tensor:
    """bool [N, 1, H, W] → float32, the length of the shortest path of steps to a marked pixel, `limit` ≤ 200 at most.

    The order of a path's steps does not change its length, and some order stays in the image; so the steps of one kind
    may all be taken first, in rounds that double how many: 1, 2, 4, … until they reach the limit. Whole numbers up to
    2²⁴ are exact in single precision.
    """
    nearest = torch.where(marked, 0.0, float(limit * UNIT))
    for (down, right), length in STEPS.items():
        times = 1
        while times * length < limit * UNIT:
            nearest = _relaxed(nearest, times * down, times * right, float(times * length))
            times *= 2
    return nearest.div_(UNIT)


def _relaxed(nearest: Tensor, down: int, right: int, length: float) -> Tensor:
    """The smaller of what is known and of what comes by a step to either side; `down` ≥ 0."""
    height, width = nearest.shape[-2:]
    if down >= height or abs(right) >= width:
        return nearest
    upper, lower = nearest[..., : height - down, :], nearest[..., down:, :]
    if right >= 0:
        upper, lower = upper[..., : width - right], lower[..., right:]
    else:
        upper, lower = upper[..., -right:], lower[..., : width + right]
    relaxed = nearest.clone()
    first = relaxed[..., : height - down, max(0, -right) : width - max(0, right)]
    second = relaxed[..., down:, max(0, right) : width - max(0, -right)]
    torch.minimum(first, lower + length, out=first)
    torch.minimum(second, upper + length, out=second)
    return relaxed
