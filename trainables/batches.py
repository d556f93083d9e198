"""Batches: training images on a device, in the order of the epoch."""

import torch
from torch import Tensor

from trainables.datasets import Images
from trainables.methods import Batch

RESIDENT_SHARE = 0.5
"""Training images live on the device if they take no more than this share of its free memory."""


class Source:
    """Training images as batches on a device: kept there whole if they fit, else copied batch by batch."""

    def __init__(self, images: Images, margin: int, device: torch.device) -> None:
        pixels = images.within(margin)
        self.margin = margin
        self.device = device
        self.resident = device.type == "cpu" or pixels.numel() <= RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]
        self.pixels = pixels.to(device) if self.resident else pixels
        self.labels = images.labels.to(device) if self.resident else images.labels

    def batch(self, index: Tensor) -> Batch:
        """The images at `index` (on the CPU), float32 in [0, 1] and channels-last, on the device."""
        if self.resident:
            index = index.to(self.device, non_blocking=True)
            pixels, labels = self.pixels[index], self.labels[index]
        else:
            pixels, labels = (
                rows[index].pin_memory().to(self.device, non_blocking=True) for rows in (self.pixels, self.labels)
            )
        source = pixels.to(torch.float32, memory_format=torch.channels_last).div_(255)
        height, width = source.shape[2:]
        m = self.margin
        return Batch(images=source[:, :, m : height - m, m : width - m], labels=labels, source=source)
