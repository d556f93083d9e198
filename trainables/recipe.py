"""What to train and what to evaluate, as frozen values: enough to run without a study, a store or Ray."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trainables.parameters import Value

Select = Literal["best_validation", "last"]
Role = Literal["best", "last", "stages"]
"""Which of a trial's weights; `stages` are those that were kept in the course of its training, all together."""
Precision = Literal["float32", "bfloat16"]
Split = Literal["train", "validation", "test"]
Family = Literal["clean", "sweep", "corruption", "perturbation", "attack", "noise_stability"]
"""What kind of test a condition is, and so which registry its steps are of."""
Kind = Literal["noise", "transformative", "attack"]
"""Of a distortion or attack. Laermann et al. 2019, §1, count adversarial examples among the noise."""
Counts = Literal["epochs", "iterations"]
"""What the length of a training is counted in, and so its stages."""
Measure = Literal["accuracy", "triplet ranking score"]
"""What the share of right ones is called: of images classified right, or of triplets ranked right."""


@dataclass(frozen=True)
class Component:
    """A registered name with its full parameters (a distortion's include its level), hashable."""

    name: str
    items: tuple[tuple[str, Value], ...] = ()

    @classmethod
    def of(cls, name: str, parameters: Mapping[str, Value] | None = None) -> "Component":
        """`name` with `parameters`, in a fixed order."""
        return cls(name, tuple(sorted((parameters or {}).items())))

    @property
    def parameters(self) -> dict[str, Value]:
        return dict(self.items)


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """Random initial weights, drawn from the replicate's key."""


@dataclass(frozen=True, kw_only=True)
class Parent:
    """The weights another trial ended with."""

    trial_id: str
    role: Role = "best"


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """Weights from elsewhere: a state dict saved with `torch.save`. The fingerprint is the SHA-256 of the file."""

    path: str
    fingerprint: str


Start = Scratch | Parent | WeightsFile


@dataclass(frozen=True, kw_only=True)
class Length:
    """How long a training is."""

    steps: int
    """Updates in all."""
    epoch: int
    """Updates an epoch; the last epoch ends early where `steps` is no multiple."""

    @property
    def epochs(self) -> int:
        """How many there are, the last one counted whole."""
        return -(-self.steps // self.epoch)

    def of_epoch(self, epoch: int) -> int:
        """Updates of an epoch, 1 the first."""
        return min(self.epoch, self.steps - (epoch - 1) * self.epoch)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that determines a trained model, besides the revisions of the code."""

    data: Component
    model: Component
    method: Component
    distortions: tuple[Component, ...] = ()
    """What the method trains on, first applied first; each with its level among its parameters."""
    start: Start = field(default_factory=Scratch)
    epochs: int | None = None
    """Passes over the training images, 0 for weights that are kept as they come; None where `iterations` says how
    long."""
    iterations: int | None = None
    """Updates; None where `epochs` says how long."""
    batch_size: int
    shuffle: bool = True
    """False: images in the data set's order, round and round, every batch full."""
    flip: bool = False
    crop: int = 0
    """Standard augmentation, before any method: see `trainables.batches.Augmentation`."""
    optimizer: Component
    schedule: Component
    select: Select = "best_validation"
    precision: Precision = "float32"
    compile: bool = False
    threads: int = 1
    replicate: int = 0
    stages: tuple[int, ...] = ()
    """After how many epochs, or iterations where these are counted, the weights are kept besides. Changes no result."""

    def __post_init__(self) -> None:
        assert (self.epochs is None) != (self.iterations is None), "a training counts epochs or iterations"

    def length(self, images: int) -> Length:
        """On `images` training images."""
        epoch = -(-images // self.batch_size)
        return Length(steps=self.iterations or (self.epochs or 0) * epoch, epoch=epoch)

    @property
    def counts(self) -> Counts:
        """What its length and its stages are counted in."""
        return "iterations" if self.epochs is None else "epochs"

    @property
    def last_stage(self) -> int | None:
        """The stage whose weights the trial ends with, and so keeps; None where those of the best epoch are kept."""
        return (self.iterations or self.epochs) if self.select == "last" else None

    def stage_steps(self, images: int) -> dict[int, int]:
        """Updates done → the stage that is then reached, on `images` training images."""
        each = 1 if self.epochs is None else self.length(images).epoch
        return {stage * each: stage for stage in self.stages}

    def shown(self, steps: int, images: int) -> int:
        """How many images the first `steps` updates of an epoch show, of `images` training images."""
        return min(steps * self.batch_size, images) if self.shuffle else steps * self.batch_size

    def all_shown(self, images: int) -> int:
        """How many images the whole training shows."""
        length = self.length(images)
        whole = (length.epochs - 1) * self.shown(length.epoch, images)
        return whole + self.shown(length.of_epoch(length.epochs), images)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One test condition: a split under a distortion or attack (or none: `clean`) at one level.

    `condition_id` keys the draws, so every model meets the same distorted images.
    """

    condition_id: str
    data: Component
    split: Split
    family: Family
    test_distortion: str
    """`clean`, what a corruption, a perturbation or an adversarial-quality attack is labelled, a distortion's or
    attack's name, or `A then B`."""
    parameter: str | None
    """The name of the level: `sigma` of a sweep, `severity`, `difficulty`, `epsilon`; None where there is none."""
    level: float | None
    steps: tuple[Component, ...] = ()
    seed: int = 0
    """Another draw seed draws other noise for the same images."""
