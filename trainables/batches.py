"""Batches: training images on a device, flipped and cropped where a study says so."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.methods import Batch
from trainables.randomness import Key
from trainables.sharing import Shared

Change = Callable[[Tensor], Tensor]
"""[N, C, H + 2 margin, W + 2 margin], uint8 → the same shape."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """The field's standard augmentation, each image by itself: a flip, then a shift.

    `flip`: mirrored left to right with probability ½. `crop`: a window of the image's size, at a place drawn evenly, of
    the image padded with `crop` black pixels on every side; with it, what surrounds an image is black too.
    """

    flip: bool
    crop: int
    margin: int
    """Pixels around each image that come with it."""

    def drawn(self, key: Key) -> Change:
        """The change of one batch, decided by `key`."""
        return lambda pixels: self._apply(pixels, key)

    def _apply(self, pixels: Tensor, key: Key) -> Tensor:
        if self.flip:
            pixels = _flipped(pixels, key.child("flip").generator())
        return self._window(pixels, key.child("crop").generator()) if self.crop else pixels

    def _window(self, pixels: Tensor, generator: torch.Generator) -> Tensor:
        """One of the (2 crop + 1)² windows on each padded image."""
        m, count, height, width = self.margin, len(pixels), *pixels.shape[2:]
        padded = F.pad(pixels[:, :, m : height - m, m : width - m], [self.crop + m] * 4)
        windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view [N, C, shifts, shifts, H + 2m, W + 2m]
        down, right = torch.randint(2 * self.crop + 1, (2, count), generator=generator).to(
            pixels.device, non_blocking=True
        )
        return windows[torch.arange(count, device=pixels.device), :, down, right]


def _flipped(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Each image mirrored with probability ½."""
    chosen = torch.rand(len(pixels), generator=generator) < 0.5
    return torch.where(chosen.to(pixels.device, non_blocking=True)[:, None, None, None], pixels.flip(3), pixels)


def as_they_are(pixels: Tensor) -> Tensor:
    """No augmentation: for validation."""
    return pixels


class Rows(Protocol):
    """Images at rest, [N, C, H + 2 margin, W + 2 margin] in uint8, wherever they are, as batches on a device."""

    def expect(self, coming: Iterable[Tensor]) -> None:
        """From now on `take` will be asked for these, in turn; to be told so speeds it up and changes nothing."""
        ...

    def take(self, index: Tensor) -> Tensor:
        """Those at `index` [n], which is on the CPU."""
        ...

    def check(self) -> None:
        """Raises OSError if what was taken so far may not have been the images: their memory was lost."""
        ...

    def close(self) -> None:
        """End what works ahead."""
        ...


class Resident:
    """Rows that are all on the device."""

    def __init__(self, pixels: Tensor, shared: Shared | None = None) -> None:
        self.pixels = pixels
        self.shared = shared
        """The memory that they are in, where it belongs to another process."""

    def expect(self, coming: Iterable[Tensor]) -> None:
        """Nothing: all is there."""

    def take(self, index: Tensor) -> Tensor:
        return self.pixels.index_select(0, index.to(self.pixels.device, non_blocking=True))

    def check(self) -> None:
        if self.shared is not None:
            self.shared.check()

    def close(self) -> None:
        """Nothing: nothing works ahead."""


class Source:
    """Training images as batches on a device."""

    def __init__(self, rows: Rows, labels: Tensor, margin: int) -> None:
        self.rows = rows
        self.labels = labels
        """[N], on the device."""
        self.margin = margin

    def batch(self, index: Tensor, change: Change = as_they_are) -> Batch:
        """The images at `index` (on the CPU) after `change`, float32 in [0, 1] and channels-last, on the device."""
        labels = self.labels.index_select(0, index.to(self.labels.device, non_blocking=True))
        source = change(self.rows.take(index)).to(torch.float32, memory_format=torch.channels_last).div_(255)
        height, width = source.shape[2:]
        m = self.margin
        return Batch(images=source[:, :, m : height - m, m : width - m], labels=labels, source=source)
