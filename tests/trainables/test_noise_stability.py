"""Noise stability: the same draws for every network and choice of images, and counts as a plain loop has them."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from trainables.datasets import Images
from trainables.evaluation import evaluate, stability
from trainables.evaluation.sets import DistortedSets
from trainables.evaluation.stability import changed, eligible, first_of_each, noisy
from trainables.fit import Training, build_model
from trainables.noise_stability import NAME, StabilityTest
from trainables.recipe import Component, Condition, Recipe
from trainables.records import State

CPU = torch.device("cpu")
TEST = StabilityTest(sigma=60.0, draws=7, per_class=2, spare=1, stages=(1, 2), counts="epochs")
DATA = Component.of("mnist_5k", {"train": 40, "validation": 20, "test": 60, "border": 0})
RECIPE = Recipe(
    data=DATA, model=Component.of("lenet", {"dropout": 0.0}), method=Component.of("standard"), epochs=2, batch_size=20,
    optimizer=Component.of("sgd", {"lr": 0.05}), schedule=Component.of("constant"), select="last", stages=(1, 2),
)  # fmt: skip


def condition(test: StabilityTest = TEST, condition_id: str = "noise", seed: int = 0) -> Condition:
    return Condition(
        condition_id=condition_id, data=DATA, split="test", family=NAME, test_distortion=NAME, parameter="sigma",
        level=test.sigma, steps=(test.step(),), seed=seed,
    )  # fmt: skip


@pytest.fixture
def images() -> Images:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (12, 1, 6, 6), dtype=torch.uint8, generator=generator)
    return Images(pixels, torch.arange(12) % 3)


class Linear(nn.Module):
    """Three classes by a matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 36))

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.weight.T


def states(number: int) -> list[State]:
    generator = torch.Generator().manual_seed(2)
    return [{"weight": torch.randn(3, 36, generator=generator)} for _ in range(number)]


def test_a_test_is_read_back_from_its_condition() -> None:
    assert StabilityTest.of(condition()) == TEST
    assert TEST.reached(replace(RECIPE, stages=(1, 3))) == (1,)


def test_an_image_has_its_draws_whatever_others_are_chosen(images: Images) -> None:
    together = noisy(images, [1, 4, 5], condition(), CPU)
    for place, index in enumerate([1, 4, 5]):
        assert torch.equal(noisy(images, [index], condition(), CPU)[0], together[place])
    assert together.shape == (3, 7, 1, 6, 6)
    assert len(together.flatten(2).unique(dim=1)[0]) == 7
    assert not torch.equal(together[0], noisy(images, [1], condition(seed=1), CPU)[0])
    assert torch.equal(together[0], noisy(images, [1], condition(condition_id="other stages"), CPU)[0])


def test_no_two_images_share_their_draws() -> None:
    grey = Images(torch.full((2, 1, 6, 6), 128, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64))
    first, second = noisy(grey, [0, 1], condition(), CPU)
    assert not torch.equal(first, second)


