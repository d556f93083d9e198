"""Triplets: embeddings of unit length, and whether a query lies nearer to its own class than to another."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.randomness import Key

CHUNK = 100
"""Queries that share one generator."""
SHORTEST = 1e-12
"""An output that is no longer counts as one of length 0."""


@dataclass(frozen=True)
class Triplets:
    """For each of N images as the query: another image of its class, and one of another class. All [N]."""

    positives: Tensor
    negatives: Tensor
    whole: Tensor
    """Bool: whether there is an image of either kind; where there is none, the index says nothing."""


def embeddings(outputs: Tensor) -> Tensor:
    """A network's outputs [N, dimensions] at unit length; an output of length 0 stays 0, and its gradient what it is.

    A black image gives one, as long as biases are 0: a division by next to nothing would make of its gradient a step
    that ends the training.
    """
    lengths: Tensor = torch.linalg.vector_norm(outputs, dim=1, keepdim=True)
    return outputs / lengths.where(lengths > SHORTEST, 1)


def distances(a: Tensor, b: Tensor) -> Tensor:
    """‖a − b‖₂ of each pair, [N, dimensions] twice → [N], in [0, 2]; where both are equal the gradient is 0."""
    found: Tensor = torch.linalg.vector_norm(a - b, dim=1)
    return found


def hinge(to_positive: Tensor, to_negative: Tensor, margin: float) -> Tensor:
    """max(0, margin + ‖q − p‖₂ − ‖q − n‖₂), from the two distances, [N] each."""
    return F.relu(margin + to_positive - to_negative)


def drawn(labels: Tensor, uniform: Tensor) -> Triplets:
    """One triplet an image, from `uniform` [2, N] float64 in [0, 1): every possible one is as likely as any other.

    Sorted by label, the classes are blocks: the positive is one of the block's other places, the negative one of the
    places after the block, going round. Nothing waits for the device.
    """
    n = len(labels)
    block, order = torch.sort(labels, stable=True)
    place = torch.empty_like(order).scatter_(0, order, torch.arange(n, device=labels.device))
    first, last = torch.searchsorted(block, labels), torch.searchsorted(block, labels, right=True)
    size = last - first
    positive = first + (place - first + 1 + _below(size - 1, uniform[0])) % size
    negative = (last + _below(n - size, uniform[1])) % n
    return Triplets(order[positive], order[negative], (size > 1) & (size < n))


def _below(count: Tensor, uniform: Tensor) -> Tensor:
    """A whole number in [0, count) for each, [N]; count − 1 is the most that rounding may give."""
    return torch.minimum((uniform * count).long(), count - 1)


def uniform_by_chunk(n: int, key: Key) -> Tensor:
    """[2, n] float64 in [0, 1), on the CPU: CHUNK columns from each of the key's generators, whatever n is."""
    chunks = [
        torch.rand(2, min(CHUNK, n - first), generator=key.child(first // CHUNK).generator(), dtype=torch.float64)
        for first in range(0, n, CHUNK)
    ]
    return torch.cat(chunks, dim=1)


def fixed_triplets(labels: Tensor, key: Key) -> Triplets:
    """The triplets of a test set, the same on every device; raises ValueError where an image has none."""
    triplets = drawn(labels, uniform_by_chunk(len(labels), key).to(labels.device))
    if not bool(triplets.whole.all()):
        lonely = sorted(set(labels[~triplets.whole].tolist()))
        raise ValueError(
            f"ranking needs two or more classes, and two or more images of each, in every split; "
            f"labels without a triplet: {', '.join(map(str, lonely))}"
        )
    return triplets


def fixed_others(n: int, key: Key) -> Tensor:
    """For each of n ≥ 2 images another one, of any class: [n], on the CPU."""
    uniform = uniform_by_chunk(n, key)[0]
    own = torch.arange(n)
    return (own + 1 + _below(torch.full_like(own, n - 1), uniform)) % n
