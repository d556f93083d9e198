"""Evaluation under the attacks that adversarial quality is measured by."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainables.adversarial_quality import Align, QualityTally, attack_block, block_size, chunks
from trainables.datasets import Images, split_of
from trainables.evaluation.shown import pixels
from trainables.fit import data_set
from trainables.parameters import Value
from trainables.quality import QualityAttack, Tried, quality_attacks
from trainables.randomness import Key
from trainables.recipe import Condition
from trainables.records import AttackCounts, Cell
from trainables.tasks import packed


@dataclass(frozen=True)
class Attacking:
    """What a condition of the family `attack` says."""

    name: str
    attack: QualityAttack
    variant: Value
    align: Align
    images: int | None
    """How many of the split's first images are attacked; None for all."""

    @property
    def told(self) -> str | None:
        """The variant, where it is no level."""
        return self.variant if isinstance(self.variant, str) else None

    def tally(self) -> QualityTally:
        return QualityTally(self.name, self.told, self.align)

    def not_run(self) -> AttackCounts:
        """Of a trial that has no network."""
        return AttackCounts(
            attack=self.name, variant=self.told, attempts=0, successes=0, blank=None, linf_sum=None,
            linf_square_sum=None, pass_sum=None, pass_square_sum=None, pass_unaligned_sum=None,
            pass_unaligned_square_sum=None,
        )  # fmt: skip


def attacking(condition: Condition) -> Attacking:
    """The attack of a condition of that family."""
    (step,) = condition.steps
    given = dict(step.parameters)
    kind = quality_attacks.get(step.name)
    variant, align, images = given.pop(kind.variant.name), given.pop("align", "none"), given.pop("images", None)
    return Attacking(step.name, kind(**given), variant, align, images)  # type: ignore[arg-type]


def attacked_count(condition: Condition) -> int:
    """How many images are attacked."""
    there, asked = len(split_of(data_set(condition.data), condition.split)), attacking(condition).images
    return there if asked is None else min(asked, there)


def sharing(condition: Condition) -> object:
    """Equal for conditions of one attack that differ in the variant alone."""
    (step,) = condition.steps
    variant = quality_attacks.get(step.name).variant.name
    return step.name, tuple(item for item in step.items if item[0] != variant)


def quality_cells(
    network: nn.Module,
    conditions: Sequence[Condition],
    device: torch.device,
    look: Callable[[Condition, Tensor], None],
) -> Iterator[Cell]:
    """One cell a condition, of one attack in several variants; the network computes in float32, in eval mode."""
    first = conditions[0]
    images, said = split_of(data_set(first.data), first.split), [attacking(one) for one in conditions]
    tallies, variants = [one.tally() for one in said], [one.variant for one in said]
    count = attacked_count(first)
    size = block_size(images.pixels[:1])
    for begin in range(0, count, size):
        some, labels = _block(images, begin, min(begin + size, count), device)
        keys = [Key((first.split, said[0].name, first.seed, chunk)) for chunk in chunks(begin, begin + len(some))]
        blocks = attack_block(said[0].attack, network, some, labels, variants, keys)
        for condition, tally, (right, tried) in zip(conditions, tallies, blocks, strict=True):
            tally.add(some, right, tried)
            if not begin:
                look(condition, _first(some, right, tried))
    for condition, tally in zip(conditions, tallies, strict=True):
        yield _cell(condition, tally)


def _block(images: Images, first: int, last: int, device: torch.device) -> tuple[Tensor, Tensor]:
    some = pixels(images, first, last, 0, device).contiguous(memory_format=torch.channels_last)
    return some, images.labels[first:last].to(device)


def _first(images: Tensor, right: Tensor, tried: Tried) -> Tensor:
    """The first image in [0, 1], attacked where that changes its label."""
    changed = bool(right[0]) and bool(tried.success[0])
    return (tried.adversarial if changed else images)[0].float() / 255


def _cell(condition: Condition, tally: QualityTally) -> Cell:
    withstood = tally.withstood
    return Cell(
        condition_id=condition.condition_id,
        n=len(withstood),
        correct=int(withstood.sum()),
        top5_correct=None,
        loss_sum=None,
        confidence_sum=None,
        at_chance=False,
        correct_bits=packed(withstood),
        attacks=(tally.counts(),),
    )
