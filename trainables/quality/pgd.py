"""PGD beside the line searches: what a network's accuracy is worth when nothing masks its gradient."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from trainables.attacks.pgd import PGD
from trainables.line_search import is_right
from trainables.parameters import Parameter, Value, parameter
from trainables.quality import CHUNK, QualityAttack, Tried
from trainables.randomness import Key


@dataclass(frozen=True, kw_only=True)
class ProjectedGradient(QualityAttack):
    """`trainables.attacks.pgd` in L∞ from random starts; a success is one of any start (Madry et al. 2018, Section 5).

    Unlike a line search it is bounded by ε and keeps to no whole pixel values.
    """

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
            chunks = zip(torch.split(images, CHUNK), torch.split(labels, CHUNK), keys, strict=True)
            found = [self._restarted(network, *chunk, epsilon) for chunk in chunks]
            adversarial, success = (torch.cat(parts)[right] for parts in zip(*found, strict=True))
            yield Tried(adversarial=adversarial, success=success, blank=None)

    def _restarted(
        self, network: nn.Module, images: Tensor, labels: Tensor, key: Key, epsilon: float
    ) -> tuple[Tensor, Tensor]:
        """Of a chunk, from start after start: the first attacked images that are wrong, in [0, 255], and which are."""
        attack = PGD(steps=self.steps, step_size=self.step_size / epsilon)
        source = images.float().div_(255).contiguous(memory_format=torch.channels_last)
        adversarial, success = source, torch.zeros_like(labels, dtype=torch.bool)
        for start in range(self.restarts):
            attacked = attack.apply(source, labels, network, epsilon, key.child(start).generator(images.device))
            with torch.no_grad():
                wrong = ~is_right(network(attacked), labels)
            adversarial = torch.where(success.view(-1, 1, 1, 1), adversarial, attacked)
            success = success | wrong
        return adversarial * 255, success
