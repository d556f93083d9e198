"""Storage that is away for a while is waited for, and no longer than is promised."""

import errno
import time

import pytest

from study.store.patience import patiently


def test_a_full_disk_is_waited_out() -> None:
    asked: list[float] = []

    def write() -> str:
        asked.append(time.monotonic())
        if len(asked) < 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return "written"

    assert patiently(write) == "written"
    assert asked[2] - asked[1] > asked[1] - asked[0] > 0.4


def test_patience_has_an_end_and_what_is_absent_is_not_waited_for() -> None:
    asked: list[int] = []

    def read(error: OSError) -> None:
        asked.append(1)
        raise error

    with pytest.raises(OSError, match="Read-only"):
        patiently(lambda: read(OSError(errno.EROFS, "Read-only file system")), seconds=0.6)
    assert len(asked) == 2
    with pytest.raises(FileNotFoundError):
        patiently(lambda: read(FileNotFoundError("gone")))
    assert len(asked) == 3
