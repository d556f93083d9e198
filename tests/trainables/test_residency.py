"""Where images are kept: decided by sizes; and the same batches and weights wherever that is."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import trainables.fit
import trainables.residency
import trainables.supply
from tests.study.executor.plans import trial
from tests.trainables.mapped import BORDER, COUNTS, Mapped
from tests.trainables.test_stages import Kept
from trainables.batches import Augmentation, Source
from trainables.fit import Training
from trainables.methods import Batch
from trainables.randomness import Key
from trainables.recipe import Component, Recipe
from trainables.residency import HOLDER, RESIDENT_SHARE, Way, packed, residency
from trainables.supply import Supply

CPU = torch.device("cpu")
WAYS: tuple[Way, ...] = get_args(Way)
TIFS = (90_000 + 10_000) * 3 * 256 * 256
GB = 10**9


# The decision


@pytest.mark.parametrize(
    ("memory", "gpus", "way"),
    [
        (80 * GB, 1.0, "own"), (80 * GB, 0.5, "shared"), (80 * GB, 0.25, "shared"), (80 * GB, 2.0, "own"),
        (40 * GB, 1.0, "own"), (40 * GB, 0.5, "streamed"), (24 * GB, 1.0, "streamed"), (24 * GB, 0.5, "streamed"),
        (None, 0.0, "mapped"),
    ],
)  # fmt: skip
def test_of_tiny_imagenet_at_full_size(memory: int | None, gpus: float, way: Way) -> None:
    assert residency(TIFS, memory, gpus).way == way


def test_a_shared_copy_counts_once_for_all_its_trials() -> None:
    """Four trials on 80 GB: 10 GB each would not do, 40 GB together do."""
    assert residency(TIFS, 80 * GB, 0.25).way == "shared"
    assert residency(TIFS, 80 * GB, 0.25, "no such thing here").way == "streamed"


def test_trials_that_cannot_share_keep_a_copy_each_where_it_fits() -> None:
    assert residency(15 * GB, 80 * GB, 0.5, "no such thing here").way == "own"
    assert residency(21 * GB, 80 * GB, 0.5, "no such thing here").way == "streamed"


def test_small_images_are_worth_no_process_that_holds_them() -> None:
    assert residency(HOLDER, 80 * GB, 0.5).way == "own"
    assert residency(HOLDER + 1, 80 * GB, 0.5).way == "shared"
    assert residency(HOLDER // 2 + 1, 80 * GB, 1 / 3).way == "shared"


def test_images_never_take_more_than_their_share_of_the_gpu() -> None:
    for size in (1, HOLDER, GB, 10 * GB, 19 * GB, 40 * GB):
        for gpus in (0.1, 0.25, 0.3, 0.5, 0.9, 1.0, 4.0):
            for unshared in ("", "no"):
                found = residency(size, 80 * GB, gpus, unshared).way
                taken = {"own": packed(gpus) * size, "shared": size + HOLDER, "streamed": 0}[found]
                assert taken <= RESIDENT_SHARE * 80 * GB


def test_more_memory_never_sends_images_away() -> None:
    for gpus in (0.25, 0.5, 1.0):
        ways = [residency(TIFS, memory * GB, gpus).way for memory in range(8, 200, 4)]
        assert ways == sorted(ways, key=lambda way: way != "streamed")
        assert len(set(ways)) == 2


def test_how_many_trials_are_on_a_gpu() -> None:
    assert [packed(gpus) for gpus in (1.0, 0.5, 0.34, 1 / 3, 0.3, 0.1, 4.0)] == [1, 2, 2, 3, 3, 10, 1]


def test_a_sentence_says_what_and_why() -> None:
    assert residency(TIFS, 80 * GB, 0.5).said == (
        "19.7 GB of training and validation images on the GPU, one copy for its 2 trials"
    )
    assert residency(47_000_000, 80 * GB, 0.5).said == (
        "47 MB of training and validation images on the GPU, a copy for each of its 2 trials"
    )
    assert residency(TIFS, 24 * GB, 0.5, "operation not supported").said == (
        "19.7 GB of training and validation images streamed from the host: they do not fit into 6.0 GB, 50% of what a "
        "trial has of the GPU's memory; no copy is shared: operation not supported"
    )
    assert residency(TIFS, None, 0.0).said == "19.7 GB of training and validation images read where they are"


# The law: every way gives the same


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    return Mapped(root=str(tmp_path_factory.mktemp("mapped")))


@pytest.fixture(scope="module")
def supplies(tmp_path_factory: pytest.TempPathFactory) -> dict[Way, Supply]:
    folder = tmp_path_factory.mktemp("sockets")
    return {way: Supply(CPU, way=way, folder=folder) for way in WAYS}


def epoch_of(source: Source, change: Augmentation) -> Iterator[Batch]:
    order = torch.randperm(COUNTS["train"], generator=torch.Generator().manual_seed(1)).split(16)
    assert len(order[-1]) not in (0, 16)
    source.rows.expect(order)
    for step, index in enumerate(order):
        yield source.batch(index, change.drawn(Key(("test", step))))


@pytest.mark.parametrize("way", [way for way in WAYS if way != "mapped"])
@pytest.mark.parametrize("margin", range(BORDER + 1))
@pytest.mark.parametrize(("flip", "crop"), [(False, 0), (True, 0), (False, 2), (True, 2)])
def test_every_way_gives_the_same_batches(
    data: Mapped, supplies: dict[Way, Supply], way: Way, margin: int, flip: bool, crop: int
) -> None:
    change = Augmentation(flip=flip, crop=crop, margin=margin)
    there, here = (supplies[one].sources(data, margin)[0] for one in ("mapped", way))
    for expected, found in zip(epoch_of(there, change), epoch_of(here, change), strict=True):
        for name in ("images", "labels", "source"):
            assert torch.equal(getattr(expected, name), getattr(found, name))
            assert getattr(expected, name).stride() == getattr(found, name).stride()
    here.rows.close()


def test_the_first_law_can_fail(data: Mapped, supplies: dict[Way, Supply]) -> None:
    """Batches are those of the file, and other images give others."""
    whole = Augmentation(flip=False, crop=0, margin=BORDER)
    first = next(epoch_of(supplies["streamed"].sources(data, BORDER)[0], whole))
    index = torch.randperm(COUNTS["train"], generator=torch.Generator().manual_seed(1))[:16]
    assert torch.equal(first.source, data.load("train").pixels[index] / 255)
    other = next(epoch_of(Supply(CPU, way="streamed").sources(replace(data, seed=1), BORDER)[0], whole))
    assert not torch.equal(first.source, other.source)


RECIPE = replace(
    trial("01").recipe, model=Component.of("small_cnn"), method=Component.of("data_augmentation", {"p": 0.5}),
    distortions=(Component.of("random_crop", {"offset": 2}),), epochs=2,
    batch_size=8, flip=True, crop=2, start=Recipe.__dataclass_fields__["start"].default_factory(),
)  # fmt: skip


def trained(supply: Supply, recipe: Recipe = RECIPE, interrupt: bool = False) -> tuple[Any, ...]:
    """Outcome and state at the end, in slices of one step where it is interrupted, resumed once in mid-epoch."""
    sink = Kept()
    training = Training(recipe, None, CPU, sink.keep_stage, supply)
    while not training.finished:
        training.advance(-math.inf if interrupt else math.inf)
        if interrupt and (training.epoch, training.step) == (2, 3) and sink.last is None:
            sink.save_last(training.state())
            training.close()
            training = Training(recipe, None, CPU, sink.keep_stage, supply)
            assert sink.last is not None
            training.restore(sink.last)
    training.close()
    assert not interrupt or sink.last is not None
    return (training.outcome(), training.epochs)


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_way_trains_the_same_weights_whatever_interrupts(
    data: Mapped, supplies: dict[Way, Supply], shuffle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a margin, flips and crops; the last batch is odd, or the last epoch ends early."""
    monkeypatch.setattr(trainables.fit, "data_set", lambda _component: data)
    recipe = RECIPE if shuffle else replace(RECIPE, shuffle=False, epochs=None, iterations=12)
    expected = trained(Supply(CPU), recipe)
    assert expected[0].weights_hash
    for way in ("shared", "streamed"):
        assert trained(supplies[way], recipe) == expected, way
    assert trained(supplies["streamed"], recipe, interrupt=True) == expected


