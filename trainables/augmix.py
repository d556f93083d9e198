"""AugMix: an image mixed with chains of random operations on it (Hendrycks et al. 2020).

    view = (1 − m) x + m Σ wᵢ cᵢ,  w ~ Dirichlet(1, …, 1),  m ~ Beta(1, 1),  cᵢ = a chain of operations on x

Operations act on bytes; the mixture is taken in [0, 1], which gives the same as after a model's affine normalisation,
since the coefficients add up to 1. Every image draws from a stream of its own, keyed by its place in the batch: its
views do not depend on its neighbours. The host draws, so all images of one operation are one batch and nothing waits
for the device. Numbers as in google-research/augmix at 9b9824c, whose four colour operations are likewise left out
unless asked for: they overlap with the corruptions of ImageNet-C.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.augmix_operations import KINDS, NUMBERS, OPERATIONS, USUAL, Floats
from trainables.image_ops import from_unit, to_unit
from trainables.philox import uniforms
from trainables.randomness import Key
from trainables.transfer import sent

Integers = NDArray[np.int64]

DEEPEST = 3
"""Operations of the longest chain, where the length is drawn."""
LEAST = 0.1
"""The least level that is drawn."""
NOTHING = -1
"""In place of an operation: the chain has ended."""


@dataclass(frozen=True, kw_only=True)
class AugMixViews:
    """How views are drawn."""

    severity: float = 3.0
    """Levels are U(0.1, severity); from 0.1 to 10."""
    width: int = 3
    """Chains."""
    depth: int = -1
    """Operations of a chain; −1: drawn from 1, 2, 3 for each chain. With 0 a view is its image, bit for bit."""

    all_operations: bool = False
    """Draw from color, contrast, brightness and sharpness too, 13 operations instead of 9."""

    @property
    def operations(self) -> tuple[str, ...]:
        """Each as likely as any other."""
        return OPERATIONS if self.all_operations else USUAL

    @property
    def longest(self) -> int:
        return DEEPEST if self.depth < 0 else self.depth

    def of(self, images: Tensor, count: int, key: Key) -> tuple[Tensor, ...]:
        """[N, C, H, W] in [0, 1] that came from bytes → `count` times [N, C, H, W], each drawn by itself."""
        size = (images.shape[2], images.shape[3])
        drawn = [self.draw(len(images), key.child("view", view)) for view in range(count)]
        chains = _chained(from_unit(images), drawn, size)
        return tuple(_blended(images, *one) for one in zip(chains, drawn, strict=True))

    def draw(self, count: int, key: Key) -> "Draws":
        """One view of each of `count` images."""
        unit = uniforms(key, count, 1 + 2 * self.width + 3 * self.width * self.longest)
        m, rest = unit[:, 0], unit[:, 1:]
        weights, rest = -np.log1p(-rest[:, : self.width]), rest[:, self.width :]
        depths, rest = rest[:, : self.width], rest[:, self.width :]
        depth = 1 + np.floor(DEEPEST * depths) if self.depth < 0 else np.full_like(depths, self.depth)
        operation, level, sign = np.moveaxis(rest.reshape(count, self.width, self.longest, 3), -1, 0)
        ended = np.arange(self.longest) >= depth[..., None]
        return Draws(
            share=m.astype(np.float32),
            weights=(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
            operation=np.where(ended, NOTHING, np.floor(operation * len(self.operations))).astype(np.int64),
            level=LEAST + (self.severity - LEAST) * level,
            sign=np.where(sign < 0.5, -1.0, 1.0),
        )


@dataclass(frozen=True, kw_only=True)
class Draws:
    """What one view of N images is made with: W chains of at most D operations for each."""

    share: NDArray[np.float32]
    """[N]: m, of the chains."""
    weights: NDArray[np.float32]
    """[N, W]: of each chain among them; they add up to 1."""
    operation: Integers
    """[N, W, D]: places in OPERATIONS, or NOTHING."""
    level: Floats
    """[N, W, D]"""
    sign: Floats
    """[N, W, D]: −1 or 1."""


def _blended(images: Tensor, chains: Tensor, draws: Draws) -> Tensor:
    weights, share = (sent(torch.from_numpy(drawn), images.device) for drawn in (draws.weights, draws.share))
    return mixture(images, to_unit(chains), weights, share)


def mixture(images: Tensor, chains: Tensor, weights: Tensor, share: Tensor) -> Tensor:
    """(1 − m) x + m Σ wᵢ cᵢ: x [N, …], c [N, W, …], w [N, W] that add up to 1, m [N] → [N, …].

    Written x + m Σ wᵢ (cᵢ − x), so that chains without an operation give x bit for bit.
    """
    each = (-1, *(1,) * (images.ndim - 1))
    change = torch.zeros_like(images)
    for chain, weight in zip(chains.unbind(1), weights.unbind(1), strict=True):
        change += weight.view(each) * (chain - images)
    return images + share.view(each) * change


def _chained(pixels: Tensor, drawn: list[Draws], size: tuple[int, int]) -> Tensor:
    """Bytes [N, C, H, W] → each view's chains of operations on them, [views, N, W, C, H, W]."""
    shape = (len(drawn), len(pixels), drawn[0].weights.shape[1])
    chains = pixels[None, :, None].expand(*shape, -1, -1, -1).clone().flatten(0, 2)  # never the images themselves
    work = list(_work(drawn, size))
    if work:
        counts = [len(one.rows) for one in work]
        rows = sent(torch.from_numpy(np.concatenate([one.rows for one in work])), pixels.device)
        numbers = sent(torch.from_numpy(np.concatenate([one.numbers for one in work])), pixels.device)
        for one, place, number in zip(work, torch.split(rows, counts), torch.split(numbers, counts), strict=True):
            chains[place] = one.apply(chains[place], number)
    return chains.view(*shape, *pixels.shape[1:])


@dataclass(frozen=True)
class _Work:
    """Chains that meet the same kind of operation at the same depth."""

    apply: Callable[[Tensor, Tensor], Tensor]
    """Bytes [M, C, H, W] and numbers [M, 6] → bytes [M, C, H, W]."""
    rows: Integers
    """[M]: chains, counted through views, images and chains."""
    numbers: Floats
    """[M, 6]"""


def _work(drawn: list[Draws], size: tuple[int, int]) -> Iterator[_Work]:
    operation, level, sign = (
        np.stack([getattr(draws, name) for draws in drawn]) for name in ("operation", "level", "sign")
    )
    for depth in range(operation.shape[-1]):
        chosen, levels, signs = (table[..., depth].ravel() for table in (operation, level, sign))
        for apply, named in KINDS:
            groups = [(name, np.flatnonzero(chosen == OPERATIONS.index(name))) for name in named]
            numbers = [NUMBERS[name](levels[rows], signs[rows], *size) for name, rows in groups]
            rows = np.concatenate([rows for _, rows in groups])
            if len(rows):
                yield _Work(apply, rows, np.concatenate(numbers))
