"""Fashion-MNIST: 70,000 articles of clothing, 28 × 28, grey."""

from dataclasses import dataclass
from typing import ClassVar

from trainables.torchvision_data import TorchvisionDataSet


@dataclass(frozen=True, kw_only=True)
class FashionMNIST(TorchvisionDataSet):
    """55,000 train, 5,000 validation and 10,000 test images, unless limited."""

    label: ClassVar[str] = "Fashion-MNIST"
    summary: ClassVar[str] = "70,000 articles of clothing, 28 × 28 (Xiao et al. 2017)"
    source: ClassVar[str] = "FashionMNIST"
    image_shape: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    classes: ClassVar[tuple[str, ...]] = (
        "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )  # fmt: skip
    in_file: ClassVar[int] = 60_000
