"""A paper's claims on stability training, each with its verdict from this study's results."""

import html

from dashboards.claim_words import RULES, interval, marked, rows, tally, what
from dashboards.claims import claims
from dashboards.parts import Column, Page, Slot, Table, Variant, paragraph, slot_html
from dashboards.results import Results
from dashboards.verdicts import Claim, Part

ORDER = 28
QUESTION = "Do these results bear out what the paper says?"
NOTE = "Differences are in points, with their 95 % interval; how each is decided stands below."
HEADS = ("claim", "verdict", "points (95 %)", "what was compared")


def page(results: Results) -> Page | None:
    """None where the study can be asked none of them."""
    found = claims(results)
    if all(claim.estimate is None for claim in found):
        return None
    slot = Slot(name="claims", title="Claims", variants=(Variant(when={}, table=_table(found)),))
    rules = "".join(paragraph(one) for one in RULES)
    body = (
        f"<h2>Claims of the paper</h2>{paragraph(f'{QUESTION} {tally(found)} {NOTE}', 'lead')}"
        f'<table class="claims"><thead><tr>{"".join(_head(one) for one in HEADS)}</tr></thead>'
        f"<tbody>{''.join(map(_row, found))}</tbody></table>"
        f"<details><summary>How it is decided</summary>{rules}</details>{slot_html(slot, classes='table-only')}"
    )
    return Page(name="claims", nav="Claims", body=body, slots=(slot,))


def _head(title: str) -> str:
    return f'<th scope="col">{html.escape(title)}</th>'


def _row(claim: Claim) -> str:
    verdict = claim.verdict
    estimate = "" if claim.estimate is None else _estimate(interval(claim.estimate))
    return (
        f'<tr><th scope="row">{html.escape(claim.told.sentence)}<small>{html.escape(claim.told.source)}</small></th>'
        f'<td class="verdict" data-verdict="{verdict}">{html.escape(marked(verdict))}</td><td>{estimate}</td>'
        f"<td>{html.escape(what(claim))}{_left_out(claim)}{_details(claim)}</td></tr>"
    )


def _estimate(text: str) -> str:
    """The value, and its interval below where there is no room beside."""
    value, ends = text.split(" ", 1)
    return f'<strong>{html.escape(value)}</strong> <span class="ends">{html.escape(ends)}</span>'


def _left_out(claim: Claim) -> str:
    if not claim.left_out:
        return ""
    said = "Not asked of" if claim.estimate is not None else "Why"
    return f"<small>{said}: {html.escape('; '.join(claim.left_out))}</small>"


def _details(claim: Claim) -> str:
    """What the estimate is of, and the parts of it."""
    parts = f"<ul>{''.join(map(_part, claim.parts))}</ul>" if len(claim.parts) > 1 else ""
    return (
        f"<details><summary>{'Parts' if parts else 'The difference'}</summary>"
        f"<p>The difference: {html.escape(claim.told.statistic)}.</p>{parts}</details>"
    )


def _part(part: Part) -> str:
    return (
        f"<li><strong>{html.escape(part.name)}</strong> <span>{html.escape(marked(part.verdict))}</span> "
        f"{html.escape(interval(part.estimate))} <small>{html.escape(part.compared)}</small></li>"
    )


def _table(found: tuple[Claim, ...]) -> Table:
    columns = (
        Column("name", "claim"), Column("claim", ""), Column("source", ""), Column("part", "part"),
        Column("verdict", "verdict"), Column("difference", "difference", "points"), Column("low", "from", "points"),
        Column("high", "to", "points"), Column("compared", "compared"), Column("statistic", ""),
        Column("left_out", "not asked of"),
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(tuple(row[one.name] for one in columns) for row in rows(found)))
