"""What training and evaluation yield: plain frozen records, handed to a `Sink`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trainables.recipe import Parent, WeightsFile

State = Mapping[str, Any]
"""Nested dicts and lists of tensors and plain numbers, as `torch.save` and `weights_only=True` take them."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One finished epoch, 1 the first. Losses are means over images."""

    epoch: int
    loss: float
    terms: Mapping[str, float]
    validation_loss: float
    validation_correct: int
    validation_n: int
    learning_rate: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a training ended: the result row of one trial."""

    planned_epochs: int
    """Of the whole training, the last one counted whole."""
    epochs: tuple[Epoch, ...]
    selected_epoch: int | None
    """The epoch whose weights are kept, 0 for those it started from; None if no epoch was finite."""
    diverged_epoch: int | None
    """The first epoch whose loss was not finite; None if all were."""
    validation_correct: int | None
    validation_n: int
    parameter_count: int
    weights_hash: str | None
    """SHA-256 over the names and bytes of the kept weights."""
    images_seen: int
    """Images passed forward for a gradient, each distorted copy counted, up to the end of the last epoch begun."""
    labels_used: int
    """Those of them that were compared with their label."""


@dataclass(frozen=True, kw_only=True)
class NearDuplicates:
    """How well embeddings tell an image's distorted copy from another image, at one threshold on their distance."""

    threshold: float
    pairs: int
    """Of an image and its copy; and as many of a copy and another image."""
    found: int
    """Pairs of an image and its copy within the threshold."""
    false_alarms: int
    """Pairs of a copy and another image within it."""


@dataclass(frozen=True, kw_only=True)
class Flips:
    """How a network's answers change within the sequences of a perturbation: sums over the pairs of all sequences."""

    difficulty: int
    sequences: int
    pairs: int
    flips: int
    """Pairs whose two predictions differ."""
    top5_distance_sum: int | None
    """None below five classes, where it says nothing."""
    zipf_distance_sum: float

    @property
    def flip_probability(self) -> float:
        """FP in [0, 1]."""
        return self.flips / self.pairs

    @property
    def top5_distance(self) -> float | None:
        """uT5D: the mean over pairs; None below five classes."""
        return None if self.top5_distance_sum is None else self.top5_distance_sum / self.pairs

    @property
    def zipf_distance(self) -> float:
        """The mean over pairs."""
        return self.zipf_distance_sum / self.pairs


@dataclass(frozen=True, kw_only=True)
class Confidences:
    """The images of a cell whose largest softmax probability lies in one of the 15 bins of equal width."""

    n: int
    correct: int
    confidence_sum: float | None
    """Of that probability; None if one was not finite."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One trial under one condition: counts and sums over its n images; rates are derived from them.

    Of a ranking trial an image stands for the triplet whose query it is, and the loss is the triplet hinge. Of a
    perturbation it stands for its sequence, which is right where every frame is.
    """

    condition_id: str
    n: int
    correct: int
    top5_correct: int | None
    """None below six classes, where it says nothing."""
    loss_sum: float | None
    confidence_sum: float | None
    """Sum of the largest softmax probability."""
    at_chance: bool
    """True where the trial diverged before its first finite epoch: `correct` is then what guessing gets, rounded."""
    correct_bits: bytes | None
    """Per-image correctness in index order, packed eight an octet, the first image in the highest bit."""
    rendering: str | None = None
    """How the images came to be, where there is more than one way on a machine: whose JPEG, which files."""
    confidences: tuple[Confidences, ...] = ()
    """By bin, low to high; empty for a sequence, for embeddings, and at chance."""
    near_duplicates: tuple[NearDuplicates, ...] = ()
    """One a threshold; empty for class logits, and at chance."""
    flips: tuple[Flips, ...] = ()
    """One a difficulty that the frames serve; of perturbations alone."""


class Sink(Protocol):
    """Where a unit's checkpoints and results go. Every call returns after the data is safe."""

    def load_last(self) -> State | None:
        """The furthest state that any earlier attempt saved; None to begin at the beginning."""
        ...

    def save_last(self, state: State) -> None:
        """Replace this attempt's `last` checkpoint, as a whole."""
        ...

    def load_start(self, start: Parent | WeightsFile) -> State | None:
        """The weights to start from; None if the parent diverged before its first finite epoch."""
        ...

    def commit_training(self, outcome: Outcome, weights: State | None) -> None:
        """Make a finished training visible: the weights, then the tables, the trial's row last."""
        ...

    def load_trained(self) -> State | None:
        """This trial's kept weights; None if it diverged before its first finite epoch."""
        ...

    def commit_cells(self, cells: Sequence[Cell]) -> None:
        """Make finished evaluation cells visible, as one commit."""
        ...
