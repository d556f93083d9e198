"""Sees what would make an accelerator's host wait: numbers read back from tensors, shapes that depend on values."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "bincount")


class Watched(TorchDispatchMode):
    """Collects the names of waiting operations; on a CPU they are run as any others."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name in WAITING:
            self.seen.append(name)
        if name.startswith("index") and any(_is_mask(one) for one in torch.utils._pytree.tree_leaves(args)):
            self.seen.append("index by a mask")
        return func(*args, **(kwargs or {}))


def _is_mask(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.dtype == torch.bool
