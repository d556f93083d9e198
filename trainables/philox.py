"""Philox: random numbers by position, so that each row of a table has its own stream and all are drawn at once.

Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3": Philox4x32 with ten rounds.
"""

import numpy as np
from numpy.typing import NDArray

from trainables.randomness import Key

ROUNDS = 10
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
STEPS = (0x9E3779B9, 0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def uniforms(key: Key, rows: int, columns: int) -> NDArray[np.float64]:
    """[rows, columns] in [0, 1): row i depends on the key and i alone, and begins alike however many columns it has."""
    row, block = np.meshgrid(np.arange(rows), np.arange((columns + 1) // 2), indexing="ij")
    nothing = np.zeros_like(row)
    words = philox(np.stack((block, row, nothing, nothing), axis=-1), (key.seed & 0xFFFFFFFF, key.seed >> 32))
    high, low = words[..., 0::2] >> np.uint64(5), words[..., 1::2] >> np.uint64(6)
    numbers = (high * np.float64(2**26) + low) / 2**53
    return numbers.reshape(rows, 2 * block.shape[1])[:, :columns]


def philox(counters: NDArray[np.int64], key: tuple[int, int]) -> NDArray[np.uint64]:
    """[…, 4] counters of 32 bits → […, 4] random words of 32 bits."""
    first, second, third, fourth = np.moveaxis(counters.astype(np.uint64), -1, 0)
    for turn in range(ROUNDS):
        keys = [np.uint64((word + turn * step) & 0xFFFFFFFF) for word, step in zip(key, STEPS, strict=True)]
        one, other = MULTIPLIERS[0] * first, MULTIPLIERS[1] * third
        first, second = (other >> HALF) ^ second ^ keys[0], other & LOW
        third, fourth = (one >> HALF) ^ fourth ^ keys[1], one & LOW
    return np.stack((first, second, third, fourth), axis=-1)
