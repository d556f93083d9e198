"""FGS, the fast gradient sign, as a line search."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.input_gradients import input_gradients, no_direction
from trainables.line_search import FGS_STEPS, all_logits, line_search, moved
from trainables.parameters import Parameter, Value
from trainables.quality import QualityAttack, Tried
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class FGS(QualityAttack):
    """x + k sign ∂L₀/∂x for k = 1 … 255, so that L∞ is k up to clipping: Rozsa et al. 2016, Section 2.

    One search, counted by two rules. The loss of a surely classified image is 0 in float32. `paper` has no direction
    there, as if the gradient were multiplied with that loss: this is what the published rates show. `unmasked` goes by
    the gradient in float64, which is never quite zero. A rate that falls in `paper` alone is gradient masking.
    """

    summary: ClassVar[str] = "The gradient's sign, as far as it takes: a line search (Rozsa et al. 2016)"
    variant: ClassVar[Parameter] = Parameter(
        name="rule",
        type=str,
        choices=("paper", "unmasked"),
        doc="paper: no direction where the float32 loss is 0; unmasked: the gradient in float64",
        source="Rozsa et al. 2016, Tables 1 and 2 are met by the former alone",
    )
    line: ClassVar[str] = "rules"
    usual: ClassVar[tuple[Value, ...]] = ("paper", "unmasked")

    @property
    def passes(self) -> int:
        return 30  # L∞ 20 to 75 in the README's table, one search for two rules

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
        direction = loss_direction(network, images, labels)
        steps = line_search(network, images, labels, direction, FGS_STEPS)
        still = no_direction(direction)
        sure = blank_in_float32(all_logits(network, images), labels) if len(images) else still
        blank = {"paper": still | sure, "unmasked": still}
        adversarial = moved(images, direction, steps)
        for rule in variants:
            without = blank[str(rule)]
            yield Tried(adversarial=adversarial, success=(steps > 0) & ~without, blank=without)


def loss_direction(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """sign ∂L₀/∂x, computed in float64, as float32 [N, C, H, W]."""
    objective = partial(F.cross_entropy, reduction="sum")
    signs = (gradient.sign().float() for gradient in input_gradients(network, images, labels, objective))
    return torch.cat([images[:0].float(), *signs])


def blank_in_float32(logits: Tensor, labels: Tensor) -> Tensor:
    """[N] bool: whether the float32 loss of the logits [N, classes] is 0, that is, p(y) is 1."""
    return F.cross_entropy(logits.float(), labels, reduction="none") == 0
