"""Distorted test sets, made once and met by every model that a worker evaluates."""

import tempfile
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from trainables.datasets import Images, split_of
from trainables.evaluation.shown import Shown, floating, shown
from trainables.fit import data_set
from trainables.recipe import Condition


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
        kept = self._whole(condition, images, how, device)
        for first in range(0, len(images), how.batch):
            last = min(first + how.batch, len(images))
            part = how.of(condition, images, device, first, last) if kept is None else kept[first:last]
            yield floating(part.to(device, non_blocking=True)), images.labels[first:last].to(device)

    def _whole(self, condition: Condition, images: Images, how: Shown, device: torch.device) -> Tensor | None:
        """The whole set, made now if it was not; None where there is no room for it."""
        place = (condition.condition_id, str(device))
        if place not in self._kept:
            begin = how.of(condition, images, device, 0, min(how.batch, len(images)))
            room = self._kept[place] = self._room((len(images), *begin.shape[1:]), begin)
            if room is not None:
                room[: len(begin)] = begin
                for first in range(len(begin), len(images), how.batch):
                    last = min(first + how.batch, len(images))
                    room[first:last] = how.of(condition, images, device, first, last)
        return self._kept[place]

    def _room(self, shape: tuple[int, ...], like: Tensor) -> Tensor | None:
        """Room for a set of that shape: on the device of `like`, else in a mapped file, else none."""
        size = torch.Size(shape).numel() * like.element_size()
        if size <= self.memory:
            self.memory -= size
            return _channels_last(like.new_empty(size // like.element_size()), shape)
        if size <= self.disk:
            self.disk -= size
            with tempfile.TemporaryFile() as file:
                file.truncate(size)
                return _channels_last(torch.from_numpy(np.memmap(file, np.uint8, shape=size)).view(like.dtype), shape)
        return None


def _channels_last(flat: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The numbers as [..., C, H, W], in the order in which models want them."""
    *others, channels, height, width = shape
    return flat.view(*others, height, width, channels).movedim(-1, -3)