class Waits(TorchDispatchMode):
    """Notes operations for whose result the host would wait for the device."""

    NAMES = ("_local_scalar_dense", "nonzero", "item", "is_nonzero", "equal", "masked_select")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(func.name().removeprefix("aten::").partition(".")[0])
        return func(*args, **(kwargs or {}))


def test_a_batch_of_images_on_the_device_waits_for_nothing(data: Mapped, supplies: dict[Way, Supply]) -> None:
    change = Augmentation(flip=True, crop=2, margin=1)
    source = supplies["own"].sources(data, 1)[0]
    with Waits() as waits:
        source.batch(torch.tensor([1, 5, 2]), change.drawn(Key(("test",))))
        assert not set(waits.seen) & set(Waits.NAMES)
        int(source.labels.sum())
    assert "index_select" in waits.seen
    assert "_local_scalar_dense" in waits.seen, "the test would see nothing"


# What is kept


def addresses(pair: tuple[Source, Source]) -> list[int]:
    return [source.rows.pixels.untyped_storage().data_ptr() for source in pair]  # type: ignore[attr-defined]


def test_on_a_cpu_images_are_read_where_they_are(data: Mapped) -> None:
    supply = Supply(CPU)
    first, second = (supply.sources(data, margin) for margin in (0, 2))
    assert supply.residency(data).way == "mapped"
    assert addresses(first) == addresses(second)
    assert addresses(first)[0] != addresses(first)[1]


