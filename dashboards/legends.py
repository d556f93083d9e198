"""The legend of a figure with a line a trial."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from dashboards.palette import BASELINE, Look
from dashboards.parts import Family
from dashboards.wording import count


class Line(Protocol):
    """A trial's line."""

    @property
    def label(self) -> str: ...

    @property
    def baseline(self) -> bool: ...


def families(lines: Sequence[Line], drawn_as: Mapping[str, Look]) -> Iterator[Family]:
    """One a label, in the order of the lines."""
    trials = Counter(line.label for line in lines)
    for line in {one.label: one for one in lines}.values():
        look = BASELINE if line.baseline else drawn_as[line.label]
        yield Family(
            name=line.label, label=line.label, colour=look.colour, symbol=look.symbol, has_band=False,
            note=count(trials[line.label], "trial"),
        )  # fmt: skip
