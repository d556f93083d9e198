"""Convolutions of our own where torch's are slow on a CPU, or not safe there."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ImageConv2d(nn.Conv2d):
    """A convolution of stride 1 without padding, for a network's first layer.

    torch's own gradient with respect to one-channel images takes ten times as long as the convolution itself on the
    CPU, most of an attack's time. Outputs and the weights' gradients are `nn.Conv2d`'s, bit for bit.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size)

    def forward(self, input: Tensor) -> Tensor:
        if not (input.requires_grad and input.device.type == "cpu"):
            return super().forward(input)
        seen: Tensor = _ImageGradient.apply(input, self.weight.detach(), super().forward(input.detach()))
        return seen


class _ImageGradient(torch.autograd.Function):
    """The identity on the layer's output, whose gradient goes to the images as well."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, output: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return output.view_as(output)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, Tensor]:
        return image_gradient(gradient, *ctx.saved_tensors), None, gradient


def image_gradient(gradient: Tensor, weight: Tensor) -> Tensor:
    """∂/∂ images [N, C, H + k − 1, W + k − 1] of a convolution, from that of its output, [N, O, H, W].

    One matrix product gives every kernel tap's share; each is then added at its offset. `weight` is [O, C, k, k]; the
    sums are in its precision, also where autocast made the output, and so the gradient, one of half as many bits.
    """
    n, _, height, width = gradient.shape
    outputs, channels, rows, columns = weight.shape
    pixels = gradient.to(weight.dtype).permute(0, 2, 3, 1).reshape(-1, outputs)
    shares = weight.permute(2, 3, 1, 0).reshape(-1, outputs) @ pixels.t()
    taps = shares.view(rows, columns, channels, n, height, width)
    images = weight.new_zeros(channels, n, height + rows - 1, width + columns - 1)
    for row in range(rows):
        for column in range(columns):
            images[:, :, row : row + height, column : column + width] += taps[row, column]
    return images.transpose(0, 1)


NARROW = 16
"""Channels; fewer of them are few."""


class PointConv2d(nn.Conv2d):
    """A 1 × 1 convolution with a stride, for shortcuts: `nn.Conv2d` where that is safe.

    Of few channels and large images in channels-last, torch 2.15 writes beyond the end of its memory when it computes
    the gradient on a CPU. There the pixels that the stride leaves are taken first, which gives the same numbers up to
    rounding.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, bias: bool) -> None:
        super().__init__(in_channels, out_channels, kernel_size=1, stride=stride, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        pixels, stride = thinned(self, input)
        return F.conv2d(pixels, self.weight, self.bias, stride)


def thinned(layer: nn.Conv1d | nn.Conv2d | nn.Conv3d, input: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """What a convolution is to be given in place of its input, and the stride that is left to it."""
    if input.device.type != "cpu" or not is_unsafe(layer):
        return input, layer.stride
    down, across = layer.stride
    return input[..., ::down, ::across].contiguous(memory_format=torch.channels_last), (1, 1)


def is_unsafe(layer: nn.Module) -> bool:
    """Whether torch's own gradient of this layer may write beyond its memory on a CPU."""
    if not isinstance(layer, nn.Conv2d) or layer.kernel_size != (1, 1) or layer.padding not in ((0, 0), "valid"):
        return False
    return max(layer.stride) > 1 and layer.in_channels // layer.groups < NARROW


def check_safe(model: nn.Module) -> None:
    """Raises ValueError, naming it, for a layer whose gradient is not to be had on a CPU."""
    for name, layer in model.named_modules():
        if is_unsafe(layer) and not isinstance(layer, PointConv2d):
            raise ValueError(
                f"{name} is a 1 × 1 convolution of fewer than {NARROW} channels with a stride, whose gradient torch "
                "may write beyond its memory on a CPU; make it a trainables.convolution.PointConv2d"
            )
