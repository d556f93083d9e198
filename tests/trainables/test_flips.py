"""Flips and distances of rankings: laws over random sequences; the published values are in tests/golden."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.contracts.waiting import Watched
from trainables import alexnet
from trainables.flips import Flips, FlipTally, guessed, top5_distance, zipf_distance
from trainables.normalisation import MAIN_PERTURBATIONS

FRAMES, CLASSES = 7, 8


def logits(seed: int, sequences: int = 5, classes: int = CLASSES) -> Tensor:
    """Of two decimals, so that some are equal."""
    draws = torch.randn(sequences, FRAMES, classes, generator=torch.Generator().manual_seed(seed))
    return (draws * 4).round() / 4


def counts(*batches: Tensor, from_first: bool = False) -> tuple[Flips, ...]:
    tally = FlipTally(from_first)
    for batch in batches:
        tally.add(batch)
    return tally.counts()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.integers(1, 4), st.booleans())
def test_batches_add_up(seed: int, first: int, from_first: bool) -> None:
    whole = logits(seed)
    for apart, together in zip(
        counts(whole[:first], whole[first:], from_first=from_first), counts(whole, from_first=from_first), strict=True
    ):
        assert apart.zipf_distance_sum == pytest.approx(together.zipf_distance_sum)
        assert (apart.sequences, apart.pairs, apart.flips) == (together.sequences, together.pairs, together.flips)
        assert apart.top5_distance_sum == together.top5_distance_sum


@pytest.mark.parametrize("from_first", [True, False])
def test_a_still_answer_never_flips(from_first: bool) -> None:
    still = logits(1)[:, :1].expand(-1, FRAMES, -1)
    for found in counts(still, from_first=from_first):
        assert (found.flips, found.top5_distance_sum, found.zipf_distance_sum) == (0, 0, 0)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000))
def test_difficulty_pools_the_pairs_of_all_phases(seed: int) -> None:
    """Difficulty k is difficulty 1 of the sequences of every k-th frame, all phases together."""
    whole = logits(seed)
    for found in counts(whole):
        k = found.difficulty
        phases = [counts(whole[:, phase::k])[0] for phase in range(k)]
        assert found.pairs == sum(phase.pairs for phase in phases) == len(whole) * (FRAMES - k)
        assert found.flips == sum(phase.flips for phase in phases)
        assert found.top5_distance_sum == sum(phase.top5_distance_sum for phase in phases)
        assert found.zipf_distance_sum == pytest.approx(sum(phase.zipf_distance_sum for phase in phases))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000))
def test_noise_is_compared_with_the_first_frame(seed: int) -> None:
    whole = logits(seed)
    (found,) = counts(whole, from_first=True)
    predictions = whole.argmax(-1)
    assert found.flips == (predictions[:, 1:] != predictions[:, :1]).sum()
    pairs = [counts(torch.stack((whole[:, 0], whole[:, frame]), 1))[0] for frame in range(1, FRAMES)]
    assert found.top5_distance_sum == sum(pair.top5_distance_sum for pair in pairs)


def test_equal_logits_rank_by_class_index() -> None:
    """A frame of equal logits and one that prefers class 0 rank alike; one that prefers class 1 does not."""
    frames = torch.zeros(1, 3, CLASSES)
    frames[0, 1, 0], frames[0, 2, 1] = 1, 1
    (pairs, _) = counts(frames)
    assert (pairs.flips, pairs.top5_distance_sum) == (1, 2)


def test_an_answer_that_is_not_finite_counts_as_a_reversed_one() -> None:
    """Else a network of NaNs would be the most stable of all."""
    answers = logits(3, sequences=1)[:, :2]
    broken = answers.clone()
    broken[0, 1, 2] = math.nan
    (found,) = counts(broken)
    (reversed_order,) = counts(torch.stack((torch.arange(CLASSES), -torch.arange(CLASSES)))[None].double())
    assert found == reversed_order
    assert found.flips == 1
    assert counts(torch.full((2, FRAMES, CLASSES), math.nan))[0].flip_probability == 1


@pytest.mark.parametrize("from_first", [True, False])
def test_a_guess_is_the_mean_over_random_orders(from_first: bool) -> None:
    sequences = 3000
    drawn = torch.rand(sequences, FRAMES, CLASSES, generator=torch.Generator().manual_seed(0))
    for guess, found in zip(
        guessed(sequences, FRAMES, CLASSES, from_first), counts(drawn, from_first=from_first), strict=True
    ):
        assert (guess.difficulty, guess.sequences, guess.pairs) == (found.difficulty, sequences, found.pairs)
        assert guess.flip_probability == pytest.approx(1 - 1 / CLASSES, abs=1e-4)
        assert guess.flip_probability == pytest.approx(found.flip_probability, abs=0.01)
        assert guess.top5_distance == pytest.approx(found.top5_distance, rel=0.02)
        assert guess.zipf_distance == pytest.approx(found.zipf_distance, rel=0.02)


@pytest.mark.parametrize("from_first", [True, False])
def test_below_five_classes_there_is_no_top5_distance(from_first: bool) -> None:
    for classes in (4, 5):
        drawn = torch.rand(3, FRAMES, classes, generator=torch.Generator().manual_seed(0))
        for found in (*counts(drawn, from_first=from_first), *guessed(3, FRAMES, classes, from_first)):
            assert (found.top5_distance is None) == (classes == 4)
            assert found.zipf_distance > 0


def test_strides_longer_than_a_sequence_have_no_counts() -> None:
    short = logits(0)[:, :3]
    assert [found.difficulty for found in counts(short)] == [1, 2]
    assert [found.difficulty for found in guessed(5, 3, CLASSES, from_first=False)] == [1, 2]


@settings(deadline=None, max_examples=40)
@given(st.permutations(range(1, 9)))
def test_distances_are_the_papers_sums(sigma: list[int]) -> None:
    places = torch.tensor(sigma)
    double_sum = sum(
        1 <= j - 1 <= 5 for i in range(1, 6) for j in range(min(i, sigma[i - 1]) + 1, max(i, sigma[i - 1]) + 1)
    )
    assert top5_distance(places) == double_sum
    assert zipf_distance(places) == pytest.approx(sum(1 / i * abs(1 / i - 1 / s) for i, s in enumerate(sigma, 1)))


def test_the_distance_is_not_symmetric() -> None:
    fell, rose = torch.tensor([8, 1, 2, 3, 4, 5, 6, 7]), torch.tensor([2, 3, 4, 5, 6, 7, 8, 1])
    assert (top5_distance(fell), top5_distance(rose)) == (9, 5)


def test_nothing_waits_for_the_device() -> None:
    with Watched() as watched:
        FlipTally(from_first=False).add(logits(0))
    assert not watched.seen


def test_the_ten_main_perturbations() -> None:
    assert len(MAIN_PERTURBATIONS) == 10
    assert alexnet.FLIP_PROBABILITIES.keys() == alexnet.TOP5_DISTANCES.keys()
