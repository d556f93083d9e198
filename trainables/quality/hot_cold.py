"""HC1, the hot/cold attack towards the closest other class."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from trainables.input_gradients import input_gradients, no_direction
from trainables.line_search import HOT_COLD_STEPS, line_search, moved
from trainables.parameters import Parameter, Value
from trainables.quality import QualityAttack, Tried
from trainables.randomness import Key

Mode = Literal["literal", "abs", "margin"]


@dataclass(frozen=True, kw_only=True)
class HotCold(QualityAttack):
    """Along ∂ Σⱼ wⱼ hⱼ / ∂x, h the logits, w positive at the closest other class and negative at the true one.

    Rozsa, Rudd, Boult 2016 give w; Rozsa et al. 2016 take HC1. The direction is divided by its largest absolute value,
    and the search goes on until every moving pixel is saturated.
    """

    summary: ClassVar[str] = "HC1: from the true class to the closest other, by the logits (Rozsa, Rudd, Boult 2016)"
    variant: ClassVar[Parameter] = Parameter(
        name="mode",
        type=str,
        choices=("literal", "abs", "margin"),
        doc="the true class's weight: literal −h, as published; abs −|h|; margin −1, and 1 at the other class",
        source="Rozsa, Rudd, Boult 2016, for the formula; abs and margin ours",
    )
    line: ClassVar[str] = "modes"
    usual: ClassVar[tuple[Value, ...]] = ("literal", "abs", "margin")

    @property
    def passes(self) -> int:
        return 120  # L∞ 120 to 200 in the paper's Table 1, less what saturates

    def tried(
        self,
        network: nn.Module,
        images: Tensor,
        labels: Tensor,
        right: Tensor,
        variants: Sequence[Value],
        keys: Sequence[Key],
    ) -> Iterator[Tried]:
        images, labels = images[right], labels[right]
        for mode in variants:
            direction = hot_cold_direction(network, images, labels, cast("Mode", mode))
            steps = line_search(network, images, labels, direction, HOT_COLD_STEPS)
            yield Tried(adversarial=moved(images, direction, steps), success=steps > 0, blank=no_direction(direction))


def hot_cold_direction(network: nn.Module, images: Tensor, labels: Tensor, mode: Mode) -> Tensor:
    """∂ Σⱼ wⱼ hⱼ / ∂x over its largest absolute value, float64 [N, C, H, W]; h the logits, w constant."""
    gradients = input_gradients(network, images, labels, partial(_weighed, mode=mode))
    gradient = torch.cat([images[:0].double(), *gradients])
    largest = gradient.abs().amax(dim=(1, 2, 3), keepdim=True)
    return gradient / torch.where(largest == 0, 1, largest)


def _weighed(logits: Tensor, labels: Tensor, mode: Mode) -> Tensor:
    return (hot_cold_weights(logits.detach(), labels, mode) * logits).sum()


def hot_cold_weights(logits: Tensor, labels: Tensor, mode: Mode) -> Tensor:
    """w [N, classes]: positive at the hot class, the closest other one, and negative at the cold one, the true label's.

    `literal`: |h_hot| and −h_y, as published; where the true logit is negative it pushes towards the true class. `abs`
    puts that right with −|h_y|; `margin` has 1 and −1.
    """
    cold = labels[:, None]
    hot = logits.scatter(1, cold, -math.inf).argmax(dim=1, keepdim=True)
    h_hot, h_cold = logits.gather(1, hot), logits.gather(1, cold)
    ends = {
        "literal": (h_hot.abs(), -h_cold),
        "abs": (h_hot.abs(), -h_cold.abs()),
        "margin": (torch.ones_like(h_hot), -torch.ones_like(h_cold)),
    }
    to_hot, to_cold = ends[mode]
    return torch.zeros_like(logits).scatter(1, hot, to_hot).scatter(1, cold, to_cold)
