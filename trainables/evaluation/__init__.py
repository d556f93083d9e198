"""Evaluation: one trained model under many test conditions, from distorted images that every model shares."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby

import torch
from torch import Tensor, nn

from trainables.attacks import Attack
from trainables.datasets import Images, split_of
from trainables.evaluation import stability
from trainables.evaluation.attacked import attacked_count, attacking, quality_cells, sharing
from trainables.evaluation.sets import DistortedSets
from trainables.evaluation.shown import BATCH, CHUNK, floating, is_attack, motion_of, pixels, shown
from trainables.fit import build_model, data_set, place, task_of
from trainables.flips import FlipTally, guessed
from trainables.noise_stability import StabilityTest
from trainables.randomness import Key
from trainables.recipe import Component, Condition, Recipe, Split
from trainables.records import Cell, Flips, State
from trainables.sequence import build
from trainables.tasks import Tally, Task, packed

EVALUATION_REVISION = 1
"""Raised whenever evaluation's numbers change; part of every condition's identity."""

Look = Callable[[Condition, Tensor], None]
"""Takes the split's first image as a condition shows it: [C, H, W] in [0, 1], on the device; of a sequence its last
frame."""
Tallies = Callable[[Condition], Tally]
"""Gives what counts the outputs under a condition."""


def no_stages(_stages: Sequence[int]) -> None:
    """None was kept."""


def look_away(_condition: Condition, _image: Tensor) -> None:
    """Nobody looks."""


def trained_model(recipe: Recipe, weights: State, device: torch.device) -> nn.Module:
    """The recipe's network with `weights`, in eval mode on `device`."""
    torch.set_num_threads(recipe.threads)
    model = build_model(recipe)
    model.load_state_dict(dict(weights))
    return place(model, recipe, device).eval()


def exactly(recipe: Recipe) -> Recipe:
    """The recipe of the same network as adversarial quality meets it: in float32, and not compiled."""
    return replace(recipe, precision="float32", compile=False)


def evaluate(
    recipe: Recipe,
    weights: State | None,
    conditions: Sequence[Condition],
    sets: DistortedSets,
    device: torch.device | str = "cpu",
    look: Look = look_away,
    load: stability.Load = no_stages,
) -> Iterator[Cell]:
    """One cell a condition, in order, each yielded as soon as it is known; before that `look` is shown an image.

    `weights` None stands for a trial that diverged before its first finite epoch: it counts at chance, and shows none.
    `load` gives the weights at stages of its training, for tests of noise stability, where a trial that diverged at all
    counts at chance. Raises ValueError for an attack, a perturbation or such a test of a network that gives no class
    logits.
    """
    device, task = torch.device(device), task_of(recipe.method)
    if weights is None:
        yield from (_at_chance(task, condition, device) for condition in conditions)
        return
    model = trained_model(recipe, weights, device)
    exact = cache(lambda: trained_model(exactly(recipe), weights, device) if exactly(recipe) != recipe else model)
    examined = _Examined(recipe, model, sets, device, look, _tallies(task, model, device), exact, load)
    for (how, name, _), group in groupby(conditions, key=_sharing):
        if how is not _still and not task.gives_logits:
            raise ValueError(f"{name} is about class logits, and {recipe.method.name} trains embeddings")
        yield from how(examined, tuple(group))


@dataclass(frozen=True)
class _Examined:
    """A network, and what meets it."""

    recipe: Recipe
    model: nn.Module
    sets: DistortedSets
    device: torch.device
    look: Look
    tallies: Tallies
    exact: Callable[[], nn.Module]
    """The network in float32, and not compiled."""
    load: stability.Load

    @torch.no_grad()
    def outputs(self, images: Tensor) -> Tensor:
        """Of [N, C, H, W] in [0, 1]."""
        outputs: Tensor = self.model(images.contiguous(memory_format=torch.channels_last))
        return outputs


_Cells = Callable[[_Examined, Sequence[Condition]], Iterator[Cell]]


def _tallies(task: Task, model: nn.Module, device: torch.device) -> Tallies:
    """Tallies that share the outputs on undistorted images, found when the first of them asks."""

    @cache
    def clean(data: Component, split: Split) -> Tensor:
        images = split_of(data_set(data), split)
        starts = range(0, len(images), BATCH)
        shown = (floating(pixels(images, first, min(first + BATCH, len(images)), 0, device)) for first in starts)
        with torch.no_grad():
            return torch.cat([model(one) for one in shown])

    return lambda condition: task.tally(condition.condition_id, lambda: clean(condition.data, condition.split))


def _sharing(condition: Condition) -> tuple[_Cells, str, object]:
    """Equal for conditions that one pass can serve.

    A single attack at several levels, or in several variants; noise on the same images.
    """
    if condition.family == "attack":
        return _tried, condition.test_distortion.partition(" (")[0], sharing(condition)
    if condition.family == "noise_stability":
        return _in_noise, condition.test_distortion, StabilityTest.of(condition).choice
    if not is_attack(condition):
        how = _in_motion if condition.family == "perturbation" else _still
        return how, condition.test_distortion, condition.condition_id
    if len(condition.steps) > 1:
        return _attacked_in_turn, condition.test_distortion, condition.condition_id
    others = tuple(item for step in condition.steps for item in step.items if item[0] != condition.parameter)
    return _attacked, condition.test_distortion, others


def _tried(examined: _Examined, conditions: Sequence[Condition]) -> Iterator[Cell]:
    """Adversarial quality."""
    return quality_cells(examined.exact(), conditions, examined.device, examined.look)


