"""A golden file that remembers what was read of it, so that no value can stay unchecked without anybody noticing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

RTOL, ATOL = 1e-9, 1e-11
"""For float64."""


class Golden:
    """One object of a golden file. Its leaves are numbers, words and lists of them, each under a name.

    `golden["jsd"]["cases"]` is another Golden, `golden["y"]` a leaf, which counts as read from then on. A list of
    objects has its numbers for names.
    """

    def __init__(self, tree: Any, path: str = "", read: set[str] | None = None) -> None:
        self.path = path
        self._tree = dict(enumerate(tree)) if isinstance(tree, list) else tree
        self._read: set[str] = set() if read is None else read

    @classmethod
    def load(cls, file: Path) -> "Golden":
        return cls(json.loads(file.read_text()))

    def __getitem__(self, name: str | int) -> Any:
        value, path = self._tree[name], f"{self.path}.{name}".lstrip(".")
        if _is_leaf(value):
            self._read.add(path)
            return value
        return Golden(value, path, self._read)

    def __len__(self) -> int:
        return len(self._tree)

    def names(self) -> tuple[str, ...]:
        """What it holds, nothing of it read."""
        return tuple(self._tree)

    def each(self) -> Iterator["Golden"]:
        """The objects it holds."""
        return (self[name] for name in self._tree)

    def tensor(self, name: str | int, gradient: bool = False) -> Tensor:
        """A leaf of numbers in double precision."""
        return torch.tensor(self[name], dtype=torch.float64, requires_grad=gradient)

    def equals(self, name: str | int, actual: Tensor | float) -> None:
        """Fails unless the leaf is `actual`, to the last digits of double precision."""
        given = torch.as_tensor(actual, dtype=torch.float64).detach()
        torch.testing.assert_close(
            given, self.tensor(name), rtol=RTOL, atol=ATOL, msg=lambda told: f"{self.path}.{name}: {told}"
        )

    def unread(self) -> set[str]:
        """Paths of the leaves, of this object and below, that nobody has read."""
        return {path for path in self._leaves() if path not in self._read}

    def _leaves(self) -> Iterator[str]:
        for name, value in self._tree.items():
            path = f"{self.path}.{name}".lstrip(".")
            if _is_leaf(value):
                yield path
            else:
                yield from Golden(value, path, self._read)._leaves()


def _is_leaf(value: Any) -> bool:
    return not isinstance(value, dict) and not (isinstance(value, list) and any(isinstance(one, dict) for one in value))
