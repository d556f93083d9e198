"""PGD beside the line searches: what a network's accuracy is worth, whatever masks its gradient."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from trainables.attacks.pgd import PGD
from trainables.line_search import is_right
from trainables.log_odds import log_odds
from trainables.parameters import Parameter, Value, parameter
from trainables.quality import CHUNK, QualityAttack, Tried
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class ProjectedGradient(QualityAttack):
    """`trainables.attacks.pgd` in L∞ from random starts; a success is one of any start (Madry et al. 2018, Section 5).

    Each step goes by the log-odds, whose gradient has the loss's direction also where the loss is rounded to 0. Unlike
    a line search it is bounded by ε and keeps to no whole pixel values.
    """

    revision: ClassVar[int] = 2
    summary: ClassVar[str] = "PGD in L∞ from random starts: the accuracy that is left (Madry et al. 2018)"
    variant: ClassVar[Parameter] = Parameter(
        name="epsilon",
        gt=0,
        le=1,
        unit="pixels in [0, 1]",
        symbol="ε",
        doc="largest change of a pixel",
        source="Madry et al. 2018, Section 5: 8/255 on CIFAR-10, 0.3 on MNIST",
    )
    line: ClassVar[str] = "epsilon"
    usual: ClassVar[tuple[Value, ...]] = (float(f"{8 / 255:.12g}"),)

    steps: int = parameter(
        default=20, ge=1, unit="steps", doc="gradients taken", source="Madry et al. 2018, Section 5: 20 on CIFAR-10"
    )
    step_size: float = parameter(
        default=float(f"{2 / 255:.12g}"),
        gt=0,
        le=1,
        unit="pixels in [0, 1]",
        doc="length of a step",
        source="Madry et al. 2018, Section 5: 2/255 on CIFAR-10, 0.01 on MNIST",
    )
    restarts: int = parameter(
        default=1, ge=1, unit="starts", doc="random points of the ball to start from", source="Madry et al. 2018"
    )

    @property
    def passes(self) -> int:
        return 3 * self.steps * self.restarts  # a backward pass is worth two

    def tried(
        self,
        network: nn.Module,
        images: Tensor,
        labels: Tensor,
        right: Tensor,
        variants: Sequence[Value],
        keys: Sequence[Key],
    ) -> Iterator[Tried]:
        for epsilon in variants:
            assert isinstance(epsilon, (int, float))
            chunks = zip(*(torch.split(one, CHUNK) for one in (images, labels, right)), keys, strict=True)
            found = [self._restarted(network, epsilon, *chunk) for chunk in chunks]
            adversarial, success = (torch.cat(parts)[right] for parts in zip(*found, strict=True))
            yield Tried(adversarial=adversarial, success=success, blank=None)

    def _restarted(
        self, network: nn.Module, epsilon: float, images: Tensor, labels: Tensor, right: Tensor, key: Key
    ) -> tuple[Tensor, Tensor]:
        """Of a chunk, from start after start: the first attacked images that are wrong, in [0, 255], and which are.

        Each start is drawn for the whole chunk, and taken by those that are right and withstood the ones before.
        """
        attack = PGD(steps=self.steps, step_size=self.step_size / epsilon)
        source = images.float().div_(255).contiguous(memory_format=torch.channels_last)
        adversarial, success = source.clone(), torch.zeros_like(right)
        for start in range(self.restarts):
            begin = attack.start(source, key.child(start).generator(images.device))
            left = (right & ~success).nonzero()[:, 0]
            if len(left):
                odds = LogOdds(network, labels[left])
                attacked = attack.from_start(epsilon, source[left], odds.labels, odds, begin[left])
                with torch.no_grad():
                    success[left] = ~is_right(network(attacked), labels[left])
                adversarial[left] = attacked
        return adversarial * 255, success


class LogOdds(nn.Module):
    """A network as one of two classes, the true one and the others, whose cross-entropy never underflows."""

    def __init__(self, network: nn.Module, labels: Tensor) -> None:
        super().__init__()
        self.network, self.true, self.labels = network, labels, torch.zeros_like(labels)

    def forward(self, images: Tensor) -> Tensor:
        """[n, 2]: 0, and the log-odds against the true class in units of their own size where that is more than 1."""
        odds = log_odds(self.network(images), self.true)
        return torch.stack([torch.zeros_like(odds), odds / odds.detach().abs().clamp_min(1)], dim=1)
