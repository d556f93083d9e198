"""FGS, the fast gradient sign, as a line search."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.input_gradients import Objective, input_gradients, no_direction
from trainables.line_search import FGS_STEPS, all_logits, line_search, moved
from trainables.log_odds import log_odds
from trainables.parameters import Parameter, Value
from trainables.quality import QualityAttack, Tried
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class FGS(QualityAttack):
    """x + k sign ∂L₀/∂x for k = 1 … 255, so that L∞ is k up to clipping: Rozsa et al. 2016, Section 2.

    The loss of a surely classified image is 0 in float32. `paper` has no direction there, as if the gradient were
    multiplied with that loss: this is what the published rates show. `unmasked` goes by the gradient in float64, in
    which 1 − p(y) is rounded to 0 as well from a lead of about 37: the true class then has no part in the direction,
    which leads astray. `exact` goes by the log-odds, whose gradient has the loss's direction and is never rounded to 0.
    What falls in `paper` or grows in `unmasked`, but not in `exact`, is gradient masking.
    """

    summary: ClassVar[str] = "The gradient's sign, as far as it takes: a line search (Rozsa et al. 2016)"
    variant: ClassVar[Parameter] = Parameter(
        name="rule",
        type=str,
        choices=("paper", "unmasked", "exact"),
        doc="paper: no direction where the float32 loss is 0; unmasked: the loss in float64; exact: the log-odds",
        source="Rozsa et al. 2016, Tables 1 and 2 are met by paper alone",
    )
    line: ClassVar[str] = "rules"
    usual: ClassVar[tuple[Value, ...]] = ("paper", "unmasked", "exact")

    @property
    def passes(self) -> int:
        return 30  # L∞ 20 to 75 in the README's table

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

        @cache
        def searched(objective: Objective) -> tuple[Tensor, Tensor]:
            direction = loss_direction(network, images, labels, objective)
            return direction, line_search(network, images, labels, direction, FGS_STEPS)

        for rule in variants:
            direction, steps = searched(odds_summed if rule == "exact" else loss_summed)
            blank = no_direction(direction)
            if rule == "paper" and len(images):
                blank |= blank_in_float32(all_logits(network, images), labels)
            yield Tried(adversarial=moved(images, direction, steps), success=(steps > 0) & ~blank, blank=blank)


def loss_summed(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy."""
    return F.cross_entropy(logits, labels, reduction="sum")


def odds_summed(logits: Tensor, labels: Tensor) -> Tensor:
    """Log-odds against the true class, of the same direction."""
    return log_odds(logits, labels).sum()


def loss_direction(network: nn.Module, images: Tensor, labels: Tensor, objective: Objective = loss_summed) -> Tensor:
    """sign ∂L₀/∂x, computed in float64, as float32 [N, C, H, W]."""
    signs = (gradient.sign().float() for gradient in input_gradients(network, images, labels, objective))
    return torch.cat([images[:0].float(), *signs])


def blank_in_float32(logits: Tensor, labels: Tensor) -> Tensor:
    """[N] bool: whether the float32 loss of the logits [N, classes] is 0, that is, p(y) is 1."""
    return F.cross_entropy(logits.float(), labels, reduction="none") == 0
