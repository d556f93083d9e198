"""MNIST: 70,000 handwritten digits, 28 × 28, grey."""

from dataclasses import dataclass
from typing import ClassVar

from trainables.parameters import parameter
from trainables.torchvision_data import TorchvisionDataSet


@dataclass(frozen=True, kw_only=True)
class MNIST(TorchvisionDataSet):
    """50,000 train, 10,000 validation and 10,000 test images, unless limited."""

    label: ClassVar[str] = "MNIST"
    summary: ClassVar[str] = "70,000 handwritten digits, 28 × 28 (LeCun et al. 1998)"
    source: ClassVar[str] = "MNIST"
    image_shape: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")
    in_file: ClassVar[int] = 60_000

    validation: int = parameter(
        default=10_000,
        ge=1,
        unit="images",
        doc="images held out of the training file to validate on",
        source="Rozsa et al. 2016 (BANG): 50,000 train, 10,000 validate",
    )
