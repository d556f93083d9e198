"""What a condition shows of a data set's images: under a sequence of distortions, a corruption, or in motion.

Draws are keyed by (condition, chunk of images by index), so nothing depends on batch size, order or worker. What
corrupts bytes gives bytes, which is how it is kept; what computes in [0, 1] gives single precision.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainables.corruptions import corruptions, table_of
from trainables.datasets import Images
from trainables.evaluation.files import CorruptedFiles
from trainables.fit import data_set
from trainables.jpeg import codec_of, jpeg85
from trainables.parameters import Value
from trainables.perturbations import Perturbation, perturbations
from trainables.randomness import Key
from trainables.recipe import Condition
from trainables.sequence import build

CHUNK = 100
"""Images that share one generator when a test set is distorted."""
MOVING_CHUNK = 20
"""Images whose frames do."""
BATCH = 5 * CHUNK
"""Images in one forward pass; of sequences, the frames of one chunk."""

Show = Callable[[Images, int, int, torch.device, Key], Tensor]
"""(images, first, last, device, key) → what the condition shows of images `first` up to `last`."""


@dataclass(frozen=True)
class Shown:
    """How a condition shows images."""

    show: Show
    """Gives [n, C, H, W], of sequences [n, T, C, H, W]: of `dtype`, float32 in [0, 1]."""
    dtype: torch.dtype = torch.uint8
    chunk: int = CHUNK
    """Images that one call shows; the last fewer."""
    batch: int = BATCH
    """Images that a model meets in one forward pass, a multiple of `chunk`."""
    rendering: Callable[[torch.device], str | None] = lambda _device: None
    """What `trainables.records.Cell` says of it, on a device."""

    def of(self, condition: Condition, images: Images, device: torch.device, first: int, last: int) -> Tensor:
        """Images `first`, a multiple of `chunk`, up to `last`."""
        begins = range(first, last, self.chunk)
        return torch.cat([self._chunk(condition, images, device, begin, last) for begin in begins])

    def _chunk(self, condition: Condition, images: Images, device: torch.device, begin: int, last: int) -> Tensor:
        key = Key((condition.condition_id, begin // self.chunk))
        return self.show(images, begin, min(begin + self.chunk, last), device, key)


def is_attack(condition: Condition) -> bool:
    """Whether what it shows depends on the network."""
    if condition.family in ("attack", "noise_stability"):
        return True
    return condition.family in ("clean", "sweep") and build(condition.steps).is_attack


def shown(condition: Condition) -> Shown:
    """How `condition` shows images; attacks, which need a model, are not shown so."""
    return {"corruption": _corrupted, "perturbation": _moving}.get(condition.family, _distorted)(condition)


def floating(images: Tensor) -> Tensor:
    """Any images, as models take them: float32 in [0, 1], channels-last."""
    scaled = images.to(torch.float32).div_(255) if images.dtype == torch.uint8 else images
    stills = scaled.flatten(0, -4).contiguous(memory_format=torch.channels_last)
    return stills.view(*images.shape[:-3], *stills.shape[1:])


def pixels(images: Images, first: int, last: int, margin: int, device: torch.device) -> Tensor:
    """uint8 [n, C, H + 2 margin, W + 2 margin]."""
    cut = images.border - margin
    height, width = images.pixels.shape[2:]
    return images.pixels[first:last, :, cut : height - cut, cut : width - cut].to(device)


def _distorted(condition: Condition) -> Shown:
    sequence = build(condition.steps)

    def show(images: Images, first: int, last: int, device: torch.device, key: Key) -> Tensor:
        source = pixels(images, first, last, sequence.margin, device).to(torch.float32).div_(255)
        labels = images.labels[first:last].to(device)
        return sequence.apply(source, labels, _NO_MODEL, key).contiguous(memory_format=torch.channels_last)

    return Shown(show, dtype=torch.float32)


_NO_MODEL = nn.Identity()
"""Distortions never look at it; attacks, which do, are not cached."""


def _from_files(condition: Condition) -> Shown:
    files, data = CorruptedFiles.of(condition.steps[0]), data_set(condition.data)

    def show(images: Images, first: int, last: int, device: torch.device, key: Key) -> Tensor:
        return files.pixels(data, first, last).to(device)

    return Shown(show, rendering=lambda _device: files.rendering)


def _corrupted(condition: Condition) -> Shown:
    (step,) = condition.steps
    if "files" in step.parameters:
        return _from_files(condition)
    given = dict(step.parameters)
    severity, table, as_files = _whole(given.pop("severity")), given.pop("table", None), given.pop("jpeg85", False)
    corruption = corruptions.get(step.name)(**given)
    compresses = step.name == "jpeg_compression" or bool(as_files)

    def show(images: Images, first: int, last: int, device: torch.device, key: Key) -> Tensor:
        source = pixels(images, first, last, 0, device).contiguous()
        corrupted = corruption.apply(source, severity, key.generator(device), _table(table))
        return jpeg85(corrupted) if as_files else corrupted

    def rendering(device: torch.device) -> str | None:
        codec = codec_of(torch.empty(0, device=device), given.get("codec", "auto"))  # type: ignore[arg-type]
        said = f"{codec} at 85" if as_files else codec
        return said if compresses else None

    return Shown(show, rendering=rendering)


@dataclass(frozen=True)
class Motion:
    """What a perturbation's sequences are, apart from their images."""

    perturbation: Perturbation
    table: int
    difficulty: int

    @property
    def frames(self) -> int:
        return self.perturbation.length(self.perturbation.setting(self.table, self.difficulty))

    @property
    def from_first(self) -> bool:
        """Whether frames are compared with the first."""
        return self.perturbation.from_first


def motion_of(condition: Condition, side: int) -> Motion:
    """The sequences of a condition of the family `perturbation`, of images that are `side` pixels wide."""
    (step,) = condition.steps
    given = dict(step.parameters)
    difficulty, table = given.pop("difficulty", 1), given.pop("table", None)
    return Motion(perturbations.get(step.name)(**given), _table(table) or table_of(side), _whole(difficulty))


def frames_of(condition: Condition) -> int:
    """Images that a network meets for one of the split's: 1, or the frames of its sequence."""
    return motion_of(condition, data_set(condition.data).shape[1]).frames if condition.family == "perturbation" else 1


def _moving(condition: Condition) -> Shown:
    def show(images: Images, first: int, last: int, device: torch.device, key: Key) -> Tensor:
        side = min(images.shape[1:])
        motion, source = motion_of(condition, side), pixels(images, first, last, images.border, device)
        generator = key.generator(device)
        return motion.perturbation.sequence(source, side, generator, motion.table, motion.difficulty)

    return Shown(show, chunk=MOVING_CHUNK, batch=MOVING_CHUNK)


def _table(value: Value) -> int | None:
    return None if value is None else _whole(value)


def _whole(value: Value) -> int:
    assert isinstance(value, int)
    return value
