"""Random numbers by position."""

import numpy as np
import pytest

from trainables.philox import philox, uniforms
from trainables.randomness import Key

ONES = 0xFFFFFFFF
KEY = Key(("test",))


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ONES,) * 4, (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)  # fmt: skip
def test_the_known_answers_of_its_authors(
    counter: tuple[int, ...], key: tuple[int, int], expected: tuple[int, ...]
) -> None:
    """Salmon et al. 2011: the known-answer file of Random123."""
    assert tuple(philox(np.array(counter), key).tolist()) == expected


def test_a_row_depends_on_its_place_alone() -> None:
    whole = uniforms(KEY, 100, 7)
    assert whole.shape == (100, 7)
    assert np.array_equal(uniforms(KEY, 3, 7), whole[:3])
    assert np.array_equal(uniforms(KEY, 100, 2), whole[:, :2])
    assert len(np.unique(whole)) == whole.size
    assert not np.intersect1d(uniforms(KEY.child("other"), 100, 7), whole).size


def test_they_are_uniform_and_independent() -> None:
    numbers = uniforms(KEY, 2_000, 50)
    assert 0 <= numbers.min() < numbers.max() < 1
    share = np.histogram(numbers, 20, (0, 1))[0] / numbers.size
    assert np.abs(share - 0.05).max() < 5 * np.sqrt(0.05 * 0.95 / numbers.size)
    correlations = np.corrcoef(numbers, rowvar=False) - np.eye(50)
    assert np.abs(correlations).max() < 5 / np.sqrt(2_000)
    assert np.abs(np.corrcoef(numbers[:50]) - np.eye(50)).max() < 5 / np.sqrt(50)
