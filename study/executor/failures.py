"""What may go wrong with a unit, and how often each kind is tried again within one launch."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from trainables.tune import FailureClass

RETRIES: Mapping[FailureClass, int] = MappingProxyType(
    {"preempted": 100, "infrastructure": 8, "damaged": 1, "out_of_memory": 1, "user": 0}
)
"""How often a unit is issued again after a failure of each class, before it counts as failed."""

LONGEST_WAIT = 60.0
"""Seconds before a unit is issued again, at most."""

RETRIED_ON_RELAUNCH: frozenset[FailureClass] = frozenset({"preempted", "infrastructure", "damaged"})
"""Failure classes that the next launch tries again without being asked."""

ALIKE = 3
"""Trials of one arm that fail with the same traceback before its last trial is tried and, if that fails too, the arm
is stopped."""

FATAL = "Fatal Python error"
"""Begins what Python writes of a crash: the stack, without anything that a program printed."""
CRASH_LINES = 5
"""Of what Python writes of a crash that tell one from another: the signal, two lines, and the two innermost calls."""


def wait_before(failure: FailureClass, retry: int) -> float:
    """Seconds until a unit is issued again for the `retry`th time, 1 the first.

    What befalls a worker or its node is over with it, and the first retry waits for nothing. What befalls storage (no
    space left, a server away) lasts: the retries of `infrastructure` failures spread over three minutes.
    """
    return min(LONGEST_WAIT, 2.0 ** (retry - 1)) if failure == "infrastructure" and retry > 1 else 0.0


@dataclass(frozen=True, kw_only=True)
class Death:
    """Of one worker."""

    failure: FailureClass
    error: str
    """In one line: what ended it, and which process on which machine it was."""
    host: str
    """Empty if unknown."""
    last_words: str
    """The end of its standard error; empty if it wrote nothing or the file cannot be had."""

    @property
    def crash_hash(self) -> str:
        """Equal for crashes in one place of the program; empty for a death that is no crash.

        Of the innermost calls alone: a process that has crashed may not get to write all of them.
        """
        _, fatal, stack = self.last_words.partition(FATAL)
        return traceback_hash("\n".join((fatal + stack).splitlines()[:CRASH_LINES]))


def traceback_hash(traceback: str) -> str:
    """Equal for tracebacks that differ only in numbers and addresses; empty for an empty one."""
    if not traceback:
        return ""
    neutral = re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?(e[+-]?\d+)?", "#", traceback)
    return hashlib.sha256(neutral.encode()).hexdigest()[:12]
