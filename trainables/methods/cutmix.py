"""CutMix: a rectangle of every image replaced by that of another one, and its label mixed by area."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.losses import mixed_cross_entropy
from trainables.methods import Batch, Loss, Method
from trainables.mixing import draw_order
from trainables.parameters import parameter
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class CutMix(Method):
    """With probability q: L = λ L₀(x̃, y) + (1 − λ) L₀(x̃, y[π]), x̃ = x with x[π] inside a box: Yun et al. 2019.

    The box's sides are √(1 − λ) of the image's, λ ~ Beta(α, α), its centre is uniform; λ then becomes the share of the
    image outside the box as far as the image reaches. One box and one permutation a batch. Otherwise, and always with
    q = 0, this is `standard`, step for step.
    """

    label: ClassVar[str] = "CutMix"
    summary: ClassVar[str] = "Cross-entropy of images with a box from another one, labels by area (Yun et al. 2019)"
    trains_on_distortion: ClassVar[bool] = False

    alpha: float = parameter(
        default=1.0,
        gt=0,
        doc="of Beta(alpha, alpha), which the share of an image outside the box is drawn from",
        source="Yun et al. 2019: 1",
    )
    probability: float = parameter(
        default=0.5, ge=0, le=1, doc="that a batch is mixed", source="Yun et al. 2019: 0.5 on CIFAR, 1 on ImageNet"
    )

    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        host = key.child("box").host()
        if host.random_sample() < self.probability:
            height, width = batch.images.shape[2:]
            share = host.beta(self.alpha, self.alpha)
            box = box_around(host.randint(height), host.randint(width), share, height, width)
            mixed = self._mixed(model, batch, box, key)
        else:
            mixed = F.cross_entropy(model(batch.images), batch.labels)
        return Loss(mixed, {"mixed": mixed.detach()})

    def _mixed(self, model: nn.Module, batch: Batch, box: "Box", key: Key) -> Tensor:
        order = draw_order(len(batch.labels), batch.images.device, key)
        logits = model(box.pasted(batch.images, batch.images[order]))
        share = box.outside(*batch.images.shape[2:])
        return mixed_cross_entropy(logits, batch.labels, batch.labels[order], share)


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle of pixels, the ends exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    def pasted(self, images: Tensor, others: Tensor) -> Tensor:
        """[N, C, H, W]: `others` inside the box, `images` outside."""
        within = (..., slice(self.top, self.bottom), slice(self.left, self.right))
        mixed = images.clone(memory_format=torch.preserve_format)
        mixed[within] = others[within]
        return mixed

    def outside(self, height: int, width: int) -> float:
        """The share of an image that lies outside."""
        return 1 - (self.bottom - self.top) * (self.right - self.left) / (height * width)


def box_around(row: int, column: int, share: float, height: int, width: int) -> Box:
    """The box of 1 − share of an image's area around a centre, cut at the image's edges; its sides come out even."""
    cut = math.sqrt(1 - share)
    tall, wide = int(height * cut) // 2, int(width * cut) // 2
    return Box(
        top=max(row - tall, 0),
        left=max(column - wide, 0),
        bottom=min(row + tall, height),
        right=min(column + wide, width),
    )
