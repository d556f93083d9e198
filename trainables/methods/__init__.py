"""Training methods: what the loss of a training step is. One file each; the file's name is the YAML's `method:`.

To add one: a file here with a frozen dataclass that derives from `Method`, its equation and source in the docstring,
its parameters made with `trainables.parameters.parameter`, and `loss`. Listings, validation, tables, figures and the
contract tests find it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from torch import Tensor, nn

from trainables.parameters import Parameterised
from trainables.randomness import Key
from trainables.recipe import Component, Measure
from trainables.registry import Registry
from trainables.sequence import Sequence
from trainables.tasks import Classification, Task


@dataclass(frozen=True)
class Batch:
    """Training images of one step, float32 in [0, 1].

    `source` is the same images with the margin of pixels that the training distortion needs around them (the same
    tensor where it needs none).
    """

    images: Tensor
    """[N, C, H, W]"""
    labels: Tensor
    """[N], int64"""
    source: Tensor
    """[N, C, H + 2m, W + 2m]"""


@dataclass(frozen=True)
class Loss:
    """A scalar to descend on, and its named parts (detached scalars; each becomes a column of `epochs`)."""

    total: Tensor
    terms: Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Method(Parameterised, ABC):
    """How one training step turns a batch into a loss."""

    label: ClassVar[str]
    """The field's short name: ST, DA, AT."""
    summary: ClassVar[str]
    """One line, with the source."""
    trains_on_distortion: ClassVar[bool]
    """Whether the YAML must name a `distortion:` for it (True) or must not (False)."""
    distortion_kinds: ClassVar[tuple[str, ...]] = ("noise", "transformative", "attack")
    """The kinds of distortion it can train on."""
    trains: ClassVar[bool] = True
    """False for one whose trials are the weights that they start from: it takes no step."""
    passes: ClassVar[int] = 1
    """Forward passes an image makes in training, at most."""
    measure: ClassVar[Measure] = Classification.measure
    """What its trials are measured by."""
    alone: ClassVar[str] = ""
    """Why it cannot be joined with a distortion or another method, where one may want to; told when a YAML tries."""

    distortion: Sequence | None = None

    @property
    def task(self) -> Task:
        """What it trains the network for."""
        return Classification()

    def prepare(self, model: nn.Module) -> None:
        """Called once, before the first step, on the model to be trained."""

    def caution(self) -> str | None:
        """What whoever plans a study should know of these parameters, sound as they are; None for nothing."""
        return None

    def forward_passes(self) -> int:
        """Forward passes an image makes with these parameters, distorted copies counted."""
        return self.passes

    def labelled_passes(self) -> int:
        """How many of them are compared with the image's label; others are held to another prediction."""
        return 1

    def shows(self) -> tuple[str, ...]:
        """The corruptions of ImageNet-C and perturbations of ImageNet-P that it shows of itself."""
        return ()

    @abstractmethod
    def loss(self, model: nn.Module, batch: Batch, key: Key) -> Loss:
        """The loss of one step, the model in train mode; `key` is the step's source of randomness."""

    def distorted(self, model: nn.Module, batch: Batch, key: Key) -> Tensor:
        """The batch under the training distortion, [N, C, H, W]."""
        assert self.distortion is not None
        return self.distortion.apply(batch.source, batch.labels, model, key.child("distortion"))


methods = Registry("method", __name__, Method)  # type: ignore[type-abstract]


@cache
def described(method: Component) -> Method:
    """The method that a recipe describes, without what it trains on."""
    return methods.get(method.name)(**method.parameters, distortion=None)
