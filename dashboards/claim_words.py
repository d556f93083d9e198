"""Claims in words and rows, as the page, the terminal and a README show them."""

import html
from collections.abc import Iterator, Sequence
from typing import Any

from dashboards.claims import PAPER
from dashboards.redrawn import DRAWS, Estimate
from dashboards.verdicts import Claim, Verdict
from dashboards.wording import count, points

MARKS: dict[Verdict, str] = {"holds": "✓", "fails": "✗", "cannot tell": "?", "cannot be asked": "–"}
RULES = (
    "Each claim is put as a difference of accuracy that lies above zero where the claim is right. Holds: the 95 % "
    "interval of that difference lies above zero. Fails: it lies below. Cannot tell: zero is within.",
    f"Intervals are from {DRAWS:,} draws of as many test images, with replacement, the same ones for all trials: what "
    "is compared is paired image by image, and many differences keep the correlation between them. They speak of "
    "other test images for these trained models; that another training of the same recipe would end elsewhere is not "
    "in them.",
    "Where a claim says never, best, or two things at once, its estimate is the least of several differences, and "
    "their intervals are simultaneous: in 95 % of samples every one of them is right. It fails where any lies below "
    "zero, and holds where each by itself lies above. The intervals of a claim's parts are simultaneous too. While a "
    "trial is not evaluated nobody can tell, but that what one trial refutes fails already.",
    "A range or a best over trials, read off the images that it is told for, is too large, as noise decides who is "
    "highest. Told in the order of one half of the images with the values of the other, it is too small. Its interval "
    "reaches from below the one to above the other.",
    "Matched trials are equal in all that trains them but what is compared: the distortion and its level, the epochs, "
    "the start, the replicate. Ranges and bests are over equally many trials: the mean over all subsets of the smaller "
    "number. A trial that diverged before any finite epoch counts, at chance on every image.",
    "No transfer needs a size below which a gain is none. It is half of what the best trial trained on the "
    "transformation itself gains, as trials of equivalence take half of the effect of a treatment known to work. "
    "Trials start from the baseline and train on, which is a gain too: where there are trials on undistorted copies "
    "(rotation by 0°), gains are over them, else over the baseline, as where the worst trial is set against it. "
    "Adversarial examples count as noise, as in the paper.",
)
"""How it is decided."""


def interval(estimate: Estimate) -> str:
    """`+1.8 (+0.4 to +3.2)`, points and their 95 % interval"""
    return f"{points(estimate.value)} ({points(estimate.low)} to {points(estimate.high)})"


def marked(verdict: Verdict) -> str:
    """`✓ holds`"""
    return f"{MARKS[verdict]} {verdict}"


def what(claim: Claim) -> str:
    """`40 pairs in 9 parts, on 400 images; 21 of 40 pairs ahead`"""
    return "; ".join(filter(None, (claim.compared, claim.beside)))


def tally(found: Sequence[Claim]) -> str:
    """`Of 7 claims 1 holds, 1 fails, 5 cannot be told.`"""
    verdicts = [claim.verdict for claim in found]
    holds, fails, open_, unasked = (verdicts.count(one) for one in ("holds", "fails", "cannot tell", "cannot be asked"))
    told = [f"{holds} {'holds' if holds == 1 else 'hold'}", f"{fails} {'fails' if fails == 1 else 'fail'}"]
    told += [f"of {open_} the images cannot tell"] if open_ else []
    told += [f"{unasked} cannot be asked"] if unasked else []
    return f"{count(len(found), 'claim')} of {PAPER}: {', '.join(told)}."


def rows(found: Sequence[Claim]) -> list[dict[str, Any]]:
    """One a claim, and one a part of a claim, whose name stands in `part`; differences in shares of 1."""
    return [row for claim in found for row in _rows(claim)]


def _rows(claim: Claim) -> Iterator[dict[str, Any]]:
    shared = {"name": claim.told.name, "claim": claim.told.sentence, "source": f"{PAPER}, {claim.told.source}"}
    yield {
        **shared, "part": None, "verdict": claim.verdict, **_numbers(claim.estimate), "compared": what(claim),
        "statistic": claim.told.statistic, "left_out": "; ".join(claim.left_out),
    }  # fmt: skip
    for part in claim.parts:
        yield {
            **shared, "part": part.name, "verdict": part.verdict, **_numbers(part.estimate), "compared": part.compared,
            "statistic": claim.told.statistic, "left_out": "",
        }  # fmt: skip


def _numbers(estimate: Estimate | None) -> dict[str, float | None]:
    if estimate is None:
        return {"difference": None, "low": None, "high": None}
    return {name: round(value, 6) for name, value in
            (("difference", estimate.value), ("low", estimate.low), ("high", estimate.high))}  # fmt: skip


def markdown(found: Sequence[Claim]) -> str:
    """A table for a README, without the parts."""
    head = ("claim", "in the paper", "compared", "points (95 %)", "verdict")
    body = (
        (
            claim.told.sentence, claim.told.source, "; ".join(filter(None, (what(claim), *claim.left_out))),
            "" if claim.estimate is None else interval(claim.estimate), f"**{claim.verdict}**",
        )
        for claim in found
    )  # fmt: skip
    lines = ["| " + " | ".join(map(_plain, row)) + " |" for row in (head, ("---",) * len(head), *body)]
    return "\n".join((*lines, "", tally(found)))


def _plain(text: str) -> str:
    """A study's own names neither end a cell nor become HTML."""
    return html.escape(text, quote=False).replace("|", "\\|")
