"""Adversarial quality, as BANG measures it: how many attacks succeed, how far they had to go, and how it shows.

Rozsa, Günther, Boult 2016, Section 2: rates over the images that a network classifies right; over the successes L∞ in
pixels of 0 to 255, and PASS (Rozsa, Rudd, Boult 2016), the structural similarity with the original once the attacked
image is aligned with it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from trainables.alignment import aligned
from trainables.line_search import all_logits, is_right
from trainables.parameters import Value
from trainables.quality import CHUNK, QualityAttack, Tried
from trainables.randomness import Key
from trainables.records import AttackCounts
from trainables.similarity import ssim

Align = Literal["none", "ecc"]
"""Whether PASS is also measured with alignment."""
BLOCK_BYTES = 2**28
"""What the directions of the images that are attacked together take at most, in float64."""
COMPARED = 500
"""Images whose similarity is computed together."""


class QualityTally:
    """One variant of an attack on one network, gathered on the device and read once."""

    def __init__(self, attack: str, variant: str | None, align: Align) -> None:
        self.attack = attack
        self.variant = variant
        self.align = align
        self.right: list[Tensor] = []
        self.success: list[Tensor] = []
        self.blank: list[Tensor | None] = []
        self.distances: list[Tensor] = []
        self.similarities: list[Tensor] = []
        self.aligned: list[Tensor] = []

    def add(self, images: Tensor, right: Tensor, tried: Tried) -> None:
        """A block: images [N, C, H, W] of which the `right` ones [N] were tried."""
        self.right.append(right)
        self.success.append(tried.success)
        self.blank.append(tried.blank)
        successes = zip(*(torch.split(one, COMPARED) for one in _successes(images[right], tried)), strict=True)
        for originals, adversarial in successes:
            self.distances.append((adversarial - originals).abs().amax(dim=(1, 2, 3)).double())
            self.similarities.append(ssim(adversarial, originals))
            if self.align == "ecc":
                self.aligned.append(ssim(aligned(adversarial, originals), originals))

    @property
    def withstood(self) -> Tensor:
        """[n] bool: the images that are right and stay so."""
        right, success = torch.cat(self.right), torch.cat(self.success)
        return right.masked_scatter(right, ~success)

    def counts(self) -> AttackCounts:
        """What all blocks came to."""
        blank = [one for one in self.blank if one is not None]
        linf, unaligned, with_alignment = map(_moments, (self.distances, self.similarities, self.aligned))
        return AttackCounts(
            attack=self.attack,
            variant=self.variant,
            attempts=sum(len(one) for one in self.success),
            successes=int(torch.cat(self.success).sum()),
            blank=int(torch.cat(blank).sum()) if blank else None,
            linf_sum=linf[0],
            linf_square_sum=linf[1],
            pass_sum=with_alignment[0] if self.align == "ecc" else None,
            pass_square_sum=with_alignment[1] if self.align == "ecc" else None,
            pass_unaligned_sum=unaligned[0],
            pass_unaligned_square_sum=unaligned[1],
        )


def _successes(originals: Tensor, tried: Tried) -> tuple[Tensor, Tensor]:
    return originals[tried.success], tried.adversarial[tried.success]


def _moments(parts: Sequence[Tensor]) -> tuple[float, float]:
    """The sum and the sum of squares; 0 of nothing."""
    if not parts:
        return 0.0, 0.0
    values = torch.cat(list(parts))
    return float(values.sum()), float(values.square().sum())


def block_size(images: Tensor) -> int:
    """How many of these images [N, C, H, W] are attacked together: whole chunks."""
    return max(1, BLOCK_BYTES // (8 * images[0].numel() * CHUNK)) * CHUNK


def attack_block(
    attack: QualityAttack,
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    variants: Sequence[Value],
    keys: Sequence[Key],
) -> Iterator[tuple[Tensor, Tried]]:
    """One a variant, in order: which images the network has right [N], and what became of those.

    Images uint8 [N, C, H, W] and labels [N], on the network's device; `keys` one a CHUNK of them.
    """
    right = is_right(all_logits(network, images), labels)
    for tried in attack.tried(network, images, labels, right, variants, keys):
        yield right, tried


def quality(
    attack: QualityAttack,
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    variants: Sequence[Value] | None = None,
    align: Align = "none",
) -> tuple[AttackCounts, ...]:
    """One a variant, in order, of the attack's usual ones if none are given.

    Images uint8 [N, C, H, W] and labels [N], on the network's device. The network computes in float32 (its weights, no
    mixed precision), is attacked in eval mode, and comes back in the mode it was in. Raises ValueError for one that
    does not, ModuleNotFoundError for alignment without OpenCV.
    """
    chosen = attack.usual if variants is None else variants
    tallies = [QualityTally(attack.name(), str(variant), align) for variant in chosen]
    size = block_size(images)
    with _evaluating(network):
        for begin in range(0, len(images), size):
            some, theirs = images[begin : begin + size], labels[begin : begin + size]
            keys = [Key((attack.name(), chunk)) for chunk in chunks(begin, begin + len(some))]
            blocks = attack_block(attack, network, some, theirs, chosen, keys)
            for tally, (right, tried) in zip(tallies, blocks, strict=True):
                tally.add(some, right, tried)
    return tuple(tally.counts() for tally in tallies)


def chunks(first: int, last: int) -> range:
    """Numbers of the chunks that images `first`, a multiple of CHUNK, up to `last` are in."""
    return range(first // CHUNK, -(-last // CHUNK))


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)
