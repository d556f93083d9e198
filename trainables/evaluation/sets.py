"""Distorted test sets, made once and met by every model that a worker evaluates."""

import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainables.datasets import Images, split_of
from trainables.evaluation.shown import Shown, floating, frames_of, is_attack, shown
from trainables.fit import data_set
from trainables.recipe import Condition

SHARE = 0.25
"""Of a worker's part of the free memory, and of the free disk of the temporary folder: what test sets may take."""
MEMORY_LIMIT, DISK_LIMIT = 8 * 2**30, 64 * 2**30
"""Bytes that one worker's may take at most."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """Bytes in which one worker may keep test sets."""

    memory: int
    """Of its device."""
    disk: int

    @property
    def bytes(self) -> int:
        return self.memory + self.disk


def room(device: torch.device, cpus: float, gpus: float, memory: int | None = None) -> Room:
    """What a worker that has so many of this machine's processors and accelerators may use, as things stand.

    `memory`: bytes of the host's that it may take; None where nothing is said.
    """
    if device.type == "cuda":
        free, of_device, of_node = torch.cuda.mem_get_info(device)[0], gpus, gpus / torch.cuda.device_count()
    else:
        of_node = cpus / (os.cpu_count() or 1)
        free, of_device = (_free_host_memory(), of_node) if memory is None else (memory, 1.0)
    free_disk = shutil.disk_usage(tempfile.gettempdir()).free
    return Room(
        memory=min(MEMORY_LIMIT, int(SHARE * min(1.0, of_device) * free)),
        disk=min(DISK_LIMIT, int(SHARE * min(1.0, of_node) * free_disk)),
    )


def bytes_of(condition: Condition) -> int:
    """What a condition's test set takes where it is kept; 0 for an attack, which makes its own for every network."""
    if is_attack(condition):
        return 0
    data = data_set(condition.data)
    values = len(split_of(data, condition.split)) * frames_of(condition) * math.prod(data.shape)
    return values * shown(condition).dtype.itemsize


def _free_host_memory() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class DistortedSets:
    """Test sets as conditions show them, kept on the device while there is room, then in mapped files on the host.

    What was kept stays: models come one after another and each meets all conditions in turn, so that room made for the
    last condition would be missing for the first. What does not fit is made anew for every model.
    """

    def __init__(self, memory: int, disk: int = 0) -> None:
        self.memory = memory
        """Bytes on the device that are still free for sets."""
        self.disk = disk
        """Bytes of mapped files that are still free. The files have no name, and so end with the process."""
        self._kept: dict[tuple[str, str], Tensor | None] = {}

    def batches(self, condition: Condition, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
        """(what is shown, labels [n]) in index order: float32 [n, C, H, W] in [0, 1], of sequences [n, T, C, H, W].

        Batches are the same whether the set is kept or not, and so are a network's bits.
        """
        images, how = split_of(data_set(condition.data), condition.split), shown(condition)
        kept, labels = self._whole(condition, images, how, device), images.labels.to(device)
        for first in range(0, len(images), how.batch):
            last = min(first + how.batch, len(images))
            part = how.of(condition, images, device, first, last) if kept is None else kept[first:last]
            yield floating(part.to(device, non_blocking=True)), labels[first:last]

    def _whole(self, condition: Condition, images: Images, how: Shown, device: torch.device) -> Tensor | None:
        """The whole set, made now if it was not; None where there is no room for it."""
        place = (condition.condition_id, str(device))
        if place not in self._kept:
            self._kept[place] = self._made(condition, images, how, device)
        return self._kept[place]

    def _made(self, condition: Condition, images: Images, how: Shown, device: torch.device) -> Tensor | None:
        """A set in room of its own, None where there is none for it; one that fails half-way gives its room back."""
        begin, free = how.of(condition, images, device, 0, min(how.batch, len(images))), (self.memory, self.disk)
        room = self._room((len(images), *begin.shape[1:]), begin)
        if room is None:
            return None
        room[: len(begin)] = begin
        try:
            for first in range(len(begin), len(images), how.batch):
                last = min(first + how.batch, len(images))
                room[first:last] = how.of(condition, images, device, first, last)
        except BaseException:
            self.memory, self.disk = free
            raise
        return room

    def _room(self, shape: tuple[int, ...], like: Tensor) -> Tensor | None:
        """Room for a set of that shape: on the device of `like`, else in a mapped file, else none."""
        size = torch.Size(shape).numel() * like.element_size()
        if size <= self.memory:
            self.memory -= size
            return _channels_last(like.new_empty(size // like.element_size()), shape)
        if size <= self.disk and (file := _mapped(size)) is not None:
            self.disk -= size
            return _channels_last(file.view(like.dtype), shape)
        return None


def _mapped(size: int) -> Tensor | None:
    """A nameless file of `size` bytes; None where the disk has got too full for it.

    Its blocks are taken at once: written through a map, a full disk would kill the process.
    """
    with tempfile.TemporaryFile() as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError:
            return None
        return torch.from_numpy(np.memmap(file, np.uint8, shape=size))


def _channels_last(flat: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The numbers as [..., C, H, W], in the order in which models want them."""
    *others, channels, height, width = shape
    return flat.view(*others, height, width, channels).movedim(-1, -3)
