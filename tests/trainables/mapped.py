"""A data set whose images are in a file that is mapped and may not be written to."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from trainables.datasets import DataSet, Images
from trainables.parameters import parameter
from trainables.recipe import Split

COUNTS: dict[Split, int] = {"train": 53, "validation": 20, "test": 20}
SIDE, BORDER = 8, 3


@dataclass(frozen=True, kw_only=True)
class Mapped(DataSet):
    """Random images [3, 8, 8] with a border of 3 px, five classes."""

    label: ClassVar[str] = "mapped"
    summary: ClassVar[str] = "Random images in a read-only file"

    root: str = parameter(doc="folder of the files", source="ours")
    seed: int = parameter(default=0, ge=0, doc="of the images", source="ours")

    @property
    def shape(self) -> tuple[int, int, int]:
        return 3, SIDE, SIDE

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple("abcde")

    @property
    def border(self) -> int:
        return BORDER

    def load(self, split: Split) -> Images:
        shape = (COUNTS[split], 3, SIDE + 2 * BORDER, SIDE + 2 * BORDER)
        file = Path(self.root) / f"{split}-{self.seed}.u8"
        if not file.exists():
            generator = np.random.default_rng((self.seed, len(split)))
            file.write_bytes(generator.integers(0, 256, shape, np.uint8).tobytes())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            pixels = torch.from_numpy(np.memmap(file, np.uint8, "r", shape=shape))
        return Images(pixels, torch.arange(COUNTS[split]) % 5, BORDER)