def _still(examined: _Examined, conditions: Sequence[Condition]) -> Iterator[Cell]:
    """Images that do not depend on the network."""
    for condition in conditions:
        tally = examined.tallies(condition)
        for images, labels in examined.sets.batches(condition, examined.device):
            if tally.empty:
                examined.look(condition, images[0])
            tally.add(examined.outputs(images), labels)
        yield replace(tally.cell(), rendering=shown(condition).rendering(examined.device))


def _in_motion(examined: _Examined, conditions: Sequence[Condition]) -> Iterator[Cell]:
    """Sequences of a perturbation: right where every frame is, and how often the answer changes."""
    for condition in conditions:
        motion = motion_of(condition, data_set(condition.data).shape[1])
        flips, right = FlipTally(motion.from_first, motion.difficulty), list[Tensor]()
        for frames, labels in examined.sets.batches(condition, examined.device):
            if not right:
                examined.look(condition, frames[0, -1])
            logits = examined.outputs(frames.flatten(0, 1)).view(*frames.shape[:2], -1)
            flips.add(logits)
            right.append(((logits.argmax(-1) == labels[:, None]) & logits.isfinite().all(-1)).all(1))
        yield _cell_of_sequences(condition, torch.cat(right), flips.counts())


def _cell_of_sequences(condition: Condition, right: Tensor, flips: tuple[Flips, ...]) -> Cell:
    return Cell(
        condition_id=condition.condition_id,
        n=len(right),
        correct=int(right.sum()),
        top5_correct=None,
        loss_sum=None,
        confidence_sum=None,
        at_chance=False,
        correct_bits=packed(right),
        flips=flips,
    )


def _in_noise(examined: _Examined, conditions: Sequence[Condition]) -> Iterator[Cell]:
    """Noise of several strengths on the same images, at each stage of the training."""
    first, device = conditions[0], examined.device
    test, data = StabilityTest.of(first), data_set(first.data)
    reached, images = test.reached(examined.recipe), split_of(data, first.split)
    stages = examined.load(reached)
    if stages is None:
        yield from (_at_chance(task_of(examined.recipe.method), condition, device) for condition in conditions)
        return
    model = trained_model(examined.recipe, stages[0], device)
    stages = [{name: value.to(device) for name, value in weights.items()} for weights in stages]
    found = stability.eligible(model, stages, images, test, device)
    for condition in conditions:
        examined.look(condition, stability.noisy(images, [0], condition, device)[0, 0])
        counts = stability.changed(model, stages, images, found.chosen, condition, device)
        yield Cell(
            condition_id=condition.condition_id,
            n=len(images),
            correct=int(found.right.sum()),
            top5_correct=None,
            loss_sum=None,
            confidence_sum=None,
            at_chance=False,
            correct_bits=packed(found.right),
            noise_stability=stability.results(
                test, reached, len(data.class_names), images.labels, found.chosen, counts
            ),
        )


def _attacked(examined: _Examined, conditions: Sequence[Condition]) -> Iterator[Cell]:
    """One attack, at all levels from one pass."""
    first = conditions[0]
    images = split_of(data_set(first.data), first.split)
    attack = build(first.steps).steps[-1].distortion
    assert isinstance(attack, Attack)
    levels = tuple(build(condition.steps).steps[-1].level for condition in conditions)
    counted = [(condition, examined.tallies(condition)) for condition in conditions]
    for begin in range(0, len(images), CHUNK):
        source, labels = _source(images, begin, 0, examined.device)
        key = Key((first.split, first.test_distortion, first.seed, begin // CHUNK))
        attempts = attack.sweep(source, labels, examined.model, levels, key.generator(examined.device))
        for (condition, tally), attacked in zip(counted, attempts, strict=True):
            if tally.empty:
                examined.look(condition, attacked[0])
            tally.add(examined.outputs(attacked), labels)
    yield from (tally.cell() for _, tally in counted)


def _attacked_in_turn(examined: _Examined, conditions: Sequence[Condition]) -> Iterator[Cell]:
    """An attack among other steps, each condition by itself."""
    for condition in conditions:
        images, sequence = split_of(data_set(condition.data), condition.split), build(condition.steps)
        tally = examined.tallies(condition)
        for begin in range(0, len(images), CHUNK):
            source, labels = _source(images, begin, sequence.margin, examined.device)
            key = Key((condition.condition_id, begin // CHUNK))
            attacked = sequence.apply(source, labels, examined.model, key)
            if tally.empty:
                examined.look(condition, attacked[0])
            tally.add(examined.outputs(attacked), labels)
        yield tally.cell()


def _source(images: Images, first: int, margin: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """A chunk's images, float32 [n, C, H + 2 margin, W + 2 margin] in [0, 1], and labels."""
    last = min(first + CHUNK, len(images))
    source = pixels(images, first, last, margin, device).to(torch.float32).div_(255)
    return source, images.labels[first:last].to(device)


def _at_chance(task: Task, condition: Condition, device: torch.device) -> Cell:
    """What guessing gets, anew for every frame of a sequence."""
    data, tried = data_set(condition.data), condition.family == "attack"
    n = attacked_count(condition) if tried else len(split_of(data, condition.split))
    classes = len(data.class_names)
    correct, top5_correct = task.at_chance(n, classes)
    no_top5 = condition.family in ("perturbation", "attack", "noise_stability")
    motion = motion_of(condition, data.shape[1]) if condition.family == "perturbation" else None
    return Cell(
        condition_id=condition.condition_id,
        n=n,
        correct=0 if motion else correct,
        top5_correct=None if no_top5 else top5_correct,
        loss_sum=None,
        confidence_sum=None,
        at_chance=True,
        correct_bits=None,
        attacks=(attacking(condition).not_run(),) if tried else (),
        rendering=shown(condition).rendering(device) if condition.family == "corruption" else None,
        flips=guessed(n, motion.frames, classes, motion.from_first, motion.difficulty) if motion else (),
    )
