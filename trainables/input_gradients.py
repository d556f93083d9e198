"""Gradients with respect to images in float64, where the loss of a sure answer is not yet 0."""

from collections.abc import Callable, Iterator
from itertools import chain

import torch
from torch import Tensor, nn
from torch.func import functional_call

from trainables.line_search import forward_size

Objective = Callable[[Tensor, Tensor], Tensor]
"""Takes logits [n, classes] and labels [n], gives a sum over images."""


def input_gradients(network: nn.Module, images: Tensor, labels: Tensor, objective: Objective) -> Iterator[Tensor]:
    """∂ objective(logits, labels) / ∂x in float64, up to the factor of the pixels' unit, a batch at a time.

    0 where it is not finite. Images are uint8 [N, C, H, W]. Raises ValueError for a network that does not compute in
    its weights' precision, and for one whose answers do not depend on its images as far as autograd knows.
    """
    weights = {
        name: tensor.detach().double()
        for name, tensor in chain(network.named_parameters(), network.named_buffers())
        if tensor.is_floating_point()
    }
    size = forward_size(images) if len(images) else 1
    for some, their_labels in zip(torch.split(images, size), torch.split(labels, size), strict=True):
        with torch.inference_mode(False), torch.enable_grad():
            pixels = (some.double() / 255).requires_grad_()
            logits = functional_call(network, weights, (pixels,))
            if logits.dtype != torch.float64:
                raise ValueError(
                    f"adversarial quality takes gradients in float64, and this network gives {logits.dtype} for "
                    "float64 images; build it with precision float32"
                )
            if not logits.requires_grad:
                raise ValueError(
                    f"{type(network).__name__} gives no gradient with respect to its images: it rounds or detaches "
                    "them, or computes without autograd; leave attacks out for it"
                )
            gradient = torch.autograd.grad(objective(logits, their_labels), pixels)[0]
        yield gradient.nan_to_num(0, 0, 0)


def no_direction(direction: Tensor) -> Tensor:
    """[N] bool: whether the whole of an image's direction [N, C, H, W] is 0."""
    return (direction == 0).flatten(1).all(dim=1)
