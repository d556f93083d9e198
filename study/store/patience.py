"""Patience with storage that has no room, or does not answer, for a while: what a launch itself reads and writes."""

import time
from collections.abc import Callable
from typing import TypeVar

SECONDS = 180.0
"""For so long a launch waits for its store, as its units do for theirs, one retry after another."""
LONGEST_PAUSE = 15.0

T = TypeVar("T")


def patiently(ask: Callable[[], T], seconds: float = SECONDS) -> T:
    """What `ask` gives; it is asked again, ever later, for `seconds` while it raises OSError, and raises it then.

    What it does must be right to do twice. An absent object is an answer: FileNotFoundError is raised at once.
    """
    deadline, pause = time.monotonic() + seconds, 0.5
    while True:
        try:
            return ask()
        except FileNotFoundError:
            raise
        except OSError:
            if time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
