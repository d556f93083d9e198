"""Tasks: what a network is trained for, and so what its outputs are and what counts as right."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainables.calibration import Calibration, calibration
from trainables.randomness import Key
from trainables.recipe import Measure
from trainables.records import Cell, Confidences, NearDuplicates
from trainables.triplets import distances, embeddings, fixed_others, fixed_triplets, hinge

TOP5_CLASSES = 6
"""The fewest classes for which top-5 says anything."""
THRESHOLDS = tuple(step / 100 for step in (*range(1, 20), *range(20, 100, 5), *range(100, 201, 10)))
"""Embedding distances up to which two images are taken for near-duplicates: to 2, the most there is, and denser below
0.2, where a large weight of the stability term draws all embeddings together."""

Outputs = Callable[[], Tensor]
"""Gives the network's outputs on the undistorted images of a split, [n, outputs], in index order."""


class Tally(ABC):
    """Counts and sums of one cell, gathered on the device and read once."""

    def __init__(self, condition_id: str) -> None:
        self.condition_id = condition_id

    @property
    @abstractmethod
    def empty(self) -> bool:
        """Whether no batch was counted yet."""

    @abstractmethod
    def add(self, outputs: Tensor, labels: Tensor) -> None:
        """Count a batch: outputs [n, outputs], labels [n]. An image whose outputs are not finite is wrong."""

    @abstractmethod
    def cell(self) -> Cell:
        """What all batches came to."""


