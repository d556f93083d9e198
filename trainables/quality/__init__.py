"""The attacks that adversarial quality is measured by, one file each; a YAML names them under `evaluate.attacks`.

Rozsa, Günther, Boult 2016 (BANG): every image that a network classifies right is attacked. Pixels are whole numbers in
[0, 255] and a line search has no other bound, so that all attacks succeed sooner or later, and what counts is how far
an image had to be moved. `trainables.adversarial_quality` counts it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from trainables.parameters import Parameter, Parameterised, Value
from trainables.randomness import Key
from trainables.registry import Registry

CHUNK = 100
"""Images that share one generator, by their index in the split."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What an attack came to on the n images that a network classifies right."""

    adversarial: Tensor
    """[n, C, H, W], pixels in [0, 255]; of no meaning where there was no success."""
    success: Tensor
    """[n] bool: whether the network calls it something else."""
    blank: Tensor | None
    """[n] bool: whether the gradient gave no direction; None for an attack that need not have one."""


@dataclass(frozen=True, kw_only=True)
class QualityAttack(Parameterised, ABC):
    """An attack in one variant or more, which may share work."""

    summary: ClassVar[str]
    """One line, with the source."""
    variant: ClassVar[Parameter]
    """What its variants differ in: the rule, the mode, how far it may go."""
    line: ClassVar[str]
    """What the YAML calls the list of them."""
    usual: ClassVar[tuple[Value, ...]]
    """The variants where the YAML names none."""

    @classmethod
    def name(cls) -> str:
        """As a YAML says it."""
        return cls.__module__.rpartition(".")[2]

    @property
    @abstractmethod
    def passes(self) -> int:
        """Forward passes that one variant takes an image, roughly: what a plan reckons with."""

    @abstractmethod
    def tried(
        self,
        network: nn.Module,
        images: Tensor,
        labels: Tensor,
        right: Tensor,
        variants: Sequence[Value],
        keys: Sequence[Key],
    ) -> Iterator[Tried]:
        """One a variant, in order, on the `right` ones of the images: uint8 [N, C, H, W], labels and right [N].

        The network is in eval mode and computes in its weights' precision, float32. `keys`: one a CHUNK of the images,
        in order, for whatever is drawn, so that it depends on an image's index alone.
        """


quality_attacks = Registry("attack", __name__, QualityAttack)  # type: ignore[type-abstract]
