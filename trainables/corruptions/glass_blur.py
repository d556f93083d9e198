"""Frosted glass: every pixel shows one nearby, between two Gaussian blurs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group
from trainables.corruptions.gaussian_blur import blurred
from trainables.levels import random_halves


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
    ends where a target comes no later. The authors meant to exchange the two; what is published copies.
    """

    revision: ClassVar[int] = 2
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
        """uint8 [N, passes, H − 2 reach, W − 2 reach]: row offset × 2 reach + column offset, both from 0 on.

        Their probabilities are alike to 2⁻¹⁶.
        """
        inner = (side - 2 * setting.reach for side in pixels.shape[2:])
        halves = random_halves(torch.Size((len(pixels), setting.passes, *inner)), generator, pixels.device)
        kinds = (2 * setting.reach) ** 2
        return (halves.to(torch.int32).add_(2**15).mul_(kinds) >> 16).to(torch.uint8)

    def corrupt(self, pixels: Tensor, setting: Setting, draws: Tensor) -> Tensor:
        sources = _sources(draws, pixels.shape[2:], setting.reach).long()
        planes = blurred(pixels, setting.sigma).transpose(0, 1)
        channels = planes.flatten(1)
        moved = channels.gather(1, sources.expand_as(channels)).view(planes.shape)
        return blurred(moved.transpose(0, 1), setting.sigma)


def _sources(offsets: Tensor, size: torch.Size, reach: int) -> Tensor:
    """Where each pixel's value comes from, from the offsets [N, passes, h, w]: places in the batch, int32 [N H W].

    What the passes move is places, so that the images are gathered once.
    """
    first, *others = (_sources_of_pass(of_pass, size, reach) for of_pass in offsets.unbind(1))
    return reduce(lambda earlier, later: earlier.index_select(0, later), others, first)


def _sources_of_pass(offsets: Tensor, size: torch.Size, reach: int) -> Tensor:
    """The same of one pass, offsets [N, h, w]."""
    targets = _targets(offsets, size, reach)
    if reach == 1:  # no offset of −1 or 0 leads onwards
        return targets
    places = torch.arange(len(targets), dtype=torch.int32, device=targets.device)
    return targets.index_select(0, _ends(torch.maximum(targets, places), size.numel()))


def _targets(offsets: Tensor, size: torch.Size, reach: int) -> Tensor:
    """Each pixel's target, a place in the batch, int32 [N H W]; near the border, where nothing moves, itself."""
    count, (height, width) = len(offsets), size
    steps = torch.arange(2 * reach, dtype=torch.int32, device=offsets.device) - reach
    moves = (steps[:, None] * width + steps).flatten().index_select(0, offsets.flatten().to(torch.int32))
    targets = torch.arange(count * height * width, dtype=torch.int32, device=offsets.device)
    inner = _inner(targets.view(count, height, width), reach)
    inner += moves.view(offsets.shape)
    return targets


def _ends(onwards: Tensor, longest: int) -> Tensor:
    """The ends of chains of at most `longest` pointers, int32 [places]; an end points to itself.

    Every round doubles the pointers' lengths, so log2 of that many rounds always suffice; on a CPU, where asking costs
    nothing, they end when nothing changes.
    """
    for _ in range(longest.bit_length()):
        further = onwards.index_select(0, onwards)
        if onwards.device.type == "cpu" and torch.equal(further, onwards):
            break
        onwards = further
    return onwards


def _inner(places: Tensor, reach: int) -> Tensor:
    """The view [N, h, w] of those [N, H, W] that a pass goes through: from row and column reach + 1 to H − reach."""
    height, width = places.shape[1:]
    return places[:, reach + 1 : height - reach + 1, reach + 1 : width - reach + 1]
