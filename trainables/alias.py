"""Draws from many discrete distributions at once, a table look-up each: Walker's alias method.

A distribution over 2ᵇ outcomes is cut into 2ᵇ slots of equal weight, each shared by at most two outcomes: the slot's
own and its alias. A draw is a word of 32 bits: its lowest bits choose the slot, the others decide between the two.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

WORDS = 2**32


@dataclass(frozen=True, eq=False)
class AliasTable:
    """Some distributions over the outcomes 0 … 2ᵇ − 1, on a device."""

    bits: int
    entries: Tensor
    """int32 [distributions × slots]: words below an entry take the slot's outcome, others the lowest bits."""

    def outcomes(self, distributions: Tensor, words: Tensor) -> Tensor:
        """Which distribution (any integers), random words (int32), of one shape → the outcomes, int32.

        Their probabilities are right to 2^(bits − 32).
        """
        slots = 2**self.bits
        own, rest = words & (slots - 1), words | (slots - 1)
        entry = self.entries.index_select(0, torch.add(own, distributions, alpha=slots).flatten()).view(own.shape)
        alias = entry & (slots - 1)
        keeps = (rest >> 1).sub_(entry >> 1).bitwise_right_shift_(31)  # all ones: many times faster than to compare
        chosen: Tensor = own.bitwise_xor_(alias).bitwise_and_(keeps).bitwise_xor_(alias)
        return chosen


def alias_table(probabilities: NDArray[np.float64], device: torch.device) -> AliasTable:
    """Probabilities [distributions, outcomes], of sum 1 each, as a table."""
    count, outcomes = probabilities.shape
    bits = max(1, (outcomes - 1).bit_length())
    weights = np.zeros((count, 2**bits))
    weights[:, :outcomes] = probabilities * 2**bits
    kept, alias = _shared(weights)
    words = np.rint(kept * (WORDS >> bits)).astype(np.int64) << bits  # of all words, lowest bits aside
    entries = np.minimum(words, WORDS - 2**bits) + alias - WORDS // 2  # a slot that keeps all is its own alias
    return AliasTable(bits=bits, entries=torch.from_numpy(entries.astype(np.int32).ravel()).to(device))


def _shared(weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Weights [M, K] of mean 1 → what each slot keeps of its own, in [0, 1], and who takes the rest, both [M, K].

    A sweep: the lightest slot is filled up by the heaviest, all distributions at once, until every slot weighs 1.
    """
    count, slots = weights.shape
    every = np.arange(count)
    kept, alias = np.ones_like(weights), np.tile(np.arange(slots), (count, 1))
    left = weights.copy()
    for _ in range(slots - 1):
        light, heavy = left.argmin(axis=1), np.where(np.isinf(left), -1, left).argmax(axis=1)
        share = np.minimum(left[every, light], 1)
        kept[every, light], alias[every, light] = share, heavy
        left[every, heavy] -= 1 - share
        left[every, light] = np.inf
    return kept, alias
