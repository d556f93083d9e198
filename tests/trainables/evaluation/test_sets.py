"""Test sets: made once, met by every model alike, wherever they are kept."""

import os
import shutil
import warnings
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.contracts.pictures import network
from trainables.corruptions import Corruption
from trainables.datasets import DataSet, Images, split_of
from trainables.evaluation import evaluate
from trainables.evaluation import sets as module
from trainables.evaluation.sets import DistortedSets, bytes_of, room
from trainables.evaluation.shown import BATCH, CHUNK, MOVING_CHUNK, Shown, floating, frames_of, shown
from trainables.fit import data_set
from trainables.recipe import Component, Condition, Family, Recipe, Split
from trainables.records import Cell

CPU = torch.device("cpu")
N, PIXELS = 230, 28 * 28
DATA = Component.of("mnist_5k", {"train": 200, "validation": 100, "test": N, "border": 0})
SMALLER = Component.of("mnist_5k", {"train": 200, "validation": 100, "test": 30, "border": 0})
RECIPE = Recipe(
    data=DATA, model=Component.of("small_cnn", {"width": 4}), method=Component.of("standard"), epochs=1, batch_size=40,
    optimizer=Component.of("sgd", {"lr": 0.05, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0}),
    schedule=Component.of("constant"),
)  # fmt: skip
PLENTY = 2**30


def condition(family: Family, name: str, data: Component = DATA, **parameters: float) -> Condition:
    steps = (Component.of(name, parameters),)
    return Condition(
        condition_id=f"{family} {name}", data=data, split="test", family=family, test_distortion=name,
        parameter=None, level=None, steps=steps,
    )  # fmt: skip


CORRUPTED = condition("corruption", "glass_blur", severity=3)
NOISY = condition("sweep", "gaussian_noise", sigma=0.3)
MOVING = condition("perturbation", "gaussian_noise", SMALLER, difficulty=2)
ATTACKED = condition("sweep", "fgsm", epsilon=0.1)
SHOWN = (CORRUPTED, NOISY, MOVING)


def batches(sets: DistortedSets, of: Condition) -> list[tuple[Tensor, Tensor]]:
    return list(sets.batches(of, CPU))


def equal(one: Sequence[tuple[Tensor, Tensor]], other: Sequence[tuple[Tensor, Tensor]]) -> bool:
    return all(
        torch.equal(a, b) and a.stride() == b.stride()
        for left, right in zip(one, other, strict=True)
        for a, b in zip(left, right, strict=True)
    )


@pytest.mark.parametrize("of", SHOWN, ids=lambda of: of.family)
def test_what_is_kept_is_what_would_be_made_anew(of: Condition) -> None:
    anew = batches(DistortedSets(0), of)
    for sets in (DistortedSets(PLENTY), DistortedSets(0, PLENTY)):
        assert equal(batches(sets, of), anew)
        assert equal(batches(sets, of), anew)


@pytest.mark.parametrize("of", SHOWN, ids=lambda of: of.family)
def test_models_get_floats_in_0_to_1_channels_last_in_index_order(of: Condition) -> None:
    found, side = batches(DistortedSets(PLENTY), of), 28
    images, labels = (torch.cat(part) for part in zip(*found, strict=True))
    assert images.dtype == torch.float32
    assert 0 <= images.min() < images.max() <= 1
    assert images.shape[1:] == ((31,) if of is MOVING else ()) + (1, side, side)
    assert found[0][0].flatten(0, -4).is_contiguous(memory_format=torch.channels_last)
    at_rest = split_of(data_set(of.data), "test")
    assert torch.equal(images, floating(shown(of).of(of, at_rest, CPU, 0, len(at_rest))))
    assert torch.equal(labels, at_rest.labels)
    assert {len(labels) for _, labels in found[:-1]} <= {MOVING_CHUNK if of is MOVING else BATCH}


@pytest.mark.parametrize("of", SHOWN, ids=lambda of: of.family)
def test_draws_depend_on_the_place_alone(of: Condition) -> None:
    """Neither on how many are asked for at once, nor on what was made before."""
    images, how = split_of(data_set(of.data), of.split), shown(of)
    whole = how.of(of, images, CPU, 0, len(images))
    chunks = [how.of(of, images, CPU, at, min(at + how.chunk, len(images))) for at in range(0, len(images), how.chunk)]
    backwards = [how.of(of, images, CPU, at, len(images)) for at in (how.chunk,)]
    assert torch.equal(torch.cat(chunks), whole)
    assert torch.equal(backwards[0], whole[how.chunk :])
    assert {MOVING_CHUNK, CHUNK} >= {how.chunk}


def test_memory_is_filled_first_then_the_disk_and_then_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = [condition("corruption", name, severity=3) for name in ("contrast", "brightness", "gaussian_blur")]
    made: list[str] = []
    apply = Corruption.apply

    def counted(self: Corruption, *given: object) -> Tensor:
        made.append(self.name())
        return apply(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Corruption, "apply", counted)
    size = N * PIXELS
    sets = DistortedSets(size, size + 1)
    for of in kinds:
        batches(sets, of)
    assert (sets.memory, sets.disk) == (0, 1)
    made.clear()
    for of in kinds:
        batches(sets, of)
    assert set(made) == {"gaussian_blur"}


