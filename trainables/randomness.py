"""Randomness is passed in: every draw comes from a generator keyed by what it is for, never by when it happens."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Key:
    """A path of names and numbers that stands for one stream of random numbers.

    Two keys with different parts give independent streams; equal parts give the same stream in any process. CPU and
    CUDA generators differ, so a study evaluates on one device type.
    """

    parts: tuple[int | str, ...]

    def child(self, *parts: int | str) -> "Key":
        """The key of a part of what this key stands for."""
        return Key((*self.parts, *parts))

    @property
    def seed(self) -> int:
        """A seed in [0, 2^63)."""
        digest = hashlib.blake2b(repr(self.parts).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 1

    def generator(self, device: torch.device | str = "cpu") -> torch.Generator:
        """A fresh generator on `device` at the start of this key's stream."""
        return torch.Generator(device).manual_seed(self.seed)

    def host(self) -> np.random.RandomState:
        """The one generator of numpy whose streams are frozen for good (NEP 19): for numbers that steer the host."""
        return np.random.RandomState((self.seed >> 32, self.seed & 0xFFFFFFFF))
