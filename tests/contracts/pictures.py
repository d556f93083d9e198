"""Images and networks that the laws are tried on."""

import torch
from torch import Tensor, nn

from trainables.datasets import Images, datasets, split_of
from trainables.models import Network, Stage, models
from trainables.residual import BasicBlock


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


def learnt(images: Images) -> nn.Module:
    """LeNet, 20 steps into these images: nearly all right, none surely so."""
    trained = network("lenet")
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.02, momentum=0.9)
    for _ in range(20):
        optimizer.zero_grad()
        nn.functional.cross_entropy(trained(images.pixels / 255), images.labels).backward()
        optimizer.step()
    return trained


def predicted(model: nn.Module, pixels: Tensor) -> Tensor:
    """The class of each image, pixels in [0, 255]."""
    with torch.no_grad():
        return model(pixels.float() / 255).argmax(dim=1)


class TwoBlocks(Network):
    """The smallest residual network: a block that keeps the shape, and one that narrows it."""

    places = ("input", "stem", "block1", "block2")

    def __init__(self, shape: tuple[int, int, int], classes: int, width: int = 16) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(shape[0], width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        self.block1 = BasicBlock(width, width, 1, nn.Identity())
        self.block2 = BasicBlock(width, 2 * width, 2, nn.Conv2d(width, 2 * width, 1, stride=2, bias=False))
        self.fc = nn.Linear(2 * width, classes)

    def normalise(self, images: Tensor) -> Tensor:
        return images * 4 - 2

    def stages(self) -> tuple[Stage, ...]:
        return self.stem, self.block1, self.block2, self._logits

    def _logits(self, features: Tensor) -> Tensor:
        logits: Tensor = self.fc(features.mean((2, 3)))
        return logits


def two_blocks() -> Network:
    """For grey digits, with seeded weights."""
    torch.manual_seed(1)
    return TwoBlocks((1, 28, 28), 10)
