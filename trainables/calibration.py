"""Expected calibration error, from counts that add up over batches and cells.

Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3, with their 15 bins of equal width:
ECE = Σ_b n_b/n |accuracy_b − mean confidence_b|, bin b holding confidences in (b/15, (b+1)/15].
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 15


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Of BINS bins of confidence, from low to high."""

    n: Tensor
    """int64 [BINS]: images."""
    correct: Tensor
    """int64 [BINS]: those classified right."""
    confidence_sum: Tensor
    """float64 [BINS]: of their largest softmax probability. NaN in the last bin if one is not finite."""

    def __add__(self, other: "Calibration") -> "Calibration":
        return Calibration(
            n=self.n + other.n,
            correct=self.correct + other.correct,
            confidence_sum=self.confidence_sum + other.confidence_sum,
        )

    @property
    def error(self) -> float:
        """ECE in [0, 1]; NaN without images, and where a confidence was not finite."""
        total = int(self.n.sum())
        return float((self.correct - self.confidence_sum).abs().sum()) / total if total else math.nan


def calibration(confidences: Tensor, correct: Tensor) -> Calibration:
    """Largest softmax probabilities [N] and whether their class was right, bool [N]; stays on the device."""
    values = confidences.double()
    edges = torch.arange(1, BINS, dtype=torch.float64, device=values.device) / BINS
    member = torch.bucketize(values, edges)[:, None] == torch.arange(BINS, device=values.device)
    return Calibration(
        n=member.sum(0),
        correct=(member & correct[:, None]).sum(0),
        confidence_sum=torch.where(member, values[:, None], 0.0).sum(0),
    )
