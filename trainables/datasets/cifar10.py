"""CIFAR-10: 60,000 photographs in ten classes, 32 × 32, colour."""

from dataclasses import dataclass
from typing import ClassVar

from trainables.torchvision_data import TorchvisionDataSet


@dataclass(frozen=True, kw_only=True)
class CIFAR10(TorchvisionDataSet):
    """45,000 train, 5,000 validation and 10,000 test images, unless limited."""

    label: ClassVar[str] = "CIFAR-10"
    summary: ClassVar[str] = "60,000 photographs in 10 classes, 32 × 32 (Krizhevsky 2009)"
    source: ClassVar[str] = "CIFAR10"
    image_shape: ClassVar[tuple[int, int, int]] = (3, 32, 32)
    classes: ClassVar[tuple[str, ...]] = (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip
    in_file: ClassVar[int] = 50_000
