"""Images and networks that the laws are tried on."""

import torch
from torch import Tensor, nn

from trainables.datasets import Images, datasets, split_of
from trainables.models import models


def digits(split: str = "train", count: int = 100) -> Images:
    """The first `count` images of a split of mnist_5k."""
    images = split_of(datasets.get("mnist_5k")(), split)  # type: ignore[arg-type]
    return Images(images.pixels[:count], images.labels[:count])


def random_images(*shape: int, seed: int = 0) -> Tensor:
    """Smooth random images of `shape` [N, C, H, W] that reach both 0 and 1."""
    coarse = torch.rand(*shape[:2], 5, 5, generator=torch.Generator().manual_seed(seed))
    return nn.functional.interpolate(coarse, shape[2:], mode="bilinear").sub(0.3).mul(2.5).clamp(0, 1)


def network(name: str = "small_cnn", shape: tuple[int, int, int] = (1, 28, 28), **parameters: float) -> nn.Module:
    """A registered model with ten classes and seeded weights."""
    torch.manual_seed(1)
    return models.get(name)(**parameters).build(shape, 10)
