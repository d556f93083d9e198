"""What this machine keeps for a plan's trials: test sets in a worker's room, training images on a GPU or beside it."""

from collections.abc import Iterable

import torch

from study.fitting import largest
from study.plan import Plan
from trainables.evaluation.sets import Room, bytes_of, room
from trainables.evaluation.shown import is_attack
from trainables.recipe import Condition
from trainables.residency import residency


def on_gpu() -> bool:
    """Whether this machine has a GPU to compute on."""
    return torch.cuda.is_available()


def device_of(plan: Plan) -> torch.device:
    """What its trials compute on; whether this machine has one is another matter."""
    return torch.device("cuda" if largest(plan).gpus else "cpu")


def room_here(plan: Plan) -> Room:
    """What one worker here may use for test sets; of the host where its trials ask for a GPU that is not here."""
    shape, device = largest(plan), device_of(plan) if on_gpu() else torch.device("cpu")
    return room(device, shape.cpus, shape.gpus, shape.memory)


def kept(conditions: Iterable[Condition], space: Room) -> tuple[Condition, ...]:
    """Those whose test sets find room, as a worker gives it in this order: on its device, else its disk.

    Attacks have no set and take no room.
    """
    memory, disk, found = space.memory, space.disk, []
    for one in conditions:
        size = bytes_of(one)
        if size <= memory:
            memory -= size
        elif size <= disk:
            disk -= size
        else:
            continue
        if not is_attack(one):
            found.append(one)
    return tuple(found)


def residency_here(plan: Plan, images: int) -> str | None:
    """Where `images` bytes of training and validation images will be on a GPU of this machine; None without one."""
    if not largest(plan).gpus or not on_gpu():
        return None
    memory = int(torch.cuda.get_device_properties(0).total_memory)
    return residency(images, memory, largest(plan).gpus).said
