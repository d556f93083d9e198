"""The alias method."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from trainables.alias import AliasTable, alias_table
from trainables.levels import random_words

DISTRIBUTIONS = np.array(
    [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0.2] * 5, [0.5, 0.25, 0.125, 0.125, 0], [0, 1e-6, 0, 0, 1]]
)
DISTRIBUTIONS /= DISTRIBUTIONS.sum(axis=1, keepdims=True)


def probabilities(table: AliasTable) -> NDArray[np.float64]:
    """Of all outcomes, added up slot by slot, no draw involved: [distributions, slots]."""
    slots = 2**table.bits
    entries = table.entries.numpy().astype(np.int64).reshape(-1, slots) + 2**31
    kept = (entries >> table.bits) / 2 ** (32 - table.bits)
    found = kept / slots
    for row, (alias, rest) in enumerate(zip(entries & (slots - 1), (1 - kept) / slots, strict=True)):
        np.add.at(found[row], alias, rest)
    return found


def test_a_table_holds_its_distributions() -> None:
    table = alias_table(DISTRIBUTIONS, torch.device("cpu"))
    assert table.bits == 3
    expected = np.pad(DISTRIBUTIONS, ((0, 0), (0, 3)))
    np.testing.assert_allclose(probabilities(table), expected, rtol=0, atol=2**-28)


def test_the_extreme_words_too_give_outcomes_that_have_a_probability() -> None:
    table = alias_table(DISTRIBUTIONS, torch.device("cpu"))
    ends = torch.cat((torch.arange(-(2**31), -(2**31) + 16), torch.arange(2**31 - 16, 2**31))).int()
    for row, distribution in enumerate(DISTRIBUTIONS):
        drawn = table.outcomes(torch.full_like(ends, row), ends)
        assert (distribution[drawn.unique().numpy()] > 0).all()


@pytest.mark.parametrize("row", range(len(DISTRIBUTIONS)))
def test_draws_are_as_often_as_they_should_be(row: int) -> None:
    count = 200_000
    words = random_words(torch.Size([count]), torch.Generator().manual_seed(3), torch.device("cpu"))
    table = alias_table(DISTRIBUTIONS, torch.device("cpu"))
    drawn = table.outcomes(torch.full_like(words, row), words)
    expected = DISTRIBUTIONS[row]
    found = np.bincount(drawn.numpy(), minlength=5) / count
    assert (np.abs(found - expected) <= 4 * np.sqrt(expected * (1 - expected) / count)).all()


def test_an_outcome_depends_on_its_distribution_and_word_alone() -> None:
    table = alias_table(DISTRIBUTIONS, torch.device("cpu"))
    words = random_words(torch.Size([5, 40]), torch.Generator().manual_seed(0), torch.device("cpu"))
    rows = torch.arange(5, dtype=torch.uint8)[:, None].expand(5, 40)
    together = table.outcomes(rows, words)
    assert together.shape == words.shape
    for row in range(5):
        assert torch.equal(table.outcomes(rows[row], words[row]), together[row])
