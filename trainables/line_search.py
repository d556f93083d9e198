"""Line search over whole pixel values: how far must an image be moved along a direction until its label changes?

x(k) = clip(rint(x + k d), 0, 255), with the smallest step k > 0 at which the label is not the true one (Rozsa, Günther,
Boult 2016, on Rozsa, Rudd, Boult 2016). Steps are tried in order, so that the smallest is meant literally.
"""

import torch
from torch import Tensor, nn

FORWARD = 250
"""Images in one forward pass, at least: what a core is busy with."""
FORWARD_VALUES = 2**22
"""Pixel values in one on an accelerator: 5,349 MNIST images, 1,365 of CIFAR."""
FGS_STEPS = tuple(float(k) for k in range(1, 256))
HOT_COLD_STEPS = (*FGS_STEPS, *(255 * 1.05**j for j in range(1, 101)))
"""Pixels that move slowly saturate late: beyond 255 in steps of 5 %, to 33,533."""


def forward_size(images: Tensor) -> int:
    """How many of these images [N, C, H, W] one forward pass takes on their device."""
    return FORWARD if images.device.type == "cpu" else max(FORWARD, FORWARD_VALUES // images[0].numel())


def moved(images: Tensor, direction: Tensor, steps: Tensor) -> Tensor:
    """x(k) = clip(rint(x + k d), 0, 255), whole numbers in the direction's precision; `steps` is k [N]."""
    return (images + steps.to(direction.dtype).view(-1, 1, 1, 1) * direction).round_().clamp_(0, 255)


def logits_of(network: nn.Module, pixels: Tensor) -> Tensor:
    """[n, classes] of pixels [n, C, H, W] in [0, 255]."""
    logits: Tensor = network(pixels.to(torch.float32, memory_format=torch.channels_last) / 255)
    return logits


def is_right(logits: Tensor, labels: Tensor) -> Tensor:
    """[n] bool; logits that are not finite are wrong, as everywhere in evaluation."""
    return (logits.argmax(dim=1) == labels) & logits.isfinite().all(dim=1)


@torch.no_grad()
def all_logits(network: nn.Module, images: Tensor) -> Tensor:
    """[N, classes] of uint8 images."""
    return torch.cat([logits_of(network, some) for some in torch.split(images, forward_size(images))])


@torch.no_grad()
def line_search(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    direction: Tensor,
    steps: tuple[float, ...],
    forward: int | None = None,
) -> Tensor:
    """[N] float64: for each image the first of the ascending `steps` at which it is not right; 0 where there is none.

    Each forward pass is full: an image that is through makes room for the next, and where no image waits any more
    those left are shown several steps ahead. `forward`: images in a pass. The host hears of a pass once.
    """
    forward = forward or (forward_size(images) if len(images) else FORWARD)
    ladder = torch.tensor(steps, dtype=torch.float64, device=images.device)
    found = torch.zeros(len(images), dtype=torch.float64, device=images.device)
    useful = _useful_steps(images, direction, ladder)
    waiting = useful.nonzero().flatten()
    rows = at = waiting[:0]
    while len(waiting) or len(rows):
        fresh = waiting[: forward - len(rows)]
        waiting = waiting[len(fresh) :]
        rows, at = torch.cat([rows, fresh]), torch.cat([at, torch.zeros_like(fresh)])
        ahead = at[:, None] + torch.arange(forward // len(rows), device=images.device)
        changed = _changed(network, images, labels, direction, rows, ladder[ahead.clamp(max=len(ladder) - 1)])
        through, first = changed.any(dim=1), changed.int().argmax(dim=1)
        found[rows] = torch.where(through, ladder[(at + first).clamp(max=len(ladder) - 1)], 0)
        at = at + ahead.shape[1]
        stays = (~through & (at < useful[rows])).nonzero().flatten()
        rows, at = rows[stays], at[stays]
    return found


def _changed(
    network: nn.Module, images: Tensor, labels: Tensor, direction: Tensor, rows: Tensor, steps: Tensor
) -> Tensor:
    """Whether the images `rows` [R], each moved by its `steps` [R, G], are not right: [R, G]."""
    which = rows.repeat_interleave(steps.shape[1])
    shown = moved(images[which], direction[which], steps.flatten())
    return ~is_right(logits_of(network, shown), labels[which]).view(steps.shape)


def _useful_steps(images: Tensor, direction: Tensor, ladder: Tensor) -> Tensor:
    """[N]: how many steps of the ladder show a new image; once every moving pixel is saturated they are all alike."""
    room = torch.where(direction > 0, 255 - images.to(direction.dtype), images)
    reach = torch.where(direction == 0, 0, room / direction.abs()).flatten(1).amax(dim=1).double()
    useful = torch.searchsorted(ladder, reach) + 1
    return torch.where(reach == 0, 0, useful.clamp(max=len(ladder)))
