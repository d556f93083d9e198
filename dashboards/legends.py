"""Legends: the methods that a figure shows."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from dashboards.figures.bands import Band, BandsInfo
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
    """One a label, in the order of the lines: of a figure with a line a trial."""
    trials = Counter(line.label for line in lines)
    for line in {one.label: one for one in lines}.values():
        look = BASELINE if line.baseline else drawn_as[line.label]
        yield Family(
            name=line.label, label=line.label, colour=look.colour, symbol=look.symbol, has_band=False,
            note=count(trials[line.label], "trial"),
        )  # fmt: skip


def band_families(info: BandsInfo, drawn_as: Mapping[str, Look]) -> Iterator[Family]:
    """The baseline, then one a band: a figure's checkboxes."""
    if info.baseline_label is not None and any(one is not None for one in info.baseline):
        yield Family(
            name=info.baseline_label, label=info.baseline_label, colour=BASELINE.colour, symbol=BASELINE.symbol,
            note=info.baseline_name.removeprefix(info.baseline_label).removeprefix(", "), has_band=False,
        )  # fmt: skip
    for band in info.bands:
        look = drawn_as[band.label]
        yield Family(
            name=band.name, label=band.label, colour=look.colour, symbol=look.symbol, note=_note(band),
            has_band=band.evaluated > 1,
        )  # fmt: skip


def _note(band: Band) -> str:
    """`6 trials, 1 of 6 diverged`"""
    number = count(band.evaluated, "trial")
    told = number if band.evaluated == band.planned else f"{band.evaluated} of {count(band.planned, 'trial')} so far"
    return f"{told}, {band.diverged} of {band.evaluated} diverged" if band.diverged else told
