"""Pictures: an image as a small PNG file, for a person to look at."""

from io import BytesIO

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

SIDE = 96
"""Pixels of a picture's longer side, at most: twice what a figure gives it, for screens of fine pixels."""


def png(image: Tensor) -> bytes:
    """[C, H, W] in [0, 1], C = 1 or 3, on any device → a PNG file. Equal images give equal bytes.

    A larger image is averaged down over areas; a smaller one keeps its pixels.
    """
    height, width = image.shape[1:]
    shrink = min(1.0, SIDE / max(height, width))
    size = (max(1, round(height * shrink)), max(1, round(width * shrink)))
    small = F.interpolate(image.detach()[None].cpu(), size, mode="area")[0] if shrink < 1 else image.detach().cpu()
    pixels = small.mul(255).round().clamp(0, 255).to(torch.uint8).movedim(0, 2).contiguous().numpy()
    file = BytesIO()
    Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(file, "PNG", optimize=True)
    return file.getvalue()
