"""Photographs: image files of any size and kind as RGB pixels of one size. No torch: what builds sets uses it too."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def opened(source: Path | io.BytesIO, name: Path) -> Image.Image:
    """As RGB, whole: grey and CMYK files become RGB, whatever the suffix says; EXIF orientations are left alone.

    Raises ValueError, naming the file, on what is no image or only a part of one.
    """
    try:
        with Image.open(source) as image:
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        said = str(error).removesuffix(f" {source!r}")
        raise ValueError(f"{name} cannot be read as an image ({said}): mend or remove it") from error


def centre(image: Image.Image, width: int, height: int, side: int) -> NDArray[Any]:
    """[3, side, side], uint8: the centre of an image scaled to `width` × `height`, bilinear and antialiased."""
    left, top = (width - side) // 2, (height - side) // 2
    scaled = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(scaled.crop((left, top, left + side, top + side))).transpose(2, 0, 1)
