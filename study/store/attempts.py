"""Attempts: what each is called, and their order, which the lease of their trial decides and no machine's clock.

A trial is trained and evaluated under one lease, whose every holder has a higher generation than the one before.
"""

import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

NUMBERED = re.compile(r"(?P<lost>lost-)?(?P<generation>\d+)-")
"""How an attempt's token begins; one that was lost was once told by `lost-` alone."""


def token(generation: int) -> str:
    """Of an attempt that its worker records: `0003-9f86d081`."""
    return f"{generation:04d}-{secrets.token_hex(4)}"


def lost_token(generation: int) -> str:
    """Of one whose worker died, so that its launch records it: `lost-0003-9f86d081`."""
    return f"lost-{token(generation)}"


def in_order(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows of `attempts`, those of each trial in the order in which they were made.

    Of two of one generation, what a launch says of a worker that died comes after what the worker itself had said, and
    else the clocks of their hosts decide. They also do where a row bears no generation: it has the highest of those
    that began before it.
    """
    highest: defaultdict[str, int] = defaultdict(int)
    placed = []
    for row in sorted(rows, key=lambda row: row["started"]):
        found, trial_id = NUMBERED.match(row["attempt"]), row["trial_id"]
        generation = int(found["generation"]) if found else highest[trial_id]
        highest[trial_id] = max(highest[trial_id], generation)
        placed.append((generation, row["attempt"].startswith("lost-"), row))
    return [row for *_, row in sorted(placed, key=itemgetter(0, 1))]
