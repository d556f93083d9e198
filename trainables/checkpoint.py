"""Checkpoints as bytes: nested dicts of tensors and plain numbers, read back without running anything in them."""

import hashlib
import io
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from trainables.records import State


class CorruptCheckpointError(ValueError):
    """Bytes that are not a whole checkpoint."""


def dump(state: State) -> bytes:
    """`state` with every tensor on the CPU, as `torch.save` writes it."""
    buffer = io.BytesIO()
    torch.save(to_cpu(state), buffer)
    return buffer.getvalue()


def parse(data: bytes) -> dict[str, Any]:
    """What `dump` wrote, on the CPU; raises CorruptCheckpointError. Loads weights only: nothing in it is executed."""
    try:
        loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises RuntimeError, EOFError, UnpicklingError and others for a torn file
        raise CorruptCheckpointError(f"not a whole checkpoint of tensors ({type(error).__name__})") from error
    if not isinstance(loaded, dict):
        raise CorruptCheckpointError(f"a checkpoint holds a dict, this holds {type(loaded).__name__}")
    return loaded


def to_cpu(state: Any) -> Any:
    """The same nesting with every tensor copied to the CPU, apart from the original's memory."""
    if isinstance(state, Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, Mapping):
        return {name: to_cpu(value) for name, value in state.items()}
    if isinstance(state, (list, tuple)):
        return type(state)(to_cpu(value) for value in state)
    return state


def weights_hash(weights: State) -> str:
    """SHA-256 over names, types, shapes and bytes of a state dict, in name order."""
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(repr((name, str(tensor.dtype), tuple(tensor.shape))).encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
