"""Verdicts on claims: what is compared, the interval of the difference, and on which side of zero it lies.

A claim is put as differences of accuracy that lie above zero where it is right. Each has an interval from test images
drawn anew (`dashboards.redrawn`), the same ones for all trials. It speaks of other test images for these trained
models; that another training of the same recipe would end elsewhere is not in it.

A claim holds where the interval of its statistic lies above zero, fails where it lies below, and else nobody can tell.
Its statistic is of one of two kinds.

* A mean over pairs of trials, or over bands. One interval of 95 %.
* The least of several differences, where the claim says `never`, `best`, or two things at once. Their intervals are
  simultaneous: in 95 % of samples every one of them is right. The claim fails where any lies below zero. It holds where
  each by itself lies above: the one that is truly least does so falsely in 2.5 % of samples, and all do no more often.

While a trial is not evaluated nobody can tell, but that what one trial refutes (`never`) fails already. What says two
things at once and can be asked only one of them cannot hold, but can fail.

The parts of a claim, by figure, have simultaneous intervals too: one of many that stands out has no free try.
"""

from dataclasses import dataclass, replace
from typing import Literal

from dashboards.evidence import Evidence
from dashboards.redrawn import Bounded, Estimate, average, intervals, lowest
from dashboards.wording import count

Verdict = Literal["holds", "fails", "cannot tell", "cannot be asked"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One figure's share in a claim, or one of the things it says at once."""

    name: str
    compared: str
    estimate: Estimate
    """From intervals that are simultaneous over the parts of its claim."""

    @property
    def verdict(self) -> Verdict:
        return decided(self.estimate)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a claim says, whatever the results."""

    name: str
    sentence: str
    source: str
    """Where in the paper."""
    statistic: str
    """What the estimate is of; above zero where the claim is right."""
    refuted_by_one: bool = False
    """Whether one trial alone refutes it, so that no trial that is still missing can save it."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim, and what the study says of it."""

    told: Told
    compared: str = ""
    """How many of what, under which conditions."""
    beside: str = ""
    """What else tells: how many pairs are ahead, which trial is lowest."""
    estimate: Estimate | None = None
    """None where it cannot be asked."""
    parts: tuple[Part, ...] = ()
    left_out: tuple[str, ...] = ()
    """Of what it cannot be asked, and why."""
    unfinished: bool = False
    """Whether a trial that it is about is not evaluated."""
    partial: bool = False
    """Whether it says several things at once and cannot be asked all of them."""

    @property
    def verdict(self) -> Verdict:
        if self.estimate is None:
            return "cannot be asked"
        verdict = decided(self.estimate)
        may_hold = not self.unfinished and not self.partial
        may_fail = not self.unfinished or self.told.refuted_by_one
        may = {"holds": may_hold, "fails": may_fail}
        return verdict if may.get(verdict, True) else "cannot tell"


def decided(estimate: Estimate) -> Verdict:
    """By which side of zero the interval lies on."""
    if estimate.low > 0:
        return "holds"
    return "fails" if estimate.high < 0 else "cannot tell"


@dataclass(frozen=True, kw_only=True, eq=False)
class Differences:
    """Those of one part of a claim, each above zero where the claim is right."""

    name: str
    compared: str
    values: tuple[tuple[str, Bounded], ...]
    """(what is compared, on each draw)"""

    @property
    def ahead(self) -> int:
        return sum(values.observed > 0 for _, values in self.values)

    @property
    def mean(self) -> Bounded:
        return average([values for _, values in self.values])


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """What a claim was asked of, and what it was not."""

    parts: tuple[Differences, ...]
    left_out: tuple[str, ...]
    missing: tuple[str, ...]
    """Trials that it is about and that have no result."""
    absent: tuple[str, ...] = ()
    """Which of the things said at once this study has no trials for."""


def mean_claim(told: Told, evidence: Evidence, asked: Asked, noun: str) -> Claim:
    values = [one for part in asked.parts for _, one in part.values]
    if not values:
        return _unasked(told, asked)
    (estimate,) = intervals([average(values)], evidence.n)
    parts = intervals([part.mean for part in asked.parts], evidence.n)
    number = sum(part.ahead for part in asked.parts)
    which = {"band": "narrower"}.get(noun, "ahead")
    return Claim(
        told=told,
        compared=_compared(asked, len(values), noun, evidence),
        beside=f"{number} of {count(len(values), noun)} {which}",
        estimate=estimate,
        parts=tuple(
            Part(name=part.name, compared=part.compared, estimate=one)
            for part, one in zip(asked.parts, parts, strict=True)
        ),
        left_out=(*asked.missing, *asked.absent, *asked.left_out),
        unfinished=bool(asked.missing),
        partial=bool(asked.absent),
    )


def least_claim(told: Told, evidence: Evidence, asked: Asked, noun: str) -> Claim:
    several = [(part.name, *one) for part in asked.parts for one in part.values]
    if not several:
        return _unasked(told, asked)
    estimates = intervals([values for _, _, values in several], evidence.n)
    name, which, _ = min(several, key=lambda one: one[2].observed)
    alone = [intervals([values], evidence.n)[0] for _, _, values in several]
    split = iter(estimates)
    grouped = [[next(split) for _ in part.values] for part in asked.parts]
    return Claim(
        told=told,
        compared=_compared(asked, len(several), noun, evidence),
        beside=f"least: {which} in {name}" if which else f"least: {name}",
        estimate=replace(lowest(estimates), low=min(one.low for one in alone)),
        parts=tuple(
            Part(name=part.name, compared=part.compared, estimate=lowest(own))
            for part, own in zip(asked.parts, grouped, strict=True)
        ),
        left_out=(*asked.missing, *asked.absent, *asked.left_out),
        unfinished=bool(asked.missing),
        partial=bool(asked.absent),
    )


def _unasked(told: Told, asked: Asked) -> Claim:
    return Claim(told=told, left_out=(*asked.missing, *asked.absent, *asked.left_out))


def _compared(asked: Asked, number: int, noun: str, evidence: Evidence) -> str:
    """`56 pairs in 6 parts, on 400 images`"""
    told = count(number, noun)
    parts = f" in {len(asked.parts)} parts" if 1 < len(asked.parts) < number else ""
    return f"{told}{parts}, on {count(evidence.n, 'image')}"
