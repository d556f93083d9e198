"""The first layer's gradient to the images."""

import pytest
import torch
from torch import nn

from tests.contracts.pictures import random_images
from trainables.convolution import ImageConv2d


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
