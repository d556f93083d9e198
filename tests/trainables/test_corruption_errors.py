"""Errors under corruption, and their means."""

import pytest

from trainables import alexnet
from trainables.corruption_errors import (
    ALEXNET,
    Counted,
    NetworkErrors,
    corruption_errors,
    relative_corruption_errors,
)
from trainables.normalisation import MAIN_CORRUPTIONS, mean_over


def errors(clean: float, **corrupted: float) -> NetworkErrors:
    return NetworkErrors(clean=clean, corrupted=corrupted)


def test_the_baseline_itself_is_at_1() -> None:
    assert corruption_errors(ALEXNET, ALEXNET) == dict.fromkeys(ALEXNET.corrupted, 1)
    assert set(relative_corruption_errors(ALEXNET, ALEXNET).values()) == {1}


def test_each_corruption_counts_alike() -> None:
    found = corruption_errors(errors(0.05, fog=0.1, snow=0.7), errors(0.1, snow=0.7, fog=0.2, frost=0.5))
    assert found == pytest.approx({"fog": 0.5, "snow": 1})
    assert mean_over(("snow", "fog"), found) == pytest.approx(0.75)


def test_relative_errors_are_what_a_corruption_adds() -> None:
    found = relative_corruption_errors(errors(0.1, fog=0.2), errors(0.3, fog=0.5))
    assert found == pytest.approx({"fog": 0.5})


def test_counts_of_any_size_count_by_their_rates() -> None:
    row = [Counted(n=10, correct=correct) for correct in (10, 8, 6, 4)] + [Counted(n=1000, correct=200)]
    found = NetworkErrors.of(Counted(n=20, correct=19), {"fog": row})
    assert found == errors(pytest.approx(0.05), fog=pytest.approx(0.4))


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="'snow': the baseline has fog, frost"):
        corruption_errors(errors(0.1, fog=0.1, snow=0.7), errors(0.1, fog=0.2, frost=0.1))
    with pytest.raises(ValueError, match="'snow': there are fog"):
        mean_over(("fog", "snow"), {"fog": 0.1})
    with pytest.raises(ValueError, match="fog: an error is the mean over severities 1 to 5; got 4"):
        NetworkErrors.of(Counted(n=1, correct=1), {"fog": [Counted(n=1, correct=1)] * 4})


def test_the_published_tables_are_of_one_network() -> None:
    """The printed three digits are the exact counts' rounded; each count is of 50,000 images."""
    assert len(MAIN_CORRUPTIONS) == 15
    for name in MAIN_CORRUPTIONS:
        assert alexnet.PRINTED_CORRUPTION_ERRORS[name] == pytest.approx(ALEXNET.corrupted[name], abs=6e-4)
        for rate in alexnet.CORRUPTION_ERRORS[name]:
            assert 50_000 * rate == pytest.approx(round(50_000 * rate), abs=1e-6)


def test_the_papers_resnet_50() -> None:
    """Relative mCE of Table 2 from its rounded errors: 105.0 is printed; the other reading of the bracket gives 80."""
    percent = (80, 82, 83, 75, 89, 78, 80, 78, 75, 66, 57, 71, 85, 77, 77)
    network = errors(
        0.239, **{name: ce / 100 * ALEXNET.corrupted[name] for name, ce in zip(MAIN_CORRUPTIONS, percent, strict=True)}
    )
    assert 100 * mean_over(MAIN_CORRUPTIONS, corruption_errors(network, ALEXNET)) == pytest.approx(76.7, abs=0.3)
    assert 100 * mean_over(MAIN_CORRUPTIONS, relative_corruption_errors(network, ALEXNET)) == pytest.approx(105, abs=1)
