"""JPEG: the 8-bit image, compressed at quality q and read back."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from trainables.distortions import Distortion, Level
from trainables.recipe import Kind


@dataclass(frozen=True, kw_only=True)
class Jpeg(Distortion):
    """libjpeg's baseline compression, colours subsampled 4:2:0. Harder as `quality` falls; 100 still recompresses.

    The codec runs on the host, an image at a time: evaluations keep what it returns. (Pillow's codec, because
    torchvision deprecates its own since 0.29.)
    """

    kind: ClassVar[Kind] = "noise"
    level: ClassVar[Level] = Level(
        name="quality",
        type=int,
        ge=1,
        le=100,
        unit="JPEG quality",
        symbol="q",
        doc="quality setting of the compressor",
        source="Laermann et al. 2019, Tables 1 and 2: 90 to 10",
        practical=30,
        harder="down",
    )
    summary: ClassVar[str] = "JPEG compression of the 8-bit image at quality q (Laermann et al. 2019, Table 1)"
    shows: ClassVar[tuple[str, ...]] = ("jpeg_compression",)

    def distort(self, images: Tensor, level: float, generator: torch.Generator) -> Tensor:
        if images.shape[1] not in (1, 3):
            raise ValueError(f"jpeg takes images of 1 or 3 channels; got {images.shape[1]}")
        pixels = images.mul(255).round_().to("cpu", torch.uint8).movedim(1, 3).numpy()
        recompressed = np.stack([_recompress(image, int(level)) for image in pixels])
        on_device = torch.from_numpy(recompressed).to(images.device).reshape(pixels.shape).movedim(3, 1)
        return on_device.to(images.dtype, memory_format=torch.contiguous_format).div_(255)


def _recompress(image: NDArray[np.uint8], quality: int) -> NDArray[Any]:
    """[H, W, C] → the same image after JPEG, [H, W, 3] or [H, W]."""
    compressed = BytesIO()
    Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image).save(compressed, "JPEG", quality=quality)
    return np.asarray(Image.open(compressed))
