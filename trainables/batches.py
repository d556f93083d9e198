"""Batches: training images on a device, flipped and cropped where a study says so."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.datasets import Images
from trainables.methods import Batch
from trainables.randomness import Key

RESIDENT_SHARE = 0.5
"""Training images live on the device if they take no more than this share of its free memory."""


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


class Source:
    """Training images as batches on a device: kept there whole if they fit, else copied batch by batch."""

    def __init__(self, images: Images, margin: int, device: torch.device) -> None:
        pixels = images.within(margin)
        self.margin = margin
        self.device = device
        self.resident = device.type == "cpu" or pixels.numel() <= RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]
        self.pixels = pixels.to(device) if self.resident else pixels
        self.labels = images.labels.to(device) if self.resident else images.labels

    def batch(self, index: Tensor, change: Change = as_they_are) -> Batch:
        """The images at `index` (on the CPU) after `change`, float32 in [0, 1] and channels-last, on the device."""
        if self.resident:
            index = index.to(self.device, non_blocking=True)
            pixels, labels = self.pixels[index], self.labels[index]
        else:
            pixels, labels = (
                rows[index].pin_memory().to(self.device, non_blocking=True) for rows in (self.pixels, self.labels)
            )
        source = change(pixels).to(torch.float32, memory_format=torch.channels_last).div_(255)
        height, width = source.shape[2:]
        m = self.margin
        return Batch(images=source[:, :, m : height - m, m : width - m], labels=labels, source=source)
