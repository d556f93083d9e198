"""Evaluation under adversarial quality: a cell says what withstands, in float32, whatever else is evaluated."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.contracts.pictures import digits, learnt, predicted
from tests.study.executor.plans import trial
from trainables.evaluation import evaluate
from trainables.evaluation.passes import images_shown
from trainables.evaluation.sets import DistortedSets
from trainables.parameters import Value
from trainables.recipe import Component, Condition
from trainables.records import AttackCounts, Cell, State

N = 30
DATA = Component.of("mnist_5k", {"train": 50, "validation": 50, "test": N, "border": 2})
RECIPE = replace(trial("01").recipe, data=DATA)
IMAGES = digits("test", N)
SHARED: dict[str, Value] = {"images": None, "align": "none"}


def condition(name: str, **parameters: Value) -> Condition:
    said = ", ".join(map(str, parameters.values()))
    return Condition(
        condition_id=f"c-{name}-{said}", data=DATA, split="test", family="attack", test_distortion=f"{name} ({said})",
        parameter=None, level=None, steps=(Component.of(name, {**SHARED, **parameters}),),
    )  # fmt: skip


PAPER, UNMASKED = condition("fgs", rule="paper"), condition("fgs", rule="unmasked")
MARGIN = condition("hot_cold", mode="margin")
PGD = condition("pgd", epsilon=0.1, steps=3, step_size=0.04, restarts=1)


@pytest.fixture(scope="module")
def weights() -> State:
    return learnt(IMAGES).state_dict()


def cells(weights: State | None, *shown: Condition, recipe: object = RECIPE) -> list[Cell]:
    return list(evaluate(recipe, weights, shown, DistortedSets(2**24)))  # type: ignore[arg-type]


def counts(cell: Cell) -> AttackCounts:
    (found,) = cell.attacks
    return found


def test_a_cell_counts_the_images_that_withstand(weights: State) -> None:
    right = int((predicted(learnt(IMAGES), IMAGES.pixels) == IMAGES.labels).sum())
    for cell in cells(weights, PAPER, UNMASKED, PGD):
        found = counts(cell)
        assert (cell.n, found.attempts) == (N, right)
        assert cell.correct == found.attempts - found.successes
        bits = np.unpackbits(np.frombuffer(cell.correct_bits, np.uint8), count=N)
        assert int(bits.sum()) == cell.correct
        assert cell.loss_sum is cell.confidence_sum is cell.top5_correct is None


def test_conditions_that_share_a_search_find_what_they_find_alone(weights: State) -> None:
    together = cells(weights, PAPER, UNMASKED, MARGIN, PGD)
    assert together == [cell for one in (PAPER, UNMASKED, MARGIN, PGD) for cell in cells(weights, one)]
    assert [counts(cell).variant for cell in together] == ["paper", "unmasked", "margin", None]
    assert [counts(cell).attack for cell in together] == ["fgs", "fgs", "hot_cold", "pgd"]


def test_a_subset_is_the_first_images(weights: State) -> None:
    some = condition("fgs", rule="unmasked", images=10)
    (cell,) = cells(weights, some)
    (whole,) = cells(weights, UNMASKED)
    assert cell.n == 10
    assert cell.correct_bits[0] == whole.correct_bits[0]
    assert counts(cell).attempts == int((predicted(learnt(IMAGES), IMAGES.pixels[:10]) == IMAGES.labels[:10]).sum())
    (more,) = cells(weights, condition("fgs", rule="unmasked", images=1000))
    assert more.n == N
    assert images_shown(some) * 3 == images_shown(UNMASKED)


@pytest.mark.parametrize("change", [{"precision": "bfloat16"}, {"compile": True}])
def test_a_network_is_attacked_in_float32_and_not_compiled(weights: State, change: dict[str, object]) -> None:
    assert cells(weights, UNMASKED, PGD, recipe=replace(RECIPE, **change)) == cells(weights, UNMASKED, PGD)  # type: ignore[arg-type]


def test_one_that_never_was_finite_is_not_attacked() -> None:
    cell, short = cells(None, PAPER, condition("pgd", epsilon=0.1, images=10))
    assert (cell.n, cell.correct, cell.at_chance, cell.correct_bits) == (N, 3, True, None)
    assert (short.n, short.correct) == (10, 1)
    found = counts(cell)
    assert (found.attack, found.variant, found.attempts, found.successes) == ("fgs", "paper", 0, 0)
    assert found.linf_sum is found.pass_unaligned_sum is found.pass_sum is found.blank is None


def test_the_first_image_is_shown_as_it_was_changed(weights: State) -> None:
    seen: dict[str, torch.Tensor] = {}
    pair = (UNMASKED, PGD)
    found = list(
        evaluate(
            RECIPE, weights, pair, DistortedSets(0), look=lambda one, image: seen.update({one.condition_id: image})
        )
    )
    assert list(seen) == [one.condition_id for one in pair]
    clean = IMAGES.pixels[0] / 255
    for cell, image in zip(found, seen.values(), strict=True):
        assert 0 <= image.min() <= image.max() <= 1
        withstood = bool(cell.correct_bits[0] & 0x80)
        assert torch.equal(image, clean) == withstood
