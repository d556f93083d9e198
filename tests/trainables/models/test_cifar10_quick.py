"""CIFAR-10 quick."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.contracts.pictures import network, random_images
from tests.study.executor.plans import trial
from trainables.checkpoint import dump, parse
from trainables.datasets import split_of
from trainables.fit import Training, build_model, data_set
from trainables.models.cifar10_quick import CIFAR10Quick
from trainables.recipe import Component

SHAPE = (3, 32, 32)


def test_the_layers_by_hand() -> None:
    """The first ReLU stands after its pool, the others before; the pools round up; none stands between the last two."""
    model = network("cifar10_quick", SHAPE).eval()
    model.see(torch.randint(256, (5, *SHAPE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)))
    images = random_images(2, *SHAPE)
    features = F.max_pool2d(model.conv1(images * 255 - model.mean), 3, 2, ceil_mode=True).clamp(min=0)
    for layer in (model.conv2, model.conv3):
        features = _average(layer(features).clamp(min=0))
    expected = model.ip2(model.ip1(features.flatten(1)))
    torch.testing.assert_close(model(images), expected)
    assert model.ip1(features.flatten(1)).min() < 0


def _average(features: Tensor) -> Tensor:
    """Caffe's 3 × 3 average with stride 2: sums over the cells inside the image, divided by how many they are."""
    padded, ones = (F.pad(one, (0, 1, 0, 1)) for one in (features, torch.ones_like(features)))
    return F.avg_pool2d(padded, 3, 2) / F.avg_pool2d(ones, 3, 2)


@pytest.mark.parametrize(
    ("layer", "deviation"), [("conv1", 0.0001), ("conv2", 0.01), ("conv3", 0.01), ("ip1", 0.1), ("ip2", 0.1)]
)
def test_weights_begin_as_caffes_gaussian_draws_them(layer: str, deviation: float) -> None:
    drawn = network("cifar10_quick", SHAPE).get_submodule(layer)
    assert drawn.weight.std().item() == pytest.approx(deviation, rel=0.1)
    assert abs(drawn.weight.mean().item()) < 0.2 * deviation
    assert drawn.bias.abs().max() == 0


def test_the_mean_image_is_exact_and_pixel_by_pixel() -> None:
    model = CIFAR10Quick().build((1, 8, 8), 10)
    pixels = torch.randint(256, (1001, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    model.see(pixels)
    assert torch.equal(model.mean, pixels.double().mean(0).float())
    seen = model.normalise(pixels[:1] / 255)
    torch.testing.assert_close(seen, pixels[:1].float() - model.mean, rtol=0, atol=1e-4)


QUICK = replace(trial("01").recipe, model=Component.of("cifar10_quick"))


def test_training_from_scratch_takes_the_mean_of_its_images_and_the_weights_keep_it() -> None:
    training = Training(QUICK, None, torch.device("cpu"))
    expected = split_of(data_set(QUICK.data), "train").pixels.double().mean(0).float()
    assert torch.equal(training.model.mean, expected)
    training.advance()
    kept = parse(dump(training.kept_weights()))
    assert torch.equal(kept["mean"], expected)
    evaluated = build_model(QUICK)
    evaluated.load_state_dict(kept)
    assert torch.equal(evaluated.mean, expected)


def test_training_from_weights_keeps_the_mean_of_those() -> None:
    start = build_model(QUICK).state_dict()
    start["mean"] = torch.full((1, 28, 28), 99.0)
    training = Training(QUICK, start, torch.device("cpu"))
    assert training.model.mean.unique().tolist() == [99]


def test_dropout_falls_on_the_linear_hidden_units() -> None:
    images = random_images(2, *SHAPE)
    model = network("cifar10_quick", SHAPE).train()
    assert torch.equal(model(images), model(images))
    dropping = network("cifar10_quick", SHAPE, dropout=0.5).train()
    seen: list[Tensor] = []
    dropping.ip2.register_forward_hook(lambda _layer, inputs, _out: seen.append(inputs[0]))
    dropping(images)
    assert 0.2 < (seen[0] == 0).float().mean() < 0.8
    assert seen[0].min() < 0


@pytest.mark.parametrize("side", [8, 9, 28, 33])
def test_it_takes_any_image_that_leaves_a_pixel(side: int) -> None:
    shape = (1, side, side + 3)
    CIFAR10Quick().check(shape, 10)
    assert CIFAR10Quick().build(shape, 7)(random_images(2, *shape)).shape == (2, 7)


def test_smaller_images_are_refused() -> None:
    with pytest.raises(ValueError, match="cifar10_quick takes images of at least 8 × 8 px; got 7 × 40"):
        CIFAR10Quick().check((1, 7, 40), 10)
