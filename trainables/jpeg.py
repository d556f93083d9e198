"""JPEG, there and back: libjpeg on the host, and the same codec in torch for batches on any device.

Baseline JPEG as libjpeg writes it by default: the tables of ITU T.81, Annex K, scaled by the quality; colours at half
the resolution (4:2:0), smoothed again when they are read. torch's rounds where libjpeg's integers do, so the two
give the same bytes, but where a sum in single precision falls on the other side of a half: a dozen of 10⁷ values.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from trainables.levels import in_blocks

Codec = Literal["auto", "libjpeg", "torch"]
SIDE = 8
"""Of a block that is transformed."""
LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * SIDE,) * 4,
)
"""Steps of the coefficients at quality 50: ITU T.81, Tables K.1 and K.2."""
COSINES = (
    (8192, 8192, 8192, 8192),
    (11363, 9633, 6437, 2260),
    (10703, 4433, -4433, -10703),
    (9633, -2259, -11362, -6436),
    (8192, -8192, -8192, 8192),
    (6437, -11362, 2261, 9633),
    (4433, -10704, 10704, -4433),
    (2260, -6436, 9633, -11363),
)
"""√8 times the cosine transform's left half in units of 2⁻¹³, as the sums of libjpeg's rounded factors come out: some
are one off the nearest whole number. With true cosines a value in a hundred would be another."""
PUBLISHED = 85
"""The quality that the published files of corrupted images were saved at."""


def recompressed(pixels: Tensor, quality: int, codec: Codec = "auto") -> Tensor:
    """uint8 [N, C, H, W], C = 1 or 3 → what is read back after JPEG of `quality` 1 … 100, same shape and device."""
    return _by_libjpeg(pixels, quality) if codec_of(pixels, codec) == "libjpeg" else _by_torch(pixels, quality)


def jpeg85(pixels: Tensor, codec: Codec = "auto") -> Tensor:
    """As the published ImageNet-C files were saved: quality 85, 4:2:0. It takes a quarter of white noise away."""
    return recompressed(pixels, PUBLISHED, codec)


def codec_of(pixels: Tensor, codec: Codec) -> Literal["libjpeg", "torch"]:
    """What `codec` means for these images: `auto` is libjpeg on a CPU, torch elsewhere."""
    if codec == "auto":
        return "libjpeg" if pixels.device.type == "cpu" else "torch"
    return codec


def _by_libjpeg(pixels: Tensor, quality: int) -> Tensor:
    """On as many threads as torch has. By torch.ops, because torchvision deprecates its functions around these."""
    images, threads = _interleaved(pixels.cpu()).unbind(), torch.get_num_threads()
    if threads == 1 or len(images) < 2:
        return torch.stack(_coded(images, quality)).to(pixels.device)
    share = -(-len(images) // threads)
    shares = [images[start : start + share] for start in range(0, len(images), share)]
    with ThreadPoolExecutor(threads) as pool:
        done = pool.map(lambda images: torch.stack(_coded(images, quality)), shares)
        return torch.cat(list(done)).to(pixels.device)


def _coded(images: Sequence[Tensor], quality: int) -> list[Tensor]:
    from torchvision.io import ImageReadMode  # here: it takes seconds, and registers torch.ops.image

    ops = torch.ops.image
    return [ops.decode_jpeg(ops.encode_jpeg(image, quality), ImageReadMode.UNCHANGED.value, False) for image in images]


def _interleaved(pixels: Tensor) -> Tensor:
    """[N, C, H, W], a pixel's channels side by side, as libjpeg wants them: stacked, in half the time of a copy."""
    return torch.stack(pixels.unbind(1), dim=3).movedim(3, 1)


def _by_torch(pixels: Tensor, quality: int) -> Tensor:
    steps = tuple(_steps(table, quality, pixels.device) for table in (LUMA, CHROMA))
    coded = _grey if pixels.shape[1] == 1 else _in_colour
    return in_blocks(lambda pixels: coded(pixels, *steps), pixels)


def _grey(pixels: Tensor, luma: Tensor, chroma: Tensor) -> Tensor:
    return _quantised(pixels.float(), luma).to(torch.uint8)


