"""Structural similarity (SSIM) of two images: Wang et al. 2004."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Border = Literal["reflect", "zero", "valid"]
"""What the window sees beyond the image: its mirror, edge included; black; or it stays inside (a smaller map)."""

SIGMA = 1.5
RADIUS = 5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(image: Tensor, reference: Tensor, border: Border = "reflect") -> Tensor:
    """[N, C, H, W] and the same, pixels in [0, 255] → [N] in [−1, 1], 1 where both are equal; float64.

    The mean over pixels and channels of luminance × contrast × structure, exponents 1, under a Gaussian window of
    11 × 11 pixels and σ 1.5. Raises ValueError if `valid` leaves no pixel.
    """
    n, channels, height, width = image.shape
    if border == "valid" and min(height, width) <= 2 * RADIUS:
        raise ValueError(f"ssim within the border needs at least {2 * RADIUS + 1} px a side; got {height} × {width}")
    a, b = (one.double().reshape(n * channels, 1, height, width) for one in (image, reference))
    mean_a, mean_b, square_a, square_b, product = (
        _windowed(_bordered(moment, border)) for moment in (a, b, a * a, b * b, a * b)
    )
    spread = square_a - mean_a**2 + square_b - mean_b**2
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    structure = (2 * (product - mean_a * mean_b) + C2) / (spread + C2)
    return (luminance * structure).mean(dim=(1, 2, 3)).view(n, channels).mean(dim=1)


def _bordered(images: Tensor, border: Border) -> Tensor:
    """[…, H, W] → […, H + 2 RADIUS, W + 2 RADIUS]; as it is for `valid`."""
    if border == "valid":
        return images
    if border == "zero":
        return F.pad(images, (RADIUS,) * 4)
    height, width = (_mirror(side, images.device) for side in images.shape[-2:])
    return images[..., height, :][..., width]


def _mirror(side: int, device: torch.device) -> Tensor:
    """Indices of a line of `side` pixels and its mirror images, edge included, RADIUS to both ends."""
    index = torch.arange(-RADIUS, side + RADIUS, device=device) % (2 * side)
    return torch.minimum(index, 2 * side - 1 - index)


def _windowed(images: Tensor) -> Tensor:
    """Weighted means over the window, one axis after the other: [M, 1, H, W] → [M, 1, H − 2 RADIUS, W − 2 RADIUS]."""
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=images.dtype, device=images.device)
    window = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    window = window / window.sum()
    return F.conv2d(F.conv2d(images, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))
