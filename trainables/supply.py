"""Training and validation images for one trial after another of a process, wherever they are best kept."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path

import torch
from torch import Tensor

from trainables.batches import Resident, Rows, Source
from trainables.datasets import DataSet, Images, split_of
from trainables.residency import Residency, Way, crowded, residency
from trainables.sharing import Shared, SharingError, share
from trainables.streaming import Stream

FILLED_AT_ONCE = 1024
"""Images that are copied to a device together: what a copy may need of the host's memory besides."""


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """The images of one data set, as they are kept."""

    data: DataSet
    residency: Residency
    copies: tuple[Tensor, ...] | None = None
    """Of the training and the validation images, with all of their borders; None where there are none."""
    shared: Shared | None = None
    """What the copies are in, if others read it too."""

    def serves(self, data: DataSet) -> bool:
        return data == self.data and (self.shared is None or not self.shared.lost)


class Supply:
    """The images that a process trains on. What it keeps of a data set, the next trial on the same data finds there.

    `gpus`: what each trial has of a GPU. `way`: this way and no other. `folder`: where processes that share meet.
    """

    def __init__(
        self, device: torch.device, gpus: float = 1.0, way: Way | None = None, folder: Path | None = None
    ) -> None:
        self.device = device
        self.gpus = gpus
        self.way = way
        self.folder = folder
        self._kept: _Kept | None = None

    def sources(self, data: DataSet, margin: int) -> tuple[Source, Source]:
        """Training images with a margin around them, and validation images."""
        training, validation = images = (split_of(data, "train"), split_of(data, "validation"))
        kept = self._of(data, images)
        pixels = [one.pixels for one in images] if kept.copies is None else kept.copies
        wide, plain = replace(training, pixels=pixels[0]), replace(validation, pixels=pixels[1])
        return self._source(wide, margin, kept), self._source(plain, 0, kept)

    def residency(self, data: DataSet) -> Residency:
        """How the images of `data` are kept."""
        return self._of(data, (split_of(data, "train"), split_of(data, "validation"))).residency

    def _source(self, images: Images, margin: int, kept: _Kept) -> Source:
        rows: Rows
        if kept.residency.way == "streamed":
            rows = Stream(images.within(margin), self.device)
        else:
            rows = Resident(images.within(margin), kept.shared)
        return Source(rows, images.labels.to(self.device), margin)

    def _of(self, data: DataSet, images: Sequence[Images]) -> _Kept:
        if self._kept is None or not self._kept.serves(data):
            self._kept = None  # its memory is free before more is taken
            self._kept = self._keep(data, images)
        return self._kept

    def _keep(self, data: DataSet, images: Sequence[Images]) -> _Kept:
        size = sum(one.pixels.nbytes for one in images)
        decided = partial(residency, size, _memory(self.device), self.gpus)
        found = decided() if self.way is None else Residency(way=self.way, said="")
        if found.way == "shared":
            try:
                shared = share(_name(data, images, self.device), size, self.device, partial(_fill, images), self.folder)
            except SharingError as error:
                found = decided(unshared=str(error))
            else:
                return _Kept(data=data, residency=found, copies=_parts(shared.block, images), shared=shared)
        if found.way == "own":
            try:
                block = torch.empty(size, dtype=torch.uint8, device=self.device)
            except torch.OutOfMemoryError:  # others fill the GPU: a retry would decide the same
                return _Kept(data=data, residency=crowded(size))
            _fill(images, block)
            return _Kept(data=data, residency=found, copies=_parts(block, images))
        return _Kept(data=data, residency=found)


def _memory(device: torch.device) -> int | None:
    """Bytes of a GPU, in all."""
    return int(torch.cuda.get_device_properties(device).total_memory) if device.type == "cuda" else None


def _name(data: DataSet, images: Sequence[Images], device: torch.device) -> str:
    """What a block of these images on this very device is called, by every process that could share it."""
    where = str(torch.cuda.get_device_properties(device).uuid) if device.type == "cuda" else "cpu"
    said = (torch.__version__, where, data.fingerprint(), [tuple(one.pixels.shape) for one in images])
    return hashlib.blake2b(repr(said).encode(), digest_size=16).hexdigest()


def _parts(block: Tensor, images: Sequence[Images]) -> tuple[Tensor, ...]:
    """The block as the pixels of one split after another."""
    ends = accumulate((one.pixels.nbytes for one in images), initial=0)
    return tuple(
        block[begin:end].view(one.pixels.shape) for one, (begin, end) in zip(images, pairwise(ends), strict=True)
    )


def _fill(images: Sequence[Images], block: Tensor) -> None:
    """Copy the pixels of one split after another into the block."""
    for one, part in zip(images, _parts(block, images), strict=True):
        for there, here in zip(torch.split(part, FILLED_AT_ONCE), torch.split(one.pixels, FILLED_AT_ONCE), strict=True):
            there.copy_(here)
