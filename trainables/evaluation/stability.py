"""Random-noise stability over the stages of a training (Rozsa, Günther, Boult 2016, arXiv 1612.00138, section 4).

Of each image that a network has right at all tested stages, noisy copies are made, x + σ z with z standard normal and
pixels and σ on the scale from 0 to 255, clipped to it and not rounded (the paper says neither); what counts is how many
of the copies get another label, at each stage.

The draws of an image have generators of their own, keyed by (split, seed, σ, image, block of draws). So every network
and every stage meets the same noise, whatever other images it is tested on and at whatever other stages.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainables.datasets import Images
from trainables.evaluation.shown import BATCH, pixels
from trainables.noise_stability import StabilityTest
from trainables.randomness import Key
from trainables.recipe import Condition
from trainables.records import NoiseStability, State

STABILITY_REVISION = 2
"""Raised whenever the test's numbers change; part of its conditions' identity."""

BLOCK = 100
"""Draws of an image that share a generator."""
COPIES = {"cpu": 500, "cuda": 4000}
"""Noisy copies in one forward pass, at most, where they are small: what a cache holds, and what keeps a GPU busy."""
PASS_BYTES = 2**26
"""Of the copies in one forward pass; one block of one image may be more."""
HELD_BYTES = 2**28
"""Of the copies that are made before the stages meet them in turn."""

Load = Callable[[Sequence[int]], Sequence[State] | None]
"""Gives a trial's weights after each of some stages; None if its training diverged."""


@dataclass(frozen=True)
class Eligible:
    """The images that a network has right at all tested stages."""

    right: Tensor
    """bool [n], over the whole split."""
    chosen: Tensor
    """Of them, the first of each class: indices, ascending."""


def eligible(
    model: nn.Module, stages: Sequence[State], images: Images, test: StabilityTest, device: torch.device
) -> Eligible:
    """What `model` has right with the weights of each of `stages`; an image whose outputs are not finite is wrong."""
    labels = images.labels.to(device)
    right = torch.ones(len(images), dtype=torch.bool, device=device)
    for weights in stages:
        model.load_state_dict(dict(weights))
        for first in range(0, len(images), BATCH):
            part = slice(first, min(first + BATCH, len(images)))
            shown = pixels(images, part.start, part.stop, 0, device).to(torch.float32).div_(255)
            right[part] &= keeps(model, shown, labels[part])
    return Eligible(right=right, chosen=first_of_each(right, labels, test.per_class + test.spare))


def first_of_each(right: Tensor, labels: Tensor, most: int) -> Tensor:
    """Indices of the first `most` of each class among those that are `right`: bool [n], labels [n]."""
    indices = right.nonzero()[:, 0]
    own = labels[indices]
    order = own.argsort(stable=True)
    begins = torch.searchsorted(own[order], own[order])
    place = torch.arange(len(order), device=order.device) - begins
    return indices[order[place < most].sort().values]


@torch.no_grad()
def keeps(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Whether each of images [n, C, H, W] in [0, 1] is given its label [n]: bool [n]."""
    logits: Tensor = model(images.contiguous(memory_format=torch.channels_last))
    return (logits.argmax(1) == labels) & logits.isfinite().all(1)


def changed(
    model: nn.Module,
    stages: Sequence[State],
    images: Images,
    chosen: Tensor,
    condition: Condition,
    device: torch.device,
) -> Tensor:
    """Of each chosen image, how many noisy copies are not given its label, at each stage: int64 [stages, chosen].

    Copies are made once, and met by all stages in turn.
    """
    test, labels = StabilityTest.of(condition), images.labels.to(device)[chosen]
    counts = torch.zeros(len(stages), len(chosen), dtype=torch.int64, device=device)
    for part, copies in _copies(images, chosen, condition, test, device):
        flat, expected = copies.flatten(0, 1), labels[part].repeat_interleave(copies.shape[1])
        at_once = max(1, min(COPIES[device.type], PASS_BYTES // flat[0].nbytes))
        batches = tuple(zip(torch.split(flat, at_once), torch.split(expected, at_once), strict=True))
        for number, weights in enumerate(stages):
            model.load_state_dict(dict(weights))
            kept = torch.cat([keeps(model, some, own) for some, own in batches])
            counts[number, part] += (~kept).view(copies.shape[:2]).sum(1)
    return counts


def _copies(
    images: Images, chosen: Tensor, condition: Condition, test: StabilityTest, device: torch.device
) -> Iterator[tuple[slice, Tensor]]:
    """(which of the chosen, their noisy copies [images, draws, C, H, W]) in blocks of draws."""
    indices = chosen.tolist()
    at_once = max(1, HELD_BYTES // (4 * min(BLOCK, test.draws) * math.prod(images.shape)))
    for block in range(-(-test.draws // BLOCK)):
        for begin in range(0, len(indices), at_once):
            some = indices[begin : begin + at_once]
            yield slice(begin, begin + len(some)), noisy(images, some, condition, device, block)


def noisy(images: Images, indices: Sequence[int], condition: Condition, device: torch.device, block: int = 0) -> Tensor:
    """Copies of some images in one block of draws: float32 [images, draws, C, H, W] in [0, 1]."""
    test = StabilityTest.of(condition)
    draws = min(BLOCK, test.draws - block * BLOCK)
    copies = torch.empty(len(indices), draws, *images.shape, device=device)
    for own, index in zip(copies, indices, strict=True):
        key = Key((condition.family, condition.split, condition.seed, f"{test.sigma:.12g}", index, block))
        own.normal_(generator=key.generator(device))
    clean = _picked(images, indices, device)
    return copies.mul_(test.sigma / 255).add_(clean[:, None]).clamp_(0, 1)


def _picked(images: Images, indices: Sequence[int], device: torch.device) -> Tensor:
    """float32 [images, C, H, W] in [0, 1]."""
    return images.within(0)[torch.tensor(indices)].to(device).to(torch.float32).div_(255)


def results(
    test: StabilityTest, reached: Sequence[int], classes: int, labels: Tensor, chosen: Tensor, counts: Tensor
) -> tuple[NoiseStability, ...]:
    """One a stage."""
    indices = tuple(chosen.tolist())
    own = tuple(labels[chosen.to(labels.device)].tolist())
    return tuple(
        NoiseStability(
            stage=stage,
            counts=test.counts,
            draws=test.draws,
            classes=classes,
            per_class=test.per_class,
            images=indices,
            labels=own,
            changed=tuple(row),
        )
        for stage, row in zip(reached, counts.tolist(), strict=True)
    )
