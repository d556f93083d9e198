"""Wide residual networks."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.contracts.pictures import network, random_images
from trainables.models.wide_resnet import WideResNet

SMALL = {"depth": 10, "width": 1}


@pytest.mark.parametrize(
    ("depth", "width", "classes", "size"),
    [(28, 4, 10, 5_853_098), (28, 4, 100, 5_876_228), (28, 2, 10, 1_469_642), (28, 10, 10, 36_489_290)],
)
def test_the_sizes_of_noisymixs_code(depth: int, width: int, classes: int, size: int) -> None:
    with torch.device("meta"):
        model = WideResNet(depth=depth, width=width).build((3, 32, 32), classes)
    assert sum(weights.numel() for weights in model.parameters()) == size


def test_augmixs_40_2_is_two_million_weights_without_biases() -> None:
    with torch.device("meta"):
        model = WideResNet(depth=40, width=2, dropout=0, layout="augmix").build((3, 32, 32), 10)
    assert sum(weights.numel() for weights in model.parameters()) == 2_243_546
    assert {layer.bias for layer in model.modules() if isinstance(layer, nn.Conv2d)} == {None}


@pytest.mark.parametrize("layout", ["noisymix", "augmix"])
def test_features_are_mixed_after_each_group_and_any_side_will_do(layout: str) -> None:
    for side in (32, 64):
        model, shapes = WideResNet(**SMALL, layout=layout).build((3, side, side), 10), []
        features = model.normalise(random_images(2, 3, side, side))
        for stage in model.stages()[:3]:
            features = stage(features)
            shapes.append(tuple(features.shape[1:]))
        assert shapes == [(16, side, side), (32, side // 2, side // 2), (64, side // 4, side // 4)]


def normed(features: Tensor, layer: nn.Module) -> Tensor:
    """BN-ReLU with the batch's own statistics."""
    return F.batch_norm(features, None, None, layer.weight, layer.bias, training=True).clamp(min=0)


def test_noisymixs_block_strides_on_its_second_convolution_and_carries_the_raw_input() -> None:
    block = network("wide_resnet", (3, 32, 32), **SMALL, dropout=0.0).group2[0].train()
    features = random_images(2, 16, 16, 16) - 0.5
    inner = F.conv2d(normed(features, block.bn1), block.conv1.weight, block.conv1.bias, padding=1)
    inner = F.conv2d(normed(inner, block.bn2), block.conv2.weight, block.conv2.bias, stride=2, padding=1)
    expected = inner + F.conv2d(features, block.shortcut.weight, block.shortcut.bias, stride=2)
    torch.testing.assert_close(block(features), expected)


def test_augmixs_block_strides_on_its_first_convolution_and_carries_the_activated_input() -> None:
    block = network("wide_resnet", (3, 32, 32), **SMALL, dropout=0.0, layout="augmix").group2[0].train()
    features = random_images(2, 16, 16, 16) - 0.5
    activated = normed(features, block.bn1)
    inner = F.conv2d(activated, block.conv1.weight, stride=2, padding=1)
    inner = F.conv2d(normed(inner, block.bn2), block.conv2.weight, padding=1)
    torch.testing.assert_close(block(features), inner + F.conv2d(activated, block.shortcut.weight, stride=2))


@pytest.mark.parametrize(("layout", "momentum"), [("noisymix", 0.9), ("augmix", 0.1)])
def test_what_else_tells_the_layouts_apart(layout: str, momentum: float) -> None:
    model = network("wide_resnet", (3, 32, 32), **SMALL, layout=layout)
    assert model.bn.momentum == momentum
    assert model.group1[0].bn1.momentum == 0.1
    assert (model.linear.bias.abs().max() == 0) == (layout == "augmix")


def test_dropout_falls_inside_the_blocks() -> None:
    images = random_images(2, 3, 32, 32)
    still, dropping = (network("wide_resnet", (3, 32, 32), **SMALL, dropout=rate) for rate in (0.0, 0.1))
    assert torch.equal(still.train()(images), still(images))
    assert not torch.equal(dropping.train()(images), dropping(images))


def test_a_depth_that_no_three_groups_have_is_answered_with_two_that_do() -> None:
    with pytest.raises(ValueError, match="depth is 4 more than a multiple of 6, such as 28 or 34; got 30"):
        WideResNet(depth=30)
