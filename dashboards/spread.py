"""Labels beside a plot: moved apart just far enough not to overlap. The page's script does so to what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass

LINE = 16.0
"""Pixels of a line of text."""
GAP = 4.0


@dataclass(frozen=True)
class Block:
    """Labels that touch, as one."""

    middle: float
    height: float
    members: tuple[int, ...]

    def within(self, room: float) -> "Block":
        """Moved inside [0, room], as far as it fits."""
        middle = max(self.height / 2, min(room - self.height / 2, self.middle))
        return Block(middle, self.height, self.members)

    def joined(self, below: "Block") -> "Block":
        """Standing between the two, the higher one weighing more."""
        height = self.height + below.height
        middle = (self.middle * self.height + below.middle * below.height) / height
        return Block(middle, height, self.members + below.members)


def needed(lines: Sequence[int]) -> float:
    """Pixels that labels of so many lines take when they touch."""
    return sum(number * LINE + GAP for number in lines)


def spread(targets: Sequence[float], lines: Sequence[int], room: float) -> list[float]:
    """How far to move each label, in pixels, from where it points to, both in pixels from the top; order kept.

    Labels stay in [0, room] where they fit in at all (`needed`).
    """
    blocks: list[Block] = []
    for k in sorted(range(len(targets)), key=lambda k: targets[k]):
        block = Block(targets[k], needed(lines[k : k + 1]), (k,)).within(room)
        while blocks and blocks[-1].middle + blocks[-1].height / 2 > block.middle - block.height / 2:
            block = blocks.pop().joined(block).within(room)
        blocks.append(block)
    shifts = [0.0] * len(targets)
    for block in blocks:
        top = block.middle - block.height / 2
        for k in block.members:
            own = needed(lines[k : k + 1])
            shifts[k] = top + own / 2 - targets[k]
            top += own
    return shifts
