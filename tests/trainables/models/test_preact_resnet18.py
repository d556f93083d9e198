"""PreActResNet18."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.contracts.pictures import network, random_images
from trainables.models.preact_resnet18 import PreActResNet18


@pytest.mark.parametrize(
    ("width", "classes", "size"),
    [(64, 10, 11_171_146), (64, 100, 11_217_316), (128, 10, 44_657_290), (128, 100, 44_749_540)],
)
def test_the_published_sizes(width: int, classes: int, size: int) -> None:
    with torch.device("meta"):
        model = PreActResNet18(width=width).build((3, 32, 32), classes)
    assert sum(weights.numel() for weights in model.parameters()) == size


@pytest.mark.parametrize("side", [32, 64])
def test_features_are_mixed_after_each_of_the_first_three_stages(side: int) -> None:
    model, shapes = PreActResNet18(width=4).build((3, side, side), 10), []
    features = model.normalise(random_images(2, 3, side, side))
    for stage in model.stages()[:3]:
        features = stage(features)
        shapes.append(tuple(features.shape[1:]))
    assert shapes == [(4, side, side), (8, side // 2, side // 2), (16, side // 4, side // 4)]
    assert model(random_images(2, 3, side, side)).shape == (2, 10)


def test_the_last_block_is_averaged_as_it_comes() -> None:
    """No batch norm or ReLU follows it, and on 32 px the mean is that over 4 × 4."""
    model = network("preact_resnet18", (3, 32, 32), width=4).eval()
    images = random_images(2, 3, 32, 32)
    features = model.layer4(model.layer3(model.layer2(model.layer1(model.conv1(images * 2 - 1)))))
    assert features.min() < 0
    torch.testing.assert_close(model(images), model.linear(F.avg_pool2d(features, 4).flatten(1)))


def by_hand(block: nn.Module, features: Tensor) -> Tensor:
    activated = F.batch_norm(features, None, None, block.bn1.weight, block.bn1.bias, training=True).clamp(min=0)
    inner = F.conv2d(activated, block.conv1.weight, stride=2, padding=1)
    inner = F.batch_norm(inner, None, None, block.bn2.weight, block.bn2.bias, training=True).clamp(min=0)
    return F.conv2d(inner, block.conv2.weight, padding=1) + F.conv2d(activated, block.shortcut.weight, stride=2)


def test_the_projection_sees_the_activated_input() -> None:
    block = network("preact_resnet18", (3, 32, 32), width=4).layer2[0].train()
    features = random_images(2, 4, 16, 16) - 0.5
    torch.testing.assert_close(block(features), by_hand(block, features))
    assert block.shortcut.bias is block.conv1.bias is None
