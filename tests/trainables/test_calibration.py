"""Expected calibration error."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.waiting import Watched
from trainables.calibration import BINS, Calibration, calibration


def case(seed: int, n: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, generator=generator), torch.rand(n, generator=generator) < 0.6


def one_by_one(confidences: torch.Tensor, correct: torch.Tensor) -> float:
    """Guo et al.'s equation 3, an image at a time."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in zip(confidences.tolist(), correct.tolist(), strict=True):
        bins.setdefault(math.ceil(confidence * BINS), []).append((confidence, right))
    gaps = (abs(sum(r for _, r in b) / len(b) - sum(c for c, _ in b) / len(b)) * len(b) for b in bins.values())
    return sum(gaps) / len(confidences)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_it_is_the_papers_sum(seed: int) -> None:
    confidences, correct = case(seed)
    assert calibration(confidences, correct).error == pytest.approx(one_by_one(confidences, correct))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 200))
def test_batches_add_up(seed: int, first: int) -> None:
    confidences, correct = case(seed)
    whole = calibration(confidences, correct)
    parts = calibration(confidences[:first], correct[:first]) + calibration(confidences[first:], correct[first:])
    assert torch.equal(parts.n, whole.n)
    assert torch.equal(parts.correct, whole.correct)
    assert parts.error == pytest.approx(whole.error)


def test_bins_are_open_below_and_closed_above() -> None:
    edges = torch.arange(1, BINS + 1, dtype=torch.float64) / BINS
    assert calibration(edges, edges > 0).n.tolist() == [1] * BINS
    assert calibration(torch.zeros(1), torch.ones(1, dtype=torch.bool)).n[0] == 1


def test_right_as_often_as_it_says() -> None:
    correct = torch.arange(100) < 80
    assert calibration(torch.full((100,), 0.8), correct).error == pytest.approx(0, abs=1e-7)
    assert calibration(torch.ones(100), correct).error == pytest.approx(0.2)


def test_what_is_unknown_is_not_a_number() -> None:
    nothing = torch.zeros(0)
    assert math.isnan(calibration(nothing, nothing.bool()).error)
    broken: Calibration = calibration(torch.tensor([0.5, math.nan]), torch.tensor([True, False]))
    assert broken.n.sum() == 2
    assert math.isnan(broken.error)


def test_nothing_waits_for_the_device() -> None:
    with Watched() as watched:
        calibration(*case(0))
    assert not watched.seen
