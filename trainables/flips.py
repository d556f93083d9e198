"""How often a network's answer changes within a perturbation sequence, counted on the device.

Hendrycks and Dietterich 2019, section 4.2, as the released evaluation computes it. A pair is a frame and its reference:
the first frame of independent noise, else the frame `difficulty` steps before it, whatever its phase. Sequences of one
perturbation are equally long, so sums over pairs and sequences give the published mean over sequences of the mean over
pairs.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.records import Flips

CUTOFF = 5
"""Places beyond the fifth are all alike to the top-5 distance, and of fewer classes there is none."""
DIFFICULTIES = (1, 2, 3)


class FlipTally:
    """Sums over batches of sequences; the device is read once, by `counts`.

    Temporal frames serve all three difficulties, as strides. Harder noise is other frames: there the tally is of the
    one difficulty that they were made at.
    """

    def __init__(self, from_first: bool, difficulty: int = 1) -> None:
        self._from_first = from_first
        self._difficulties = (difficulty,) if from_first else DIFFICULTIES
        self._sequences = 0
        self._classes = 0
        self._pairs = dict.fromkeys(self._difficulties, 0)
        self._sums: dict[int, list[Tensor]] = {difficulty: [] for difficulty in self._difficulties}

    def add(self, logits: Tensor) -> None:
        """Count a batch of sequences: [N, T, classes], on any device."""
        rankings = Rankings.of(logits)
        self._sequences += len(logits)
        self._classes = logits.shape[-1]
        for difficulty in self._difficulties:
            pairs = rankings.from_first() if self._from_first else rankings.apart(difficulty)
            self._pairs[difficulty] += pairs.flips.numel()
            self._sums[difficulty].append(pairs.sums())

    def counts(self) -> tuple[Flips, ...]:
        """By difficulty, those of which the sequences have a pair."""
        return tuple(self._counted(difficulty) for difficulty, pairs in self._pairs.items() if pairs)

    def _counted(self, difficulty: int) -> Flips:
        flips, top5, zipf = torch.stack(self._sums[difficulty]).sum(0).tolist()
        return Flips(
            difficulty=difficulty,
            sequences=self._sequences,
            pairs=self._pairs[difficulty],
            flips=int(flips),
            top5_distance_sum=int(top5) if self._classes >= CUTOFF else None,
            zipf_distance_sum=zipf,
        )


@dataclass(frozen=True)
class Pairs:
    """Changes from references to frames, each [N, pairs]."""

    flips: Tensor
    sigma: Tensor
    """[N, pairs, classes], from 1: the place in the frame of the class in the reference's place i."""

    def sums(self) -> Tensor:
        """(flips, top-5 distance, Zipf distance) over all pairs: float64 [3], the first two whole."""
        parts = (self.flips, top5_distance(self.sigma), zipf_distance(self.sigma))
        return torch.stack([part.sum(dtype=torch.float64) for part in parts])


@dataclass(frozen=True)
class Rankings:
    """How frames rank the classes; equal logits by class index."""

    order: Tensor
    """int64 [N, T, classes]: the class in each place, the best first."""
    places: Tensor
    """int64 [N, T, classes]: the place of each class, 1 the best."""
    finite: Tensor
    """bool [N, T]: a frame whose logits are not finite ranks nothing."""

    @classmethod
    def of(cls, logits: Tensor) -> "Rankings":
        """Of [N, T, classes]."""
        order = logits.sort(dim=-1, descending=True, stable=True).indices
        places = torch.arange(1, logits.shape[-1] + 1, device=logits.device).expand_as(order)
        return cls(order, torch.empty_like(order).scatter_(-1, order, places), logits.isfinite().all(-1))

    def from_first(self) -> Pairs:
        """Every later frame against frame 0."""
        return self._pairs(slice(0, 1), slice(1, None))

    def apart(self, steps: int) -> Pairs:
        """Every frame from number `steps` on against the one that many before it."""
        return self._pairs(slice(0, -steps), slice(steps, None))

    def _pairs(self, references: slice, frames: slice) -> Pairs:
        """Where one of the two ranks nothing, the pair counts as a flip and as the whole order reversed."""
        places = self.places[:, frames]
        order = self.order[:, references].expand_as(places)
        known = self.finite[:, references] & self.finite[:, frames]
        sigma = torch.where(known[..., None], places.gather(-1, order), _reversed(places))
        return Pairs(flips=(sigma[..., 0] != 1) | ~known, sigma=sigma)


def _reversed(places: Tensor) -> Tensor:
    return torch.arange(places.shape[-1], 0, -1, device=places.device)


def guessed(sequences: int, frames: int, classes: int, from_first: bool, difficulty: int = 1) -> tuple[Flips, ...]:
    """What a network that orders the classes at random gets on average, flips and top-5 distances rounded.

    It stands for a trial that diverged before its first finite epoch. Over all cyclic shifts of an order every class
    comes to every place once, so that their mean is that of all orders.
    """
    places = torch.arange(classes)
    shifted = ((places + places[:, None]) % classes + 1)[None]
    flips, top5, zipf = (Pairs(flips=shifted[..., 0] != 1, sigma=shifted).sums() / classes).tolist()
    pairs = {difficulty: frames - 1} if from_first else {stride: frames - stride for stride in DIFFICULTIES}
    return tuple(
        Flips(
            difficulty=difficulty,
            sequences=sequences,
            pairs=sequences * each,
            flips=round(sequences * each * flips),
            top5_distance_sum=round(sequences * each * top5) if classes >= CUTOFF else None,
            zipf_distance_sum=sequences * each * zipf,
        )
        for difficulty, each in pairs.items()
        if each > 0
    )


def top5_distance(sigma: Tensor) -> Tensor:
    """d = Σ_{i ≤ 5} |min(i − 1, 5) − min(σ(i) − 1, 5)|: [..., classes] → int64 [...].

    The paper's double sum in closed form, with σ as the released code has it. Not symmetric: the first class falling to
    the last place gives 9, the last rising to the first 5.
    """
    before = torch.arange(CUTOFF, device=sigma.device)[: sigma.shape[-1]]
    return (before - (sigma[..., :CUTOFF] - 1).clamp(max=CUTOFF)).abs().sum(-1)


def zipf_distance(sigma: Tensor) -> Tensor:
    """Σᵢ (1/i) |1/i − 1/σ(i)| over all classes: [..., classes] → float64 [...]. In the released code only."""
    weights = 1 / torch.arange(1, sigma.shape[-1] + 1, dtype=torch.float64, device=sigma.device)
    return (weights * (weights - 1 / sigma.double()).abs()).sum(-1)
