"""`study claims`: a paper's claims on stability training and what a study's results say of each."""

import json
from collections.abc import Sequence

import pyarrow as pa
import typer

from dashboards.claim_words import interval, markdown, rows, tally, what
from dashboards.claims import claims
from dashboards.reading import read_results
from dashboards.verdicts import Claim
from study.cli.places import open_store, study_name
from study.cli.querying import as_csv
from study.cli.terminal import Terminal

HANG = 19


def print_claims(study: str, store: str | None, form: str, terminal: Terminal) -> None:
    """The whole command."""
    opened = open_store(store)
    found = claims(read_results(opened, study_name(study, opened)))
    if form == "table":
        _print(found, terminal)
    elif form == "markdown":
        terminal.print(markdown(found))
    elif form == "json":
        typer.echo(json.dumps(rows(found), ensure_ascii=False))
    else:
        typer.echo(as_csv(pa.Table.from_pylist(rows(found))), nl=False)


def _print(found: Sequence[Claim], terminal: Terminal) -> None:
    for claim in found:
        _lines(f"{claim.verdict:<{HANG - 2}}{claim.told.sentence}", terminal, indent=2)
        if claim.estimate is not None:
            _lines(f"{interval(claim.estimate)} points; {what(claim)}", terminal)
        for part in claim.parts if len(claim.parts) > 1 else ():
            _lines(f"· {part.name}: {part.verdict}, {interval(part.estimate)}; {part.compared}", terminal)
        if claim.left_out:
            _lines(f"not asked of: {'; '.join(claim.left_out)}", terminal)
        terminal.print()
    _lines(tally(found), terminal, indent=2, hang=2)


def _lines(text: str, terminal: Terminal, indent: int = HANG, hang: int = HANG) -> None:
    terminal.print("\n".join(terminal.wrap(text, indent, hang)))
