"""JPEG compression: the image, compressed at quality q and read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trainables.corruptions import Corruption, Group
from trainables.jpeg import Codec, recompressed
from trainables.parameters import parameter


class Setting(NamedTuple):
    """How much is thrown away."""

    quality: int
    """Of the compressor, 1 (worst) to 100."""


def _settings(*qualities: int) -> tuple[Setting, ...]:
    return tuple(map(Setting, qualities))


@dataclass(frozen=True, kw_only=True)
class JpegCompression(Corruption):
    """Blocks and ringing. libjpeg on a CPU; elsewhere the same codec in torch."""

    codec: Codec = parameter(
        default="auto",
        doc="who compresses; auto is libjpeg for images on a CPU, torch for those on another device",
        source="Hendrycks & Dietterich 2019 used libjpeg",
    )

    group: ClassVar[Group] = "digital"
    summary: ClassVar[str] = "JPEG at quality q, colours 4:2:0 (Hendrycks & Dietterich 2019)"
    settings: ClassVar[Mapping[int, tuple[Setting, ...]]] = {
        32: _settings(80, 65, 58, 50, 40),
        64: _settings(65, 58, 50, 40, 25),
        224: _settings(25, 18, 15, 10, 7),
        299: _settings(23, 16, 13, 8, 5),
    }

    @property
    def label(self) -> str:
        """Says whose bytes they are where libjpeg is not to have a say."""
        return f"{self.name()} (torch)" if self.codec == "torch" else self.name()

    def corrupt(self, pixels: Tensor, setting: Setting, draws: None) -> Tensor:
        return recompressed(pixels, setting.quality, self.codec)

    def _in_turn(self, pixels: Tensor, setting: Setting, generator: torch.Generator) -> Tensor:
        """All at once: libjpeg's threads share them out."""
        return self.corrupt(pixels, setting, None)
