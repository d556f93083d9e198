"""Convolutions of our own: the first layer's gradient to the images, and strided ones that stay in their memory."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from tests.contracts.pictures import random_images
from trainables.convolution import ImageConv2d, PointConv2d, check_safe
from trainables.fit import place
from trainables.recipe import Component, Recipe


def _pair(channels: int, kernel: int) -> tuple[ImageConv2d, nn.Conv2d]:
    torch.manual_seed(0)
    ours = ImageConv2d(channels, 6, kernel_size=kernel)
    theirs = nn.Conv2d(channels, 6, kernel_size=kernel)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_all_gradients_are_torchs_own(channels: int, kernel: int, layout: torch.memory_format) -> None:
    weighing = torch.rand(4, 6, 12 - kernel + 1, 9 - kernel + 1)
    found = []
    for layer in _pair(channels, kernel):
        images = random_images(4, channels, 12, 9).contiguous(memory_format=layout).requires_grad_()
        output = layer(images)
        (output.square() * weighing).sum().backward()
        found.append((output, images.grad, layer.weight.grad, layer.bias.grad))
    (output, images, *weights), (their_output, their_images, *their_weights) = found
    assert torch.equal(output, their_output)
    assert all(torch.equal(one, other) for one, other in zip(weights, their_weights, strict=True))
    torch.testing.assert_close(images, their_images)


def test_it_is_the_true_gradient() -> None:
    layer, _ = _pair(2, 3)
    layer = layer.double()
    images = random_images(2, 2, 6, 5).double().requires_grad_()
    torch.autograd.gradcheck(layer, (images,))


def test_images_that_need_no_gradient_take_torchs_own_path() -> None:
    ours, theirs = _pair(1, 5)
    images = random_images(3, 1, 28, 28)
    for layer in (ours, theirs):
        layer(images).square().sum().backward()
    assert torch.equal(ours.weight.grad, theirs.weight.grad)
    assert type(ours(images).grad_fn) is type(theirs(images).grad_fn)


def test_the_gradient_of_a_bfloat16_output_is_summed_in_single_precision() -> None:
    ours, theirs = _pair(1, 5)
    images = random_images(3, 1, 28, 28)
    found = []
    for layer in (ours, theirs):
        shown = images.clone().requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            layer(shown).square().sum().backward()
        found.append((shown.grad, layer.weight.grad))
    (to_images, to_weight), (their_images, their_weight) = found
    assert to_images.dtype == torch.float32
    assert torch.equal(to_weight, their_weight)
    torch.testing.assert_close(to_images, their_images, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("channels", [4, 32])
def test_a_point_convolution_is_torchs_own(channels: int) -> None:
    """In a layout in which torch's own is safe."""
    torch.manual_seed(0)
    ours = PointConv2d(channels, 6, 2, bias=True)
    theirs = nn.Conv2d(channels, 6, 1, stride=2)
    theirs.load_state_dict(ours.state_dict())
    found = []
    for layer, layout in ((ours, torch.channels_last), (theirs, torch.contiguous_format)):
        features = random_images(2, channels, 9, 12).contiguous(memory_format=layout).requires_grad_()
        output = layer(features)
        output.square().sum().backward()
        found.append((output, features.grad, layer.weight.grad, layer.bias.grad))
    for mine, torchs in zip(*found, strict=True):
        torch.testing.assert_close(mine, torchs)


NARROW_STEPS = """
import torch
from trainables.methods import Batch, methods
from trainables.models import models
from trainables.randomness import Key

torch.set_num_threads(1)
for name, width in (("preact_resnet18", 4), ("preact_resnet18", 15), ("resnet18", 8)):
    for method in (methods.get("standard")(), methods.get("bang")(beta=1, epsilon=0.8)):
        model = models.get(name)(width=width).build((3, 112, 112), 10).to(memory_format=torch.channels_last).train()
        method.prepare(model)
        images = torch.rand(4, 3, 112, 112).contiguous(memory_format=torch.channels_last)
        method.loss(model, Batch(images=images, labels=torch.arange(4), source=images), Key(("test",))).total.backward()
print("through")
"""


def test_narrow_networks_stay_within_their_memory() -> None:
    """In a process of its own, with glibc's check of the heap: torch's gradient of their shortcuts would end it."""
    run = subprocess.run(
        [sys.executable, "-c", NARROW_STEPS], capture_output=True, text=True, env={**os.environ, "MALLOC_CHECK_": "3"}
    )
    assert (run.returncode, run.stdout.strip()) == (0, "through"), run.stderr[-500:]


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(8, 16, 1, stride=2),
        nn.Conv2d(8, 16, 1, stride=(1, 2)),
        nn.Conv2d(32, 32, 1, stride=2, groups=4),
        nn.Conv2d(15, 16, 1, stride=2, padding="valid"),
    ],
)
def test_a_layer_that_is_not_safe_is_refused_by_name(layer: nn.Module) -> None:
    """Also by what places a network on a CPU, and before anything is computed."""
    model = nn.Sequential(nn.Conv2d(3, 8, 3), layer)
    for refusing in (check_safe, lambda model: place(model, RECIPE, torch.device("cpu"))):
        with pytest.raises(ValueError, match=r"^1 is a 1 × 1 convolution of fewer than 16 channels with a stride"):
            refusing(model)


def test_layers_that_are_safe_are_let_through() -> None:
    check_safe(nn.Sequential(PointConv2d(8, 16, 2, bias=False), nn.Conv2d(16, 16, 1, stride=2), nn.Conv2d(8, 8, 1)))
    check_safe(nn.Sequential(nn.Conv2d(8, 16, 1, stride=2, padding=1), nn.Conv2d(8, 16, 3, stride=2)))


RECIPE = Recipe(
    data=Component.of("mnist_5k"), model=Component.of("lenet"), method=Component.of("standard"), epochs=1,
    batch_size=10, optimizer=Component.of("sgd", {"lr": 0.1}), schedule=Component.of("constant"),
)  # fmt: skip