def test_noise_is_of_its_strength_on_the_scale_of_255_clipped_and_not_rounded() -> None:
    grey = Images(torch.full((1, 1, 50, 50), 128, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
    test = replace(TEST, draws=40)
    copies = noisy(grey, [0], condition(replace(test, sigma=10.0)), CPU)
    assert float((copies * 255).mean()) == pytest.approx(128, abs=0.2)
    assert float((copies * 255).std()) == pytest.approx(10, rel=0.01)
    strong = noisy(grey, [0], condition(replace(test, sigma=500.0)), CPU)
    assert (float(strong.amin()), float(strong.amax())) == (0, 1)
    assert len((copies * 255 % 1).unique()) > 1000


def test_later_blocks_of_draws_are_other_ones(images: Images) -> None:
    test = condition(replace(TEST, draws=stability.BLOCK + 3))
    first, second = (noisy(images, [2], test, CPU, block) for block in (0, 1))
    assert (first.shape[1], second.shape[1]) == (stability.BLOCK, 3)
    assert not torch.equal(first[:, :3], second)


def test_the_first_of_each_class_that_are_right_are_chosen() -> None:
    generator = torch.Generator().manual_seed(3)
    for most in (1, 3, 50):
        right = torch.rand(200, generator=generator) < 0.6
        labels = torch.randint(0, 5, (200,), generator=generator)
        expected = [
            index for index in range(200)
            if right[index] and int((right & (labels == labels[index]))[:index].sum()) < most
        ]  # fmt: skip
        assert first_of_each(right, labels, most).tolist() == expected
    assert first_of_each(torch.zeros(3, dtype=torch.bool), torch.zeros(3, dtype=torch.int64), 2).tolist() == []


def test_an_image_is_eligible_where_every_stage_has_it_right(images: Images) -> None:
    model, stages = Linear(), states(3)
    shown = images.pixels.flatten(1) / 255
    right = torch.stack([(shown @ one["weight"].T).argmax(1) == images.labels for one in stages]).all(0)
    found = eligible(model, stages, images, TEST, CPU)
    assert torch.equal(found.right, right)
    assert torch.equal(found.chosen, first_of_each(right, images.labels, 3))
    broken = {"weight": torch.full((3, 36), torch.nan)}
    assert not eligible(model, [stages[0], broken], images, TEST, CPU).right.any()


def counted_one_by_one(stages: Sequence[State], images: Images, chosen: Tensor, test: Condition) -> Tensor:
    """Image by image and draw by draw."""
    counts = torch.zeros(len(stages), len(chosen), dtype=torch.int64)
    for place, index in enumerate(chosen.tolist()):
        for block in range(-(-StabilityTest.of(test).draws // stability.BLOCK)):
            for copy in noisy(images, [index], test, CPU, block)[0]:
                for number, weights in enumerate(stages):
                    counts[number, place] += int((weights["weight"] @ copy.flatten()).argmax() != images.labels[index])
    return counts


@pytest.mark.parametrize("held", [1, 2**28])
@pytest.mark.parametrize("copies", [1, 3, 2000])
def test_counts_are_those_of_a_plain_loop_in_batches_of_any_size(
    images: Images, monkeypatch: pytest.MonkeyPatch, held: int, copies: int
) -> None:
    monkeypatch.setattr(stability, "HELD_BYTES", held)
    monkeypatch.setitem(stability.COPIES, "cpu", copies)
    monkeypatch.setattr(stability, "BLOCK", 5)
    stages, chosen = states(2), torch.tensor([0, 3, 4, 7, 11])
    found = changed(Linear(), stages, images, chosen, condition(), CPU)
    assert torch.equal(found, counted_one_by_one(stages, images, chosen, condition()))
    assert 0 < int(found.sum()) < found.numel() * TEST.draws


def trained_stages() -> dict[int, State]:
    kept: dict[int, State] = {}
    training = Training(RECIPE, None, CPU, lambda stage, weights: kept.update({stage: _copy(weights)}))
    while not training.finished:
        training.advance()
    return kept


def _copy(weights: State) -> State:
    return {name: value.clone() for name, value in weights.items()}


def test_cells_tell_of_every_stage_and_strength_and_the_best_weights_stay_as_they_are() -> None:
    kept = trained_stages()
    clean = replace(condition(condition_id="clean"), family="clean", test_distortion="clean", steps=(), level=None)
    weak = condition(replace(TEST, sigma=1e-6), "weak")
    seen: list[tuple[str, Tensor]] = []
    cells = list(evaluate(
        RECIPE, kept[2], [condition(), weak, clean], DistortedSets(0), "cpu",
        lambda which, image: seen.append((which.condition_id, image)), lambda stages: [kept[stage] for stage in stages],
    ))  # fmt: skip
    noise, none, plain = cells
    assert [(one.stage, one.role, one.counts) for one in noise.noise_stability] == [
        (1, "stage-1", "epochs"), (2, "stage-2", "epochs"),
    ]  # fmt: skip
    assert sum(sum(one.changed) for one in noise.noise_stability) > 0
    assert all(sum(one.changed) == 0 for one in none.noise_stability)
    first, second = noise.noise_stability
    assert first.images == second.images == none.noise_stability[0].images
    assert max(first.labels.count(label) for label in range(10)) <= TEST.per_class + TEST.spare
    assert (first.classes, first.draws, first.per_class) == (10, 7, 2)
    assert noise.n == plain.n == 60
    assert 0 < noise.correct <= plain.correct
    (alone,) = evaluate(RECIPE, kept[2], [clean], DistortedSets(0))
    assert plain == alone
    assert [name for name, _ in seen] == ["noise", "weak", "clean"]


def test_a_trial_that_diverged_has_no_rows_and_counts_at_chance() -> None:
    weights = dict(build_model(RECIPE).state_dict())
    for kept in (None, weights):
        (cell,) = evaluate(RECIPE, kept, [condition()], DistortedSets(0), load=lambda _stages: None)
        assert (cell.n, cell.correct, cell.at_chance) == (60, 6, True)
        assert (cell.noise_stability, cell.correct_bits, cell.top5_correct) == ((), None, None)
