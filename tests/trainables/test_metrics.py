"""Measures over test conditions."""

import pytest

from trainables.metrics import mean_corruption_error


def test_the_baseline_itself_is_at_100() -> None:
    errors = {"fog": 0.2, "snow": 0.7}
    assert mean_corruption_error(errors, errors) == pytest.approx(100)


def test_each_corruption_counts_alike() -> None:
    assert mean_corruption_error({"fog": 0.1, "snow": 0.7}, {"snow": 0.7, "fog": 0.2}) == pytest.approx(75)


def test_other_corruptions_are_named() -> None:
    with pytest.raises(ValueError, match="only one has frost, snow"):
        mean_corruption_error({"fog": 0.1, "snow": 0.7}, {"fog": 0.2, "frost": 0.1})
