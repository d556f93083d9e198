"""What may go wrong with a unit, and how often each kind is tried again within one launch."""

import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType

from trainables.tune import FailureClass

RETRIES: Mapping[FailureClass, int] = MappingProxyType(
    {"preempted": 100, "infrastructure": 5, "out_of_memory": 1, "user": 0}
)
"""How often a unit is issued again after a failure of each class, before it counts as failed."""

RETRIED_ON_RELAUNCH: frozenset[FailureClass] = frozenset({"preempted", "infrastructure"})
"""Failure classes that the next launch tries again without being asked."""

ALIKE = 3
"""Trials of one arm that fail with the same traceback before its last trial is tried and, if that fails too, the arm
is stopped."""


def traceback_hash(traceback: str) -> str:
    """Equal for tracebacks that differ only in numbers and addresses; empty for an empty one."""
    if not traceback:
        return ""
    neutral = re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?(e[+-]?\d+)?", "#", traceback)
    return hashlib.sha256(neutral.encode()).hexdigest()[:12]
