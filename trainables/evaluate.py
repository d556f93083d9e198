"""Evaluation: one trained model under many test conditions, from distorted images that every model shares.

Draws are keyed by (condition, chunk of 100 images by index), so nothing depends on batch size, order or worker.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby

import torch
from torch import Tensor, nn

from trainables.attacks import Attack
from trainables.datasets import Images, split_of
from trainables.fit import build_model, data_set, place, task_of
from trainables.randomness import Key
from trainables.recipe import Component, Condition, Recipe, Split
from trainables.records import Cell, State
from trainables.sequence import build
from trainables.tasks import Tally, Task

EVALUATION_REVISION = 1
"""Raised whenever evaluation's numbers change; part of every condition's identity."""

CHUNK = 100
"""Images that share one generator when a test set is distorted."""
BATCH = 5 * CHUNK
"""Images in one forward pass."""

Look = Callable[[Condition, Tensor], None]
"""Takes the split's first image as a condition shows it: [C, H, W] in [0, 1], on the device."""
Tallies = Callable[[Condition], Tally]
"""Gives what counts the outputs under a condition."""


def look_away(_condition: Condition, _image: Tensor) -> None:
    """Nobody looks."""


class DistortedSets:
    """Distorted test sets kept on a device for the models to come, the least recently used dropped first."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        """Bytes to keep at most."""
        self._kept: OrderedDict[tuple[Condition, str], Tensor] = OrderedDict()

    def batches(self, condition: Condition, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
        """(images [n, C, H, W] in [0, 1], labels [n]) of the condition, in index order, BATCH at a time."""
        images = split_of(data_set(condition.data), condition.split)
        kept = self._whole(condition, images, device)
        for index in torch.split(torch.arange(len(images)), BATCH):
            first, last = int(index[0]), int(index[-1]) + 1
            shown = kept[first:last] if kept is not None else _distorted(condition, images, device, first, last)
            yield shown, images.labels[first:last].to(device)

    def _whole(self, condition: Condition, images: Images, device: torch.device) -> Tensor | None:
        size = len(images) * math.prod(images.shape) * torch.float32.itemsize
        if size > self.budget:
            return None
        place = (condition, str(device))
        if place not in self._kept:
            self._kept[place] = _distorted(condition, images, device, 0, len(images))
            while sum(kept.numel() * kept.element_size() for kept in self._kept.values()) > self.budget:
                self._kept.popitem(last=False)
        self._kept.move_to_end(place)
        return self._kept[place]


def _distorted(condition: Condition, images: Images, device: torch.device, first: int, last: int) -> Tensor:
    """Images `first` (a multiple of CHUNK) up to `last` under the condition's distortions, channels-last."""
    sequence = build(condition.steps)
    chunks = []
    for begin in range(first, last, CHUNK):
        source, labels = _source(images, begin, min(begin + CHUNK, last), sequence.margin, device)
        key = Key((condition.condition_id, begin // CHUNK))
        chunks.append(sequence.apply(source, labels, _NO_MODEL, key))
    return torch.cat(chunks).contiguous(memory_format=torch.channels_last)


def _source(images: Images, first: int, last: int, margin: int, device: torch.device) -> tuple[Tensor, Tensor]:
    cut = images.border - margin
    height, width = images.pixels.shape[2:]
    pixels = images.pixels[first:last, :, cut : height - cut, cut : width - cut].to(device)
    return pixels.to(torch.float32).div_(255), images.labels[first:last].to(device)


_NO_MODEL = nn.Identity()
"""Distortions never look at it; attacks, which do, are not cached."""


def trained_model(recipe: Recipe, weights: State, device: torch.device) -> nn.Module:
    """The recipe's network with `weights`, in eval mode on `device`."""
    torch.set_num_threads(recipe.threads)
    model = build_model(recipe)
    model.load_state_dict(dict(weights))
    return place(model, recipe, device).eval()


def evaluate(
    recipe: Recipe,
    weights: State | None,
    conditions: Sequence[Condition],
    sets: DistortedSets,
    device: torch.device | str = "cpu",
    look: Look = look_away,
) -> Iterator[Cell]:
    """One cell a condition, in order, each yielded as soon as it is known; before that `look` is shown an image.

    `weights` None stands for a trial that diverged before its first finite epoch: it counts at chance, and shows none.
    Raises ValueError for an attack on a network that gives no class logits.
    """
    device, task = torch.device(device), task_of(recipe.method)
    if weights is None:
        yield from (_at_chance(task, condition) for condition in conditions)
        return
    model = trained_model(recipe, weights, device)
    tallies = _tallies(task, model, device)
    for (is_attack, name, _), group in groupby(conditions, key=_sharing):
        if is_attack and not task.takes_attacks:
            raise ValueError(f"{name} attacks class logits, and {recipe.method.name} trains embeddings")
        together = tuple(group)
        cells = _attacked if is_attack else _shown
        yield from cells(model, together, sets, device, look, tallies)


def _tallies(task: Task, model: nn.Module, device: torch.device) -> Tallies:
    """Tallies that share the outputs on undistorted images, found when the first of them asks."""

    @cache
    def clean(data: Component, split: Split) -> Tensor:
        images = split_of(data_set(data), split)
        starts = range(0, len(images), BATCH)
        shown = (_source(images, first, min(first + BATCH, len(images)), 0, device)[0] for first in starts)
        return torch.cat([_outputs(model, one) for one in shown])

    return lambda condition: task.tally(condition.condition_id, lambda: clean(condition.data, condition.split))


def _sharing(condition: Condition) -> tuple[bool, str, object]:
    """Equal for conditions that one pass can serve: a single attack at several levels."""
    lone = len(condition.steps) == 1 and build(condition.steps).is_attack
    others = tuple(item for step in condition.steps for item in step.items if item[0] != condition.parameter)
    return build(condition.steps).is_attack, condition.test_distortion, others if lone else condition.condition_id


def _shown(
    model: nn.Module,
    conditions: Sequence[Condition],
    sets: DistortedSets,
    device: torch.device,
    look: Look,
    tallies: Tallies,
) -> Iterator[Cell]:
    for condition in conditions:
        tally = tallies(condition)
        for images, labels in sets.batches(condition, device):
            if tally.empty:
                look(condition, images[0])
            tally.add(_outputs(model, images), labels)
        yield tally.cell()


def _attacked(
    model: nn.Module,
    conditions: Sequence[Condition],
    sets: DistortedSets,
    device: torch.device,
    look: Look,
    tallies: Tallies,
) -> Iterator[Cell]:
    """The attack at the end of each condition's steps, after its distortions, at all levels from one pass."""
    first = conditions[0]
    images = split_of(data_set(first.data), first.split)
    sequence = build(first.steps)
    attack = sequence.steps[-1].distortion
    if not isinstance(attack, Attack) or len(sequence.steps) > 1:
        for condition in conditions:
            yield _attacked_sequence(model, condition, images, device, look, tallies(condition))
        return
    levels = tuple(build(condition.steps).steps[-1].level for condition in conditions)
    counted = [(condition, tallies(condition)) for condition in conditions]
    for begin in range(0, len(images), CHUNK):
        source, labels = _source(images, begin, min(begin + CHUNK, len(images)), 0, device)
        generator = Key((first.split, first.test_distortion, first.seed, begin // CHUNK)).generator(device)
        shown = attack.sweep(source, labels, model, levels, generator)
        for (condition, tally), attacked in zip(counted, shown, strict=True):
            if tally.empty:
                look(condition, attacked[0])
            tally.add(_outputs(model, attacked), labels)
    yield from (tally.cell() for _, tally in counted)


def _attacked_sequence(
    model: nn.Module, condition: Condition, images: Images, device: torch.device, look: Look, tally: Tally
) -> Cell:
    sequence = build(condition.steps)
    for begin in range(0, len(images), CHUNK):
        source, labels = _source(images, begin, min(begin + CHUNK, len(images)), sequence.margin, device)
        attacked = sequence.apply(source, labels, model, Key((condition.condition_id, begin // CHUNK)))
        if tally.empty:
            look(condition, attacked[0])
        tally.add(_outputs(model, attacked), labels)
    return tally.cell()


@torch.no_grad()
def _outputs(model: nn.Module, images: Tensor) -> Tensor:
    outputs: Tensor = model(images.contiguous(memory_format=torch.channels_last))
    return outputs


def _at_chance(task: Task, condition: Condition) -> Cell:
    data = data_set(condition.data)
    n = len(split_of(data, condition.split))
    correct, top5_correct = task.at_chance(n, len(data.class_names))
    return Cell(
        condition_id=condition.condition_id,
        n=n,
        correct=correct,
        top5_correct=top5_correct,
        loss_sum=None,
        confidence_sum=None,
        at_chance=True,
        correct_bits=None,
    )
