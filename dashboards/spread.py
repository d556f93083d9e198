"""Labels beside a plot: moved apart just far enough not to overlap. The page's script does so to what it shows."""

from collections.abc import Sequence

LINE = 16.0
"""Pixels of a line of text."""
GAP = 4.0


def spread(targets: Sequence[float], lines: Sequence[int]) -> list[float]:
    """How far to move each label, in pixels, from where it points to; both in pixels from the top, order kept.

    Overlapping neighbours are joined into blocks that stand centred on what their members point to.
    """
    order = sorted(range(len(targets)), key=lambda k: targets[k])
    blocks: list[tuple[float, float, list[int]]] = []
    """(middle, height, members)"""
    for k in order:
        block = (targets[k], lines[k] * LINE + GAP, [k])
        while blocks and blocks[-1][0] + blocks[-1][1] / 2 > block[0] - block[1] / 2:
            block = _joined(blocks.pop(), block)
        blocks.append(block)
    shifts = [0.0] * len(targets)
    for middle, height, members in blocks:
        top = middle - height / 2
        for k in members:
            own = lines[k] * LINE + GAP
            shifts[k] = top + own / 2 - targets[k]
            top += own
    return shifts


def _joined(
    above: tuple[float, float, list[int]], below: tuple[float, float, list[int]]
) -> tuple[float, float, list[int]]:
    """Centred between the two by height, so that no one of them is favoured."""
    height = above[1] + below[1]
    offset = (above[0] * above[1] + below[0] * below[1]) / height
    return offset, height, above[2] + below[2]
