"""A golden file that remembers what was read of it, so that no value can stay unchecked without anybody noticing.

The checks beside this file are plain functions of a file's view: test_golden.py runs each by itself, and all of them
once more over one view of each file, which it asks what was left unread.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

RTOL, ATOL = 1e-9, 1e-11
"""For float64."""


class Golden(Mapping[str, Any]):
    """An object of a golden file. Values are given as they are, and count as read; objects below are of this kind.

    `golden["jsd"]["cases"]` is another Golden, `golden["y"]` a value, `golden["eta"]` a list of Goldens. In a .npz the
    names of arrays are paths: `golden["h224"]["contrast"]` is the array h224/contrast. Where p32/snow is an array too,
    `golden["p32"]["snow/layer"]` is p32/snow/layer.
    """

    def __init__(self, tree: Mapping[str, Any], path: str = "", read: set[str] | None = None) -> None:
        self.path = path
        self._tree = tree
        self._read: set[str] = set() if read is None else read

    @classmethod
    def load(cls, shared: Path, file: str) -> "Golden":
        """All of a file in the folder of reference outputs."""
        path = shared / "golden" / file
        return cls(_arrays(path) if path.suffix == ".npz" else json.loads(path.read_text()))

    def __getitem__(self, name: str) -> Any:
        return self._seen(self._tree[name], _joined(self.path, name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._tree)

    def __len__(self) -> int:
        return len(self._tree)

    def tensor(self, name: str, gradient: bool = False) -> Tensor:
        """Numbers in double precision."""
        return double(self[name], gradient)

    def equals(self, name: str, actual: Tensor | float) -> None:
        """Fails unless what stands under `name` is `actual`, to the last digits of double precision."""
        given = torch.as_tensor(actual, dtype=torch.float64).detach()
        torch.testing.assert_close(
            given, self.tensor(name), rtol=RTOL, atol=ATOL, msg=lambda told: f"{self.path}.{name}: {told}"
        )

    def unread(self) -> set[str]:
        """Where the values are, of this object and below, that nobody has read."""
        return set(_values(self._tree, self.path)) - self._read

    def _seen(self, node: Any, path: str) -> Any:
        if isinstance(node, dict):
            return Golden(node, path, self._read)
        if _holds_objects(node):
            return [self._seen(one, _joined(path, number)) for number, one in enumerate(node)]
        self._read.add(path)
        return node


Check = Callable[[Golden], None]
"""Compares values of a file with ours."""


def double(values: Any, gradient: bool = False) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=gradient)


def close(actual: Tensor, expected: object) -> None:
    """Equal but for rounding in float64."""
    torch.testing.assert_close(actual.detach(), double(expected), rtol=RTOL, atol=ATOL)


@cache
def _arrays(path: Path) -> dict[str, Any]:
    """The arrays of a .npz as a tree: `a/b` stands in the object `a` under the name `b`. They are not to be changed."""
    tree: dict[str, Any] = {}
    with np.load(path) as file:
        for name in file.files:
            node, rest = tree, name
            while "/" in rest and isinstance(node.get(rest.split("/")[0], {}), dict):
                folder, rest = rest.split("/", 1)
                node = node.setdefault(folder, {})
            node[rest] = file[name]
    return tree


def _values(node: Any, path: str) -> Iterator[str]:
    """The path of every value: a number, a word, a truth, null, or an array of them."""
    if isinstance(node, dict):
        for name, below in node.items():
            yield from _values(below, _joined(path, name))
    elif _holds_objects(node):
        for number, below in enumerate(node):
            yield from _values(below, _joined(path, number))
    else:
        yield path


def _holds_objects(node: Any) -> bool:
    return isinstance(node, list) and any(isinstance(one, dict) for one in node)


def _joined(path: str, name: str | int) -> str:
    return f"{path}.{name}".lstrip(".")