def test_a_copy_is_made_once_for_one_trial_after_another(data: Mapped, tmp_path: Path) -> None:
    supply = Supply(CPU, way="own")
    first, second = (supply.sources(data, margin) for margin in (0, 2))
    assert set(addresses(first)) == set(addresses(second))
    assert len(set(addresses(first))) == 1
    assert set(addresses(first)) != set(addresses(Supply(CPU).sources(data, 0)))
    other = supply.sources(Mapped(root=str(tmp_path), seed=3), 0)
    assert not torch.equal(first[0].batch(torch.arange(4)).images, other[0].batch(torch.arange(4)).images), (
        "another data set has other images"
    )


def test_one_that_cannot_share_does_without(data: Mapped, tmp_path: Path) -> None:
    supply = Supply(CPU, way="shared", folder=tmp_path / "not there")
    found: Tensor = supply.sources(data, 0)[0].batch(torch.arange(4)).images
    assert supply.residency(data).way == "mapped"
    assert torch.equal(found, Supply(CPU).sources(data, 0)[0].batch(torch.arange(4)).images)


@pytest.mark.parametrize(
    ("copies", "there", "way", "reason"),
    [
        (4.0, False, "own", True), (2.0, True, "shared", False),
        (2.0, False, "streamed", True), (1.9, True, "streamed", False),
    ],
)  # fmt: skip
def test_what_was_decided_is_what_is_done(
    data: Mapped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copies: float, there: bool, way: Way, reason: bool
) -> None:
    """On a device that holds so many copies of the images, half of which is a trial's, with a place to share or not."""
    size = sum(data.load(split).pixels.nbytes for split in ("train", "validation"))  # type: ignore[arg-type]
    monkeypatch.setattr(trainables.supply, "_memory", lambda _device: int(copies * size))
    monkeypatch.setattr(trainables.residency, "HOLDER", 0)
    supply = Supply(CPU, gpus=0.5, folder=tmp_path if there else tmp_path / "nowhere")
    found = supply.sources(data, 0)[0].batch(torch.arange(4)).images
    assert supply.residency(data).way == way
    assert ("nowhere" in supply.residency(data).said) == reason
    assert torch.equal(found, Supply(CPU, way="mapped").sources(data, 0)[0].batch(torch.arange(4)).images)


def test_images_are_streamed_where_others_fill_the_gpu(data: Mapped, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy alone may find no memory: decided by sizes, it would find none at any retry."""
    size = sum(data.load(split).pixels.nbytes for split in ("train", "validation"))  # type: ignore[arg-type]
    monkeypatch.setattr(trainables.supply, "_memory", lambda _device: 80 * GB)
    empty, refused = torch.empty, []

    def full(*asked: Any, **options: Any) -> Tensor:
        if asked == (size,):
            refused.append(asked)
            raise torch.OutOfMemoryError("CUDA out of memory")
        return empty(*asked, **options)

    monkeypatch.setattr(torch, "empty", full)
    supply = Supply(CPU)
    found = supply.sources(data, 0)[0].batch(torch.arange(4)).images
    assert len(refused) == 1
    assert supply.residency(data).way == "streamed"
    assert supply.residency(data).said.endswith("streamed from the host: the GPU has no room for them at present")
    assert torch.equal(found, Supply(CPU, way="mapped").sources(data, 0)[0].batch(torch.arange(4)).images)
