"""The ledger of golden values."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.golden.ledger import Golden

TREE = {"a": 1.5, "b": {"c": [[1.0, 2.0], [3.0, 4.0]], "d": "words"}, "e": [{"f": 1}, {"f": 2}]}
EVERY = {"a", "b.c", "b.d", "e.0.f", "e.1.f"}


def test_a_leaf_is_unread_until_it_is_taken() -> None:
    golden = Golden(TREE)
    assert golden.unread() == EVERY
    assert (tuple(golden["b"]), len(golden["b"]), len(golden["e"])) == (("c", "d"), 2, 2)
    assert golden.unread() == EVERY
    assert golden["a"] == 1.5
    assert golden["e"][1]["f"] == 2
    assert golden.unread() == EVERY - {"a", "e.1.f"}
    assert golden["b"].unread() == {"b.c", "b.d"}


def test_comparing_is_reading_and_fails_where_values_differ() -> None:
    golden = Golden(TREE)
    golden["b"].equals("c", torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64))
    assert golden["b"].unread() == {"b.d"}
    with pytest.raises(AssertionError, match=r"b\.c: "):
        golden["b"].equals("c", torch.tensor([[1.0, 2.0], [3.0, 4.0 + 1e-6]], dtype=torch.float64))


def test_what_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        Golden(TREE)["z"]


def test_the_arrays_of_a_file_are_read_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "golden").mkdir()
    arrays = {"clean": np.arange(3), "h32/fog": np.ones((2, 2)), "h32/snow": np.zeros(4)}
    np.savez(tmp_path / "golden" / "small.npz", **arrays)
    golden = Golden.load(tmp_path, "small.npz")
    assert golden.unread() == {"clean", "h32.fog", "h32.snow"}
    assert golden["clean"].tolist() == [0, 1, 2]
    assert golden["h32"]["fog"].shape == (2, 2)
    assert golden.unread() == {"h32.snow"}