class Task(ABC):
    """What a network is trained for."""

    measure: ClassVar[Measure]
    gives_logits: ClassVar[bool]
    """Whether the outputs are class logits: what attacks and perturbations are about."""

    @abstractmethod
    def outputs(self, classes: int) -> int:
        """How many the network's last layer has."""

    @abstractmethod
    def validate(self, model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[float, int]:
        """(mean loss, number right) over a whole split of (images, labels), the model in eval mode."""

    @abstractmethod
    def tally(self, condition_id: str, clean: Outputs) -> Tally:
        """What counts the outputs under a condition."""

    @abstractmethod
    def at_chance(self, n: int, classes: int) -> tuple[int, int | None]:
        """How many of n images guessing gets right, and how many in top-5; rounded."""


class Classification(Task):
    """Class logits; right is an image whose own class has the largest."""

    measure = "accuracy"
    gives_logits = True

    def outputs(self, classes: int) -> int:
        return classes

    def validate(self, model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[float, int]:
        loss: Tensor | float = 0.0
        correct: Tensor | int = 0
        n = 0
        for images, labels in batches:
            logits = model(images)
            loss = loss + F.cross_entropy(logits, labels, reduction="none").double().sum()
            correct = correct + (logits.argmax(1) == labels).sum()
            n += len(labels)
        return float(loss) / n, int(correct)

    def tally(self, condition_id: str, clean: Outputs) -> Tally:
        return LogitTally(condition_id)

    def at_chance(self, n: int, classes: int) -> tuple[int, int | None]:
        return round(n / classes), round(5 * n / classes) if classes >= TOP5_CLASSES else None


class LogitTally(Tally):
    """Of class logits."""

    def __init__(self, condition_id: str) -> None:
        super().__init__(condition_id)
        self.correct: list[Tensor] = []
        self.top5: list[Tensor] = []
        self.losses: list[Tensor] = []
        self.confidences: list[Tensor] = []
        self.bins: list[Calibration] = []

    @property
    def empty(self) -> bool:
        return not self.correct

    def add(self, outputs: Tensor, labels: Tensor) -> None:
        finite = outputs.isfinite().all(1)
        self.correct.append((outputs.argmax(1) == labels) & finite)
        if outputs.shape[1] >= TOP5_CLASSES:
            self.top5.append((outputs.topk(5).indices == labels[:, None]).any(1) & finite)
        self.losses.append(F.cross_entropy(outputs, labels, reduction="none").double())
        confidences = outputs.softmax(1).amax(1).double()
        self.confidences.append(confidences)
        self.bins.append(calibration(confidences, self.correct[-1]))

    def cell(self) -> Cell:
        correct = torch.cat(self.correct)
        return Cell(
            condition_id=self.condition_id,
            n=len(correct),
            correct=int(correct.sum()),
            top5_correct=int(torch.cat(self.top5).sum()) if self.top5 else None,
            loss_sum=_finite(torch.cat(self.losses)),
            confidence_sum=_finite(torch.cat(self.confidences)),
            at_chance=False,
            correct_bits=packed(correct),
            confidences=_confidences(sum(self.bins[1:], self.bins[0])),
        )


def _confidences(bins: Calibration) -> tuple[Confidences, ...]:
    columns = (bins.n.tolist(), bins.correct.tolist(), bins.confidence_sum.tolist())
    return tuple(
        Confidences(n=n, correct=correct, confidence_sum=total if math.isfinite(total) else None)
        for n, correct, total in zip(*columns, strict=True)
    )


@dataclass(frozen=True)
class Ranking(Task):
    """Embeddings of unit length; right is a query that lies nearer to an image of its class than to one of another.

    Every image is the query of one triplet, whose other two are undistorted and drawn once for each condition. Equal
    distances are wrong, so that embeddings that have all become one score nothing.
    """

    measure = "triplet ranking score"
    gives_logits = False

    dimensions: int
    margin: float
    """Of the hinge that is reported as the loss."""

    def outputs(self, classes: int) -> int:
        return self.dimensions

    def validate(self, model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[float, int]:
        found = [(model(images), labels) for images, labels in batches]
        clean, labels = embeddings(torch.cat([one for one, _ in found])), torch.cat([one for _, one in found])
        ranked = rank(clean, clean, labels, Key(("validation",)), self.margin)
        return float(ranked.losses.mean()), int(ranked.correct.sum())

    def tally(self, condition_id: str, clean: Outputs) -> Tally:
        return EmbeddingTally(condition_id, clean, self.margin)

    def at_chance(self, n: int, classes: int) -> tuple[int, int | None]:
        return round(n / 2), None


@dataclass(frozen=True)
class Ranked:
    """One entry a query."""

    correct: Tensor
    losses: Tensor
    """float64"""


def rank(queries: Tensor, clean: Tensor, labels: Tensor, key: Key, margin: float) -> Ranked:
    """Triplets of queries and clean embeddings [N, dimensions] of the same images, drawn with the key."""
    triplets = fixed_triplets(labels, key.child("triplets"))
    near, far = distances(queries, clean[triplets.positives]), distances(queries, clean[triplets.negatives])
    return Ranked(correct=near < far, losses=hinge(near, far, margin).double())


class EmbeddingTally(Tally):
    """Of embeddings, against those of the same images undistorted."""

    def __init__(self, condition_id: str, clean: Outputs, margin: float) -> None:
        super().__init__(condition_id)
        self.clean = clean
        self.margin = margin
        self.outputs: list[Tensor] = []
        self.labels: list[Tensor] = []

    @property
    def empty(self) -> bool:
        return not self.outputs

    def add(self, outputs: Tensor, labels: Tensor) -> None:
        self.outputs.append(outputs)
        self.labels.append(labels)

    def cell(self) -> Cell:
        shown, clean = embeddings(torch.cat(self.outputs)), embeddings(self.clean())
        key = Key((self.condition_id,))
        ranked = rank(shown, clean, torch.cat(self.labels), key, self.margin)
        return Cell(
            condition_id=self.condition_id,
            n=len(shown),
            correct=int(ranked.correct.sum()),
            top5_correct=None,
            loss_sum=_finite(ranked.losses),
            confidence_sum=None,
            at_chance=False,
            correct_bits=packed(ranked.correct),
            near_duplicates=near_duplicates(shown, clean, key),
        )


def near_duplicates(shown: Tensor, clean: Tensor, key: Key) -> tuple[NearDuplicates, ...]:
    """How many pairs of an image and its distorted copy, and of that copy and another image, lie within each threshold.

    After Zheng et al. 2016, to whom two images are near-duplicates where their embeddings lie within a threshold. The
    pairs are ours: as many of different images as of copies, one for each image, drawn with the key. A distance that
    is not finite lies within none.
    """
    other = fixed_others(len(clean), key.child("others")).to(clean.device)
    limits = torch.tensor(THRESHOLDS, device=clean.device)
    within = [(distances(shown, one)[:, None] <= limits).sum(0).tolist() for one in (clean, clean[other])]
    return tuple(
        NearDuplicates(threshold=threshold, pairs=len(clean), found=found, false_alarms=false)
        for threshold, found, false in zip(THRESHOLDS, *within, strict=True)
    )


def _finite(values: Tensor) -> float | None:
    total = float(values.sum())
    return total if math.isfinite(total) else None


def packed(correct: Tensor) -> bytes:
    """bool [N] → eight an octet, the first in the highest bit."""
    return np.packbits(correct.cpu().numpy()).tobytes()
