"""Image operations on batches of bytes, equal to Pillow's bit for bit: a contract test compares them.

All take `pixels` uint8 [N, C, H, W] on any device and give a new tensor of the same shape; what an operation needs for
each image are numbers [N] or [N, 6] on the same device. Nothing waits for the device.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

LEVELS = 256
CACHED = 2**17
"""Pixels that a geometric operation takes at a time on a CPU: more would leave its cache."""
AT_ONCE = 2**24
"""Pixels that it takes at a time elsewhere: its coordinates and products need many times as much memory."""


def autocontrast(pixels: Tensor) -> Tensor:
    """Every channel stretched to reach from 0 to 255; a channel of one value stays as it is."""
    low, high = (extreme.double() for extreme in torch.aminmax(pixels.flatten(2), dim=2, keepdim=True))
    scale = torch.full_like(low, 255) / (high - low)  # 255 / tensor would multiply by the reciprocal
    values = torch.arange(LEVELS, dtype=torch.float64, device=pixels.device)
    stretched = (values * scale + -low * scale).clamp(0, 255)
    return _looked_up(pixels, torch.where(high > low, stretched, values).to(torch.uint8))


def equalize(pixels: Tensor) -> Tensor:
    """Every channel's histogram made as even as whole steps allow; a channel of fewer steps stays as it is."""
    flat = pixels.flatten(2).long()
    histogram = torch.zeros(*flat.shape[:2], LEVELS, dtype=torch.int64, device=pixels.device)
    histogram.scatter_add_(2, flat, torch.ones_like(flat))
    largest = histogram.gather(2, flat.amax(dim=2, keepdim=True))
    step = (flat.shape[2] - largest) // 255
    below = histogram.cumsum(dim=2) - histogram
    even = ((step // 2 + below) // step.clamp(min=1)).clamp(max=255)
    values = torch.arange(LEVELS, device=pixels.device)
    return _looked_up(pixels, torch.where(step > 0, even, values).to(torch.uint8))


def posterize(pixels: Tensor, bits: Tensor) -> Tensor:
    """The `bits` [N] highest bits of every pixel, 1 to 8."""
    mask = (LEVELS - (1 << (8 - bits.long()))).to(torch.uint8)
    return pixels & mask.view(-1, 1, 1, 1)


def solarize(pixels: Tensor, threshold: Tensor) -> Tensor:
    """Pixels of at least the threshold [N], 0 to 256, inverted."""
    return torch.where(pixels < threshold.to(torch.int16).view(-1, 1, 1, 1), pixels, 255 - pixels)


def color(pixels: Tensor, factor: Tensor) -> Tensor:
    """Grey at a factor [N] of 0, as it is at 1, more colourful above; a grey image stays as it is."""
    return _enhanced(_grey(pixels), pixels, factor)


def contrast(pixels: Tensor, factor: Tensor) -> Tensor:
    """All of the mean grey at a factor [N] of 0, as it is at 1, of more contrast above."""
    grey = _grey(pixels).flatten(1)
    mean = (2 * grey.sum(dim=1) + grey.shape[1]) // (2 * grey.shape[1])
    return _enhanced(mean.view(-1, 1, 1, 1), pixels, factor)


def brightness(pixels: Tensor, factor: Tensor) -> Tensor:
    """Black at a factor [N] of 0, as it is at 1, brighter above."""
    return _enhanced(pixels.new_zeros(1), pixels, factor)


def sharpness(pixels: Tensor, factor: Tensor) -> Tensor:
    """Smooth at a factor [N] of 0, as it is at 1, sharper above; the border's pixels stay as they are."""
    return _enhanced(_smooth(pixels), pixels, factor)


def affine(pixels: Tensor, coefficients: Tensor) -> Tensor:
    """Bilinear, black outside: the output's (x, y) is taken from the input's (a x + b y + c, d x + e y + f).

    `coefficients` (a, b, c, d, e, f) float64 [N, 6]; the centre of the first pixel lies at (0.5, 0.5). Computed in
    double precision in Pillow's order, the value truncated.
    """
    limit = CACHED if pixels.device.type == "cpu" else AT_ONCE
    images = max(1, limit // max(1, pixels[0].numel())) if len(pixels) else 1
    blocks = zip(torch.split(pixels, images), torch.split(coefficients, images), strict=True)
    return torch.cat([_affine(*block) for block in blocks])


def _affine(pixels: Tensor, coefficients: Tensor) -> Tensor:
    height, width = pixels.shape[2:]
    places = Bilinear.at(*_sources(coefficients, height, width), height, width)
    across, down = (share.flatten(1)[:, None] for share in (places.across, places.down))
    flat = pixels.flatten(2)
    upper, lower = (between(_picked(flat, left), _picked(flat, right), across) for left, right in places.corners)
    values = between(upper, lower, down).to(torch.uint8).view(pixels.shape)
    return values * places.inside[:, None]


@dataclass(frozen=True)
class Bilinear:
    """What Pillow's bilinear interpolation takes for each output pixel: [...] each, as the coordinates are."""

    corners: tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]
    """int64: where the upper two of the four pixels around stand in an image's rows, left and right; the lower two."""
    across: Tensor
    """float64: the right ones' share, in [0, 1)."""
    down: Tensor
    """float64: the lower ones' share, in [0, 1)."""
    inside: Tensor
    """bool: beyond the image it is black; at its border pixels are repeated."""

    @classmethod
    def at(cls, x: Tensor, y: Tensor, height: int, width: int) -> "Bilinear":
        """At the coordinates, float64, of which the first pixel's centre is (0.5, 0.5)."""
        left, top = (x - 0.5).floor(), (y - 0.5).floor()
        columns = [(left + step).clamp_(0, width - 1).long() for step in (0, 1)]
        upper, lower = [(top + step).clamp_(0, height - 1).long().mul_(width) for step in (0, 1)]
        return cls(
            corners=((upper + columns[0], upper + columns[1]), (lower + columns[0], lower + columns[1])),
            across=x - 0.5 - left,
            down=y - 0.5 - top,
            inside=(x >= 0) & (x < width) & (y >= 0) & (y < height),
        )


def _sources(coefficients: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where each output pixel comes from: x and y [N, H, W]."""
    a, b, c, d, e, f = coefficients.mT[..., None, None]
    x = torch.arange(width, dtype=torch.float64, device=coefficients.device) + 0.5
    y = (torch.arange(height, dtype=torch.float64, device=coefficients.device) + 0.5)[:, None]
    return a * x + b * y + c, d * x + e * y + f


def _picked(flat: Tensor, index: Tensor) -> Tensor:
    """The pixels [N, C, H W] at the index [N, H, W] → [N, C, H W] in double precision."""
    return flat.gather(2, index.flatten(1)[:, None].expand(-1, flat.shape[1], -1)).double()


def between(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """first + (second − first) × share, each operation rounded by itself; overwrites `second`."""
    return second.sub_(first).mul_(share).add_(first)


def _enhanced(plain: Tensor, pixels: Tensor, factor: Tensor) -> Tensor:
    """plain + factor × (pixels − plain) in single precision, clipped and truncated."""
    share = factor.to(torch.float32).view(-1, 1, 1, 1)
    return between(plain.to(torch.float32), pixels.to(torch.float32), share).clamp_(0, 255).to(torch.uint8)


def _grey(pixels: Tensor) -> Tensor:
    """Grey or RGB → luma of ITU-R 601, rounded, [N, 1, H, W]."""
    if pixels.shape[1] == 1:
        return pixels
    red, green, blue = torch.split(pixels.to(torch.int32), 1, dim=1)
    return ((19595 * red + 38470 * green + 7471 * blue + 2**15) >> 16).to(torch.uint8)


def _smooth(pixels: Tensor) -> Tensor:
    """Every pixel but the border's the mean of the nine around it, itself counted five times, rounded.

    A whole number over 13 lies at least 1/26 from where rounding turns, and single precision is off by less than
    1/1000 in any order of the additions, so it gives what Pillow's order gives.
    """
    whole = pixels.to(torch.int16)
    rows = whole[..., :-2, :] + whole[..., 1:-1, :] + whole[..., 2:, :]
    around = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    smooth = pixels.clone()
    smooth[..., 1:-1, 1:-1] = ((around + 4 * whole[..., 1:-1, 1:-1]).to(torch.float32) / 13 + 0.5).to(torch.uint8)
    return smooth


def _looked_up(pixels: Tensor, table: Tensor) -> Tensor:
    """Each pixel's entry in its channel's table [N, C, 256]."""
    return table.gather(2, pixels.flatten(2).long()).view(pixels.shape)


def from_unit(images: Tensor) -> Tensor:
    """float32 [N, C, H, W] in [0, 1] that came from bytes → the bytes, contiguous."""
    return images.mul(255).round_().to(torch.uint8).contiguous()


def to_unit(pixels: Tensor) -> Tensor:
    """Bytes → float32 in [0, 1]: the same numbers that a data set's batches have."""
    return pixels.to(torch.float32).div_(255)
