"""The kinds of machine that a study ran on, which its results may differ between in their last digits.

Trials on CPUs of one capability and one version of torch are equal bit for bit; elsewhere sums are taken in another
order. What is the same everywhere, which images and draws, does not depend on machines.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CAPABILITY = "cpu_capability"
"""The instructions that torch computes with on the CPU, among the versions of an attempt."""
ENDED_WELL = ("done", "diverged")


@dataclass(frozen=True, kw_only=True, order=True)
class Machine:
    """What a unit's numbers depend on, besides its trial."""

    device: str
    """`CPU with AVX512`, or the accelerator's name."""
    torch: str
    """Its version."""

    def __str__(self) -> str:
        return f"{self.device}, torch {self.torch}"


def machine_of(attempt: Mapping[str, Any]) -> Machine | None:
    """Of a row of `attempts`; None where it does not say, as older ones do not."""
    known = json.loads(attempt["versions"])
    device = attempt["device"] if attempt["device"] != "cpu" else known.get(CAPABILITY)
    if not device or not known.get("torch"):
        return None
    return Machine(device=device if attempt["device"] != "cpu" else f"CPU with {device}", torch=known["torch"])


def machines(attempts: Iterable[Mapping[str, Any]]) -> Counter[Machine]:
    """How many units that ended well ran on each kind."""
    rows = (row for row in attempts if row["status"] in ENDED_WELL and row["images"])
    return Counter(found for row in rows if (found := machine_of(row)) is not None)


def mixed(attempts: Iterable[Mapping[str, Any]]) -> str | None:
    """What a person should know of a study that ran on several kinds, in a sentence; None where there is one."""
    found = machines(attempts)
    if len(found) < 2:
        return None
    kinds = "; ".join(f"{units:,} on {machine}" for machine, units in sorted(found.items()))
    return (
        f"its units ran on {len(found)} kinds of machine, whose results agree within rounding, not bit for bit: {kinds}"
    )
