"""Images as levels: bytes in, numbers of 0 to 255 in between, truncated to bytes, as the benchmark's corruptions do."""

from collections.abc import Callable

import torch
from torch import Tensor

LEVELS = 256
CACHED = 2**19
"""Values that are computed at a time on a CPU: enough for what a call costs, and as float32 they fit in its cache."""
AT_ONCE = 2**25
"""Values that are computed at a time elsewhere: intermediates need a few times as much memory."""


def check_pixels(pixels: Tensor) -> None:
    """Raises ValueError unless they are images as data sets keep them: uint8 [N, C, H, W], C 1 or 3."""
    if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[1] not in (1, 3) or not len(pixels):
        kind = str(pixels.dtype).removeprefix("torch.")
        raise ValueError(f"images are uint8 [N, 1 or 3, H, W], one at least; got {kind} {list(pixels.shape)}")


def truncated(levels: Tensor) -> Tensor:
    """Levels, of any size → the bytes: clipped to 0 … 255 in place, fractions dropped."""
    return levels.clamp_(0, LEVELS - 1).to(torch.int16).to(torch.uint8)  # straight to uint8 takes three times as long


def in_blocks(compute: Callable[..., Tensor], pixels: Tensor, *others: Tensor) -> Tensor:
    """compute(pixels, *others) [N, …], a few images at a time; all tensors have N entries.

    A block is at least one image, and as large as stays in a CPU's cache; elsewhere as large as fits in memory.
    """
    values = CACHED if pixels.device.type == "cpu" else AT_ONCE
    images = max(1, values // max(1, pixels[:1].numel()))
    if len(pixels) <= images:
        return compute(pixels, *others)
    blocks = zip(*(torch.split(tensor, images) for tensor in (pixels, *others)), strict=True)
    return torch.cat([compute(*block) for block in blocks])


def random_words(shape: torch.Size, generator: torch.Generator, device: torch.device) -> Tensor:
    """int32 `shape`, every one of the 2³² words alike: the cheapest random numbers there are."""
    count = shape.numel()
    pairs = torch.empty((count + 1) // 2, dtype=torch.int64, device=device)
    return pairs.random_(-(2**63), None, generator=generator).view(torch.int32)[:count].view(shape)


def random_halves(shape: torch.Size, generator: torch.Generator, device: torch.device) -> Tensor:
    """int16 `shape`, every one of the 2¹⁶ half words alike."""
    count = shape.numel()
    words = random_words(torch.Size(((count + 1) // 2,)), generator, device)
    return words.view(torch.int16)[:count].view(shape)