def _in_colour(pixels: Tensor, luma: Tensor, chroma: Tensor) -> Tensor:
    height, width = pixels.shape[2:]
    bright, colours = _separated(pixels)
    bright = _quantised(bright.float(), luma)
    colours = _quantised(_halved(colours), chroma)[..., : (width + 1) // 2]
    return _joined(bright.int(), _doubled(colours.int())[..., :height, :width])


def _separated(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """RGB → Y [N, 1, H, W] and Cb, Cr [N, 2, H, W], rounded: JFIF in fixed point of 16 bits, int32."""
    red, green, blue = torch.split(pixels.int(), 1, dim=1)
    bright = (19595 * red + 38470 * green + 7471 * blue + 2**15) >> 16
    half = (128 << 16) + 2**15 - 1
    bluish = (-11059 * red - 21709 * green + 2**15 * blue + half) >> 16
    reddish = (2**15 * red - 27439 * green - 5329 * blue + half) >> 16
    return bright, torch.cat((bluish, reddish), dim=1)


def _joined(bright: Tensor, colours: Tensor) -> Tensor:
    """Y and Cb, Cr, int32 → RGB bytes."""
    bluish, reddish = torch.split(colours - 128, 1, dim=1)
    red = bright + ((91881 * reddish + 2**15) >> 16)
    green = bright + ((-22554 * bluish - 46802 * reddish + 2**15) >> 16)
    blue = bright + ((116130 * bluish + 2**15) >> 16)
    return torch.cat((red, green, blue), dim=1).clamp_(0, 255).to(torch.uint8)


def _halved(planes: Tensor) -> Tensor:
    """Means of 2 × 2 pixels, int32 → float32; sums of 4 n + 2 are rounded down and up in turn along a row.

    Rows are first filled up to whole blocks, columns only afterwards: that is libjpeg's order.
    """
    height, width = planes.shape[2:]
    even = F.pad(planes.float(), (0, -width % (2 * SIDE), 0, height % 2), mode="replicate")
    sums = even[..., ::2, ::2] + even[..., ::2, 1::2] + even[..., 1::2, ::2] + even[..., 1::2, 1::2]
    turn = torch.arange(sums.shape[3], device=planes.device) % 2 + 1
    return ((sums + turn) / 4).floor_()


def _doubled(planes: Tensor) -> Tensor:
    """Twice the height and width, int32: the next pixel weighs a quarter; nothing where there are only two columns."""
    if planes.shape[3] <= 2:
        return planes.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    above, below = (
        torch.cat(rows, dim=2)
        for rows in ((planes[:, :, :1], planes[:, :, :-1]), (planes[:, :, 1:], planes[:, :, -1:]))
    )
    tall = torch.stack((3 * planes + above, 3 * planes + below), dim=3).flatten(2, 3)
    left, right = (
        torch.cat(columns, dim=3) for columns in ((tall[..., :1], tall[..., :-1]), (tall[..., 1:], tall[..., -1:]))
    )
    return torch.stack(((3 * tall + left + 8) >> 4, (3 * tall + right + 7) >> 4), dim=4).flatten(3, 4)


def _quantised(planes: Tensor, steps: Tensor) -> Tensor:
    """Levels [N, C, H, W] → what is left of them when every coefficient is a multiple of its step; whole numbers."""
    height, width = planes.shape[2:]
    padded = F.pad(planes - 128, (0, -width % SIDE, 0, -height % SIDE), mode="replicate")
    strips = padded.reshape(-1, SIDE, padded.shape[3])
    levels = _levels(_multiples(_coefficients(strips), steps.repeat(1, strips.shape[2] // SIDE)))
    return levels.view(padded.shape)[..., :height, :width]


def _coefficients(strips: Tensor) -> Tensor:
    """Strips of blocks [M, 8, W] → their cosine transforms, as libjpeg's integers have them.

    A pass along rows is rounded to quarters, the one along columns after it to eighths of a coefficient.
    """
    cosines = _cosines(strips.device)
    across = _rounded((strips.reshape(-1, SIDE) @ cosines.T).mul_(4)).view(strips.shape)
    return _rounded((cosines @ across).div_(4)).div_(8)


def _multiples(coefficients: Tensor, steps: Tensor) -> Tensor:
    """The nearest multiples of the steps [8, W]; half-way away from zero."""
    return (coefficients.abs() / steps).add_(0.5).floor_().mul_(steps).copysign_(coefficients)


def _levels(coefficients: Tensor) -> Tensor:
    """The way back, columns first."""
    cosines = _cosines(coefficients.device)
    down = _rounded((cosines.T @ coefficients).mul_(4))
    back = _rounded((down.reshape(-1, SIDE) @ cosines).div_(32)).view(coefficients.shape)
    return back.add_(128).clamp_(0, 255)


def _rounded(numbers: Tensor) -> Tensor:
    """To whole numbers, in place; halves up."""
    return numbers.add_(0.5).floor_()


@lru_cache(maxsize=4)
def _cosines(device: torch.device) -> Tensor:
    """√8 times the orthonormal cosine transform of 8 numbers: float32 [8 coefficients, 8 numbers].

    The second half of every row mirrors the first, even rows as they are and odd ones with the other sign.
    """
    half = torch.tensor(COSINES) / 2**13
    sign = 1 - 2 * (torch.arange(SIDE) % 2)
    return torch.cat((half, half.flip(1) * sign[:, None]), dim=1).to(device)


@lru_cache(maxsize=64)
def _steps(table: tuple[tuple[int, ...], ...], quality: int, device: torch.device) -> Tensor:
    """The table at `quality`, as libjpeg scales it: float32 [8, 8]."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return ((torch.tensor(table) * scale + 50) // 100).clamp(1, 255).float().to(device)
