"""Machines whose clocks differ."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo

import pytest

from study.store import logbook


@contextmanager
def clock_ahead(hours: float) -> Iterator[None]:
    """A logbook that is made meanwhile is that of a machine whose clock is ahead, or behind if negative."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(hours=hours)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(logbook, "datetime", Ahead)
        yield
