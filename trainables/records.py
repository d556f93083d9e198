"""What training and evaluation yield: plain frozen records, handed to a `Sink`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trainables.recipe import Counts, Parent, WeightsFile

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
class AttackCounts:
    """One adversarial-quality attack on one network: counts over the images that it classifies right, and sums over
    the successes. Sums are None where the network was not attacked."""

    attack: str
    variant: str | None
    """The rule or the mode; None where a condition's level says what sets it apart."""
    attempts: int
    """Images that the network classifies right."""
    successes: int
    """Of those, images that it calls something else once attacked."""
    blank: int | None
    """Attempts without a direction; None for an attack that need not have one."""
    linf_sum: float | None
    """Of the largest change of a pixel, in [0, 255]."""
    linf_square_sum: float | None
    pass_sum: float | None
    """Of the similarity with the original after alignment; None without alignment."""
    pass_square_sum: float | None
    pass_unaligned_sum: float | None
    """Of the similarity with the original as it is."""
    pass_unaligned_square_sum: float | None

    @property
    def rate(self) -> float:
        """Successes per attempt, in [0, 1]; NaN without attempts."""
        return self.successes / self.attempts if self.attempts else math.nan

    @property
    def linf(self) -> tuple[float, float]:
        """Mean and standard deviation over the successes; NaN without any."""
        return self._moments(self.linf_sum, self.linf_square_sum)

    @property
    def similarity(self) -> tuple[float, float]:
        """PASS, mean and standard deviation over the successes; NaN without any, or without alignment."""
        return self._moments(self.pass_sum, self.pass_square_sum)

    @property
    def unaligned_similarity(self) -> tuple[float, float]:
        """PASS without alignment, mean and standard deviation over the successes; NaN without any."""
        return self._moments(self.pass_unaligned_sum, self.pass_unaligned_square_sum)

    def _moments(self, total: float | None, squares: float | None) -> tuple[float, float]:
        if not self.successes or total is None or squares is None:
            return math.nan, math.nan
        mean = total / self.successes
        return mean, math.sqrt(max(squares / self.successes - mean**2, 0.0))


@dataclass(frozen=True, kw_only=True)
class NoiseStability:
    """How often random noise changes a network's answers at one stage of its training, image by image.

    All stages of a test have the same images: those that come first in each class among the ones that the network has
    right, without noise, at all tested stages.
    """

    stage: int
    counts: Counts
    """What the stage is counted in."""
    draws: int
    """Noisy copies of each image."""
    classes: int
    """Of the data set."""
    per_class: int
    """Images of a class that are compared; `images` may hold more, to choose from for a pair of networks."""
    images: tuple[int, ...]
    """Indices in the split, ascending."""
    labels: tuple[int, ...]
    """The class of each."""
    changed: tuple[int, ...]
    """Of each, the noisy copies that are not given its label."""

    @property
    def role(self) -> str:
        """The checkpoint: `stage-500`."""
        return f"stage-{self.stage}"


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
    perturbation it stands for its sequence, which is right where every frame is. Of an adversarial-quality attack it
    is right where the network has it right and the attack does not succeed; of a test of noise stability, where it is
    right without noise at every tested stage.
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
    attacks: tuple[AttackCounts, ...] = ()
    """One, of a condition of the family `attack` alone."""
    noise_stability: tuple[NoiseStability, ...] = ()
    """One a tested stage; of a test of noise stability alone."""


class Sink(Protocol):
    """Where a unit's checkpoints and results go. Every call returns after the data is safe."""

    def load_last(self) -> State | None:
        """The furthest state that any earlier attempt saved; None to begin at the beginning."""
        ...

    def save_last(self, state: State) -> None:
        """Replace this attempt's `last` checkpoint, as a whole."""
        ...

    def keep_stage(self, stage: int, weights: State) -> None:
        """Keep the weights after so many epochs or iterations, as a whole; before any later state is saved."""
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

    def load_stages(self, stages: Sequence[int]) -> Sequence[State] | None:
        """This trial's weights after each of these; None if it diverged, and so has not all of them."""
        ...

    def commit_cells(self, cells: Sequence[Cell]) -> None:
        """Make finished evaluation cells visible, as one commit."""
        ...
