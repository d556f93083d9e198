"""Plasma: the fractal clouds of the diamond-square algorithm on a torus, batched."""

from torch import Tensor


def plasma(draws: Tensor, decay: float) -> Tensor:
    """Uniform numbers in [−1, 1] [N, n² − 1] → maps [N, n, n] in [0, 1], n a power of two.

    Of every level, coarse to fine, the draws hold the squares' centres, the points to the right of known ones and those
    below, row by row. Numbers are displaced by ±g² where g falls by `decay` from level to level.
    """
    count = len(draws)
    known = draws.new_zeros(count, 1, 1)
    size, wander, used = 1, 1.0, 0
    while used < draws.shape[1]:
        levels = draws[:, used : used + 3 * size**2].view(count, 3, size, size) * wander
        known = _finer(known, *levels.unbind(1))
        used, size, wander = used + 3 * size**2, 2 * size, wander / decay**2
    known -= known.amin((1, 2), keepdim=True)
    return known.div_(known.amax((1, 2), keepdim=True))


def _finer(known: Tensor, centres: Tensor, right: Tensor, below: Tensor) -> Tensor:
    """[N, m, m] and what displaces the new points → [N, 2 m, 2 m]; the last line's neighbour is the first."""
    across = known + known.roll(-1, 2)
    centres = centres + (across + across.roll(-1, 1)) / 4
    right = right + (across + centres + centres.roll(1, 1)) / 4
    below = below + (known + known.roll(-1, 1) + centres + centres.roll(1, 2)) / 4
    finer = known.new_empty(len(known), *(2 * side for side in known.shape[1:]))
    finer[:, ::2, ::2], finer[:, 1::2, 1::2], finer[:, ::2, 1::2], finer[:, 1::2, ::2] = known, centres, right, below
    return finer
