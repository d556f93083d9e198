"""Weights from elsewhere: the ways in which people save a network, brought to the names that a network has here."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "weights", "state_dict_ema")
"""What checkpoints of other projects keep the state dict under, the first that is there."""
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
"""What wrappers of a network put before every name: data parallelism, torch.compile, training frameworks."""

State = Mapping[str, Any]


def unwrapped(loaded: State) -> State:
    """The state dict in a file: itself, or what one of `WRAPPERS` holds."""
    inner = next((loaded[name] for name in WRAPPERS if isinstance(loaded.get(name), Mapping)), None)
    return loaded if inner is None or any(isinstance(one, Tensor) for one in loaded.values()) else inner


def fitted(loaded: State, needed: Mapping[str, Tensor]) -> State:
    """The weights in a file, under the names that a network needs as far as they are the same but for a prefix.

    A network whose names all begin alike (`network.`) takes files without that. Nothing is left out or made up: what
    then differs, `differences` tells.
    """
    found = unwrapped(loaded)
    if found.keys() == needed.keys():
        return found
    while prefix := next((one for one in PREFIXES if found and all(name.startswith(one) for name in found)), None):
        found = {name.removeprefix(prefix): value for name, value in found.items()}
    own = {name.partition(".")[0] for name in needed}
    if len(own) == 1 and not any(name in needed for name in found):
        found = {f"{next(iter(own))}.{name}": value for name, value in found.items()}
    return found


def differences(needed: Mapping[str, Tensor], found: State, classes: int) -> tuple[str, ...]:
    """What is wrong with the names and shapes of fitted weights, in words; `classes` is what the network predicts."""
    shapes = {name: tuple(getattr(value, "shape", ())) for name, value in found.items()}
    reshaped = [name for name, own in needed.items() if name in found and shapes[name] != tuple(own.shape)]
    other = {shapes[name][0] for name in reshaped if shapes[name] and shapes[name][1:] == tuple(needed[name].shape[1:])}
    lacking = [name for name in needed if name not in found]
    besides = [name for name in found if name not in needed]
    told = [f"lacks {_some(lacking)}"] if lacking else []
    told += [f"has {_some(besides)} besides"] if besides else []
    if reshaped and len(other) == 1 and {needed[name].shape[0] for name in reshaped} == {classes}:
        return (*told, f"is of {next(iter(other))} classes, where the data has {classes}")
    if reshaped:
        first = reshaped[0]
        told.append(f"has {_some(reshaped)} of another shape ({shapes[first]}, not {tuple(needed[first].shape)})")
    return tuple(told)


def _some(names: Sequence[str]) -> str:
    """The first of the names, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
