"""Reference values: a view of a file that remembers which of them were read, and how values are compared."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

Path = tuple[str | int, ...]


def leaves(node: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value: a number, a text, a truth, null, or an array of numbers."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif _is_list_of_cases(node):
        for number, value in enumerate(node):
            yield from leaves(value, (*path, number))
    else:
        yield path


def _is_list_of_cases(node: Any) -> bool:
    return isinstance(node, list) and bool(node) and isinstance(node[0], dict)


class Recorded(Mapping[str, Any]):
    """Values are given as they are, and noted in `read`; mappings below are views of the same kind."""

    def __init__(self, node: dict[str, Any], read: set[Path] | None = None, path: Path = ()) -> None:
        self._node = node
        self._path = path
        self.read: set[Path] = set() if read is None else read

    def __getitem__(self, key: str) -> Any:
        return self._seen(self._node[key], (*self._path, key))

    def __iter__(self) -> Iterator[str]:
        return iter(self._node)

    def __len__(self) -> int:
        return len(self._node)

    def unread(self) -> set[Path]:
        return set(leaves(self._node, self._path)) - self.read

    def _seen(self, node: Any, path: Path) -> Any:
        if isinstance(node, dict):
            return Recorded(node, self.read, path)
        if _is_list_of_cases(node):
            return [self._seen(value, (*path, number)) for number, value in enumerate(node)]
        self.read.add(path)
        return node


Check = Callable[[Any], None]
"""Compares values of a `Recorded` view with ours."""


def double(values: Any, gradient: bool = False) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=gradient)


def close(actual: Tensor, expected: object) -> None:
    """Equal but for rounding in float64."""
    torch.testing.assert_close(actual.detach(), double(expected), rtol=1e-9, atol=1e-11)