def test_a_disk_that_has_got_full_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    sets = DistortedSets(0, PLENTY)
    assert equal(batches(sets, CORRUPTED), batches(DistortedSets(0), CORRUPTED))
    assert sets.disk == PLENTY


def test_a_second_model_meets_the_images_of_the_first_and_they_are_not_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sets = DistortedSets(PLENTY)
    first = cells(sets, seed=1)
    alone = cells(DistortedSets(0), seed=2)
    monkeypatch.setattr(Corruption, "apply", None)
    assert cells(sets, seed=2) == alone
    assert cells(sets, seed=1) == first
    assert first != alone


def test_cells_do_not_depend_on_the_order_of_the_conditions() -> None:
    found = cells(DistortedSets(PLENTY), seed=1)
    backwards = cells(DistortedSets(0, PLENTY), seed=1, of=SHOWN[::-1])
    assert found == backwards[::-1]


def cells(sets: DistortedSets, seed: int, of: Sequence[Condition] = SHOWN) -> list[Cell]:
    model = network(width=4)
    weights = {
        name: torch.randn(one.shape, generator=torch.Generator().manual_seed(seed)) / 8
        if one.is_floating_point() and "running" not in name else one
        for name, one in model.state_dict().items()
    }  # fmt: skip
    return list(evaluate(RECIPE, weights, of, sets))


def test_a_trial_that_diverged_counts_at_chance_and_makes_no_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Corruption, "apply", None)
    corrupted, _, moving = evaluate(RECIPE, None, SHOWN, DistortedSets(PLENTY))
    assert (corrupted.n, corrupted.correct, corrupted.at_chance) == (N, N // 10, True)
    assert (moving.n, moving.correct) == (30, 0)  # 31 frames are never all right by chance
    assert moving.flips[0].flip_probability == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("of", SHOWN, ids=lambda of: of.family)
def test_what_a_set_takes_is_known_before_it_is_made(of: Condition) -> None:
    sets = DistortedSets(PLENTY)
    batches(sets, of)
    assert PLENTY - sets.memory == bytes_of(of)
    assert bytes_of(of) == {
        CORRUPTED: N * PIXELS, NOISY: 4 * N * PIXELS, MOVING: 30 * 31 * PIXELS,
    }[of]  # fmt: skip
    assert frames_of(of) == (31 if of is MOVING else 1)


def test_an_attack_makes_its_own() -> None:
    assert bytes_of(ATTACKED) == 0


def test_room_is_shared_among_the_workers_of_a_node(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")(2**40, 0, 2**36)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(module, "_free_host_memory", lambda: 2**32)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    whole, half = room(CPU, 4, 0), room(CPU, 2, 0)
    assert (whole.memory, whole.disk) == (2**30, 2**34)
    assert (half.memory, half.disk) == (2**29, 2**33)
    assert half.bytes == half.memory + half.disk
    assert room(CPU, 64, 0) == whole


def test_a_set_that_fails_half_way_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    sets, whole = DistortedSets(PLENTY), batches(DistortedSets(0), MOVING)
    with monkeypatch.context() as failing:
        failing.setattr(Shown, "of", failing_after(MOVING_CHUNK))
        with pytest.raises(OSError, match="unreadable"):
            batches(sets, MOVING)
    assert sets.memory == PLENTY
    assert equal(batches(sets, MOVING), whole)


def failing_after(images: int) -> Callable[..., Tensor]:
    """`Shown.of`, whose files end after so many images."""
    original = Shown.of

    def of(how: Shown, condition: Condition, there: Images, device: torch.device, first: int, last: int) -> Tensor:
        if last > images:
            raise OSError("unreadable")
        return original(how, condition, there, device, first, last)

    return of


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The images lie in files that are mapped; writing to one would end this process."""
    kind, images = type(data_set(DATA)), count()
    load = kind.load

    def mapped(self: DataSet, split: Split) -> Images:
        loaded = load(self, split)
        file = tmp_path / str(next(images))
        file.write_bytes(loaded.pixels.contiguous().numpy().tobytes())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            pixels = torch.from_numpy(np.memmap(file, np.uint8, "r", shape=tuple(loaded.pixels.shape)))
        return Images(pixels, loaded.labels, loaded.border)

    monkeypatch.setattr(kind, "load", mapped)
    split_of.cache_clear()
    yield
    split_of.cache_clear()
    assert next(images)


def cells_of_all() -> list[Cell]:
    model, every = network("small_cnn", width=4), (*SHOWN, ATTACKED, condition("clean", "rotation", degrees=0.0))
    return list(evaluate(RECIPE, model.state_dict(), every, DistortedSets(PLENTY), CPU))


def test_images_in_a_read_only_file_are_read_there(request: pytest.FixtureRequest) -> None:
    expected = cells_of_all()
    request.getfixturevalue("read_only")
    assert cells_of_all() == expected
