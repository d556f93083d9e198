"""The convolution that sees the images, with a gradient to them that is quick on the CPU too: attacks live on it."""

from typing import Any

import torch
from torch import Tensor, nn


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
