"""Frosted glass: every pixel shows one nearby, between two Gaussian blurs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group
from trainables.corruptions.gaussian_blur import blurred
from trainables.levels import in_blocks


class Setting(NamedTuple):
    """The glass."""

    sigma: float
    """Of both blurs, pixels."""
    reach: int
    """A pixel shows one at an offset of −reach … reach − 1, rows and columns alike."""
    passes: int
    """How often the image is gone through."""


def _settings(*settings: tuple[float, int, int]) -> tuple[Setting, ...]:
    return tuple(Setting(*setting) for setting in settings)


@dataclass(frozen=True, kw_only=True)
class GlassBlur(Corruption):
    """A pass goes from the last pixel to the first, and copies onto each what its target shows at that moment.

    So the target's new value counts if it comes later in the image, and its old one otherwise: a chain of pointers that
    ends where a target comes earlier. The authors meant to exchange the two; what is published copies.
    """

    group: ClassVar[Group] = "blur"
    summary: ClassVar[str] = "pixels displaced as by frosted glass (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
        64: _settings((0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)),
        224: _settings((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
        299: _settings((0.8, 1, 3), (1, 3, 1), (1.1, 2, 4), (1.2, 4, 2), (1.6, 5, 2)),
    }

    def reason(self, shape: torch.Size, setting: Any) -> str | None:
        """Pixels nearer to the border than the reach stay as they are."""
        least = 2 * setting.reach + 1
        return None if min(shape[1:]) >= least else f"it moves pixels in images of {least} pixels a side and more"

    def draw(self, pixels: Tensor, setting: Setting, generator: torch.Generator) -> Tensor:
        """uint8 [N, passes, H − 2 reach, W − 2 reach]: row offset × 2 reach + column offset, both from 0 on."""
        inner = (side - 2 * setting.reach for side in pixels.shape[2:])
        shape = (len(pixels), setting.passes, *inner)
        kinds = (2 * setting.reach) ** 2
        return torch.randint(kinds, shape, generator=generator, device=pixels.device, dtype=torch.uint8)

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Tensor) -> Tensor:
        def seen(block: Tensor, offsets: Tensor) -> Tensor:
            moved = blurred(block, setting.sigma).flatten(2)
            for offset in offsets.unbind(1):
                sources = _sources(offset, block.shape[2:], setting.reach)
                moved = moved.gather(2, sources[:, None].expand_as(moved))
            return blurred(moved.view(block.shape), setting.sigma)

        return in_blocks(seen, pixels, draws)


def _sources(offsets: Tensor, size: torch.Size, reach: int) -> Tensor:
    """Where each pixel's value comes from in a pass: [N, H W] from the offsets [N, h, w]."""
    targets = _targets(offsets, size, reach)
    return targets if reach == 1 else _resolved(targets, offsets, size, reach)  # no offset of −1 or 0 leads onwards


def _targets(offsets: Tensor, size: torch.Size, reach: int) -> Tensor:
    """Each pixel's target [N, H W]; near the border, where nothing moves, itself."""
    height, width = size
    places = torch.arange(height * width, device=offsets.device).view(height, width)
    steps = torch.arange(2 * reach, device=offsets.device) - reach
    targets = places.repeat(len(offsets), 1, 1)
    inner = _inner(targets, reach)
    inner += (steps[:, None] * width + steps).flatten()[offsets.long()]
    return targets.flatten(1)


def _resolved(targets: Tensor, offsets: Tensor, size: torch.Size, reach: int) -> Tensor:
    """The ends of the chains of pointers.

    A place stands twice in the table: for its new value, which points on, and behind all of these for its old one, an
    end. Every round doubles the pointers' lengths. No chain has more pointers than the image has
    pixels, as each leads onwards in it, so log2 of that many rounds always suffice; on a CPU, where asking costs
    nothing, they end when nothing changes.
    """
    count = targets.shape[1]
    places = torch.arange(count, device=targets.device)
    moves = torch.zeros(size, dtype=torch.bool, device=targets.device)
    _inner(moves[None], reach).fill_(True)
    onwards = (targets > places) & moves.flatten()[targets]
    table = torch.cat([targets + count * ~onwards, (places + count).expand_as(targets)], dim=1)
    for _ in range(count.bit_length()):
        ends = table.gather(1, table[:, :count])
        if targets.device.type == "cpu" and torch.equal(ends, table[:, :count]):
            break
        table[:, :count] = ends
    return table[:, :count] - count


def _inner(places: Tensor, reach: int) -> Tensor:
    """The view [N, h, w] of those [N, H, W] that a pass goes through: from row and column reach + 1 to H − reach."""
    height, width = places.shape[1:]
    return places[:, reach + 1 : height - reach + 1, reach + 1 : width - reach + 1]
