"""Images in files, for `study distort` and `study preview`: pictures, and batches as numpy keeps them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from study.cli.errors import CommandError

BATCH = ".npy"
PICTURES = (".png", ".jpg", ".jpeg", ".bmp")
ANIMATION = ".gif"
GREY = ("1", "L", "LA")
READ = (*GREY, "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
FRAME_MILLISECONDS = 100
JPEG_QUALITY = 95


def read_pixels(path: Path) -> Tensor:
    """A picture as uint8 [1, C, H, W], a `.npy` batch as [N, C, H, W], mapped; C is 1 or 3. Raises CommandError."""
    if not path.is_file():
        raise CommandError(f"IN: there is no file {path}; give a picture, or a {BATCH} file of uint8 (N, H, W, 3)")
    return _batch(path) if path.suffix.lower() == BATCH else picture(path)[None]


def picture(path: Path) -> Tensor:
    """uint8 [C, H, W], turned upright; a grey one has one channel, transparency is left out. Raises CommandError."""
    try:
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened)
            if upright.mode not in READ:
                raise CommandError(f"{path}: pixels have 8 bits a channel here; this picture's are {upright.mode}")
            plain = upright.convert("L" if upright.mode in GREY else "RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise CommandError(f"{path} cannot be read as a picture ({error}); give a PNG, a JPEG or a .npy file") from None
    pixels = torch.from_numpy(np.array(plain))
    return pixels[None] if pixels.ndim == 2 else pixels.movedim(2, 0)


def _batch(path: Path) -> Tensor:
    try:
        found = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CommandError(f"{path} cannot be read as a .npy file ({error})") from None
    if not isinstance(found, np.ndarray):
        raise CommandError(f"{path} holds several arrays; give a {BATCH} file of one, uint8 (N, H, W, 3)")
    if found.dtype != np.uint8 or found.ndim != 4 or found.shape[3] not in (1, 3) or 0 in found.shape:
        raise CommandError(
            f"{path}: a batch is uint8 of shape (N, H, W, 3), or (N, H, W, 1) for grey images; "
            f"got {found.dtype} of shape {found.shape}"
        )
    return torch.from_numpy(found).movedim(3, 1)


def check_output(path: Path, batch: bool, moving: bool, force: bool) -> None:
    """Raises CommandError where nothing, or nothing of the kind, may be written to `path`."""
    suffixes = (BATCH,) if batch else (*PICTURES, ANIMATION) if moving else PICTURES
    if path.suffix.lower() not in suffixes:
        what = "a batch becomes a batch" if batch else "a picture's format is its suffix"
        raise CommandError(f"OUT: {what}: {' or '.join(suffixes)}; got {path.name!r}")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise CommandError(f"OUT: {path} {'is a folder' if path.is_dir() else 'lies in no folder that is there'}")
    if path.exists() and not force:
        raise CommandError(f"OUT: {path} is there already; --force writes over it")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write: what is there becomes `path` once all of it is, and is gone if it is not."""
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_batches(path: Path, count: int, batches: Iterator[Tensor], told: Callable[[int], None]) -> tuple[int, ...]:
    """Batches uint8 [n, …, C, H, W], `count` images in all, as one `.npy` file [count, …, H, W, C]; its shape.

    `told` of each batch's number of images.
    """
    with whole(path) as partial:
        into: NDArray[Any] | None = None
        begin = 0
        for batch in batches:
            images = batch.movedim(-3, -1).cpu().numpy()
            if into is None:
                into = np.lib.format.open_memmap(partial, "w+", np.uint8, (count, *images.shape[1:]))
            into[begin : begin + len(images)] = images
            begin += len(images)
            told(len(images))
        assert into is not None
        assert begin == count
        into.flush()  # type: ignore[attr-defined]
        return tuple(into.shape)


def write_picture(path: Path, pixels: Tensor) -> None:
    """uint8 [C, H, W], or frames [T, C, H, W]: an animation in a .gif, elsewhere side by side."""
    if path.suffix.lower() == ANIMATION:
        first, *others = map(_image, pixels)
        with whole(path) as partial:
            first.save(partial, save_all=True, append_images=others, duration=FRAME_MILLISECONDS, loop=0)
        return
    image = _image(pixels if pixels.ndim == 3 else torch.cat(list(pixels), dim=2))
    with whole(path) as partial:
        if path.suffix.lower() in (".jpg", ".jpeg"):
            image.save(partial, quality=JPEG_QUALITY, subsampling=0)
        else:
            image.save(partial)


def _image(pixels: Tensor) -> Image.Image:
    array = pixels.movedim(0, 2).cpu().numpy()
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
