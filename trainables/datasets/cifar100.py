"""CIFAR-100: 60,000 photographs in a hundred classes, 32 × 32, colour."""

from dataclasses import dataclass
from typing import ClassVar

from trainables.torchvision_data import TorchvisionDataSet


@dataclass(frozen=True, kw_only=True)
class CIFAR100(TorchvisionDataSet):
    """45,000 train, 5,000 validation and 10,000 test images, unless limited; the fine labels."""

    label: ClassVar[str] = "CIFAR-100"
    summary: ClassVar[str] = "60,000 photographs in 100 classes, 32 × 32 (Krizhevsky 2009)"
    source: ClassVar[str] = "CIFAR100"
    image_shape: ClassVar[tuple[int, int, int]] = (3, 32, 32)
    classes: ClassVar[tuple[str, ...]] = (
        "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
        "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
        "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
        "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
        "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
        "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
        "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
        "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
        "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger",
        "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
    )  # fmt: skip
    in_file: ClassVar[int] = 50_000
