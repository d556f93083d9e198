"""LeNet."""

import math

import pytest
import torch

from tests.contracts.pictures import network, random_images
from trainables.models.lenet import LeNet

SHAPES = {
    "conv1": [20, 24, 24], "pool1": [20, 12, 12], "conv2": [50, 8, 8], "pool2": [50, 4, 4], "ip1": [500], "ip2": [10],
}  # fmt: skip


def test_it_has_the_published_size_and_shapes() -> None:
    model, seen = network("lenet"), {}
    for name, layer in model.named_children():
        layer.register_forward_hook(lambda _layer, _in, out, name=name: seen.update({name: list(out.shape[1:])}))
    model(random_images(2, 1, 28, 28))
    assert sum(weights.numel() for weights in model.parameters()) == 431_080
    assert {name: seen[name] for name in SHAPES} == SHAPES


def test_the_convolutions_and_poolings_are_linear_and_max_only() -> None:
    model = network("lenet").eval()
    images = random_images(3, 1, 28, 28)
    stage1 = torch.nn.functional.max_pool2d(model.conv1(images * 255 / 256), 2)
    stage2 = torch.nn.functional.max_pool2d(model.conv2(stage1), 2)
    assert stage1.min() < 0
    expected = model.ip2(model.ip1(stage2.flatten(1)).clamp(min=0))
    torch.testing.assert_close(model(images), expected)


def test_weights_begin_as_caffes_xavier_draws_them() -> None:
    model = network("lenet")
    for name, layer in model.named_children():
        if not hasattr(layer, "weight"):
            continue
        bound = math.sqrt(3 / layer.weight[0].numel())
        assert layer.weight.abs().max() <= bound, name
        assert layer.weight.abs().max() > 0.95 * bound, name
        assert layer.bias.abs().max() == 0, name


def test_dropout_is_off_unless_asked_for() -> None:
    images = random_images(2, 1, 28, 28)
    model = network("lenet").train()
    assert torch.equal(model(images), model(images))
    dropping = network("lenet", dropout=0.5).train()
    assert not torch.equal(dropping(images), dropping(images))
    assert torch.equal(dropping.eval()(images), model(images))


@pytest.mark.parametrize("side", [13, 16, 17, 32])
def test_it_takes_any_image_that_leaves_a_pixel(side: int) -> None:
    shape = (3, side, side + 3)
    LeNet().check(shape, 10)
    assert LeNet().build(shape, 7)(random_images(2, *shape)).shape == (2, 7)


def test_smaller_images_are_refused() -> None:
    with pytest.raises(ValueError, match="lenet takes images of at least 13 × 13 px; got 12 × 40"):
        LeNet().check((1, 12, 40), 10)


def test_a_dropout_of_everything_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dropout.* lies in \[0, 1\); got 1"):
        LeNet(dropout=1)
