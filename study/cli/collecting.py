"""`study gc`: what nobody needs in a store, and deleting it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from study.cli.numbers import duration, size
from study.cli.places import open_store, store_suffix
from study.cli.terminal import Column, Terminal, count, lay_out
from study.garbage import OF_NO_STUDY, Collected, Garbage, Kind, Survey, by_studies, collect, survey

KINDS: Mapping[Kind, str] = {
    "unfinished": "unfinished trainings of no study",
    "superseded": "checkpoints that finished trials do not need",
    "leases": "leases of processes that are dead",
    "temporary": "half-written files of killed processes",
    "results": "results and weights of trials of no study",
}
SHOWN_STUDIES = 10
"""Lines at most that say where trials once belonged."""
HOUR = 3600.0


def collect_garbage(given: str | None, delete: bool, with_results: bool, hours: float, terminal: Terminal) -> None:
    """Show what would go, or delete it and show what went."""
    store = open_store(given)
    if delete:
        lines = _deleted(collect(store, hours * HOUR, with_results), terminal)
    else:
        command = f"study gc --delete{' --results' if with_results else ''}{store_suffix(given)}"
        lines = _found(survey(store, hours * HOUR), with_results, hours, command, terminal)
    for line in lines:
        terminal.print(line)


def _found(found: Survey, with_results: bool, hours: float, command: str, terminal: Terminal) -> Iterator[str]:
    goes = [one for one in found.garbage if with_results or one.kind != "results"]
    results = [one for one in found.garbage if one.kind == "results" and not with_results]
    yield from _table(found.garbage, terminal)
    yield ""
    yield from _origins(found.garbage, terminal)
    if found.young:
        age = duration(hours * HOUR)
        yield from terminal.wrap(f"left alone: {count(found.young, 'trial')} of no study, for less than {age}")
    for trial_id in found.held:
        yield from terminal.wrap(f"left alone: {trial_id}, of no study, which a launch is at work on")
    if goes:
        yield from terminal.wrap(f"Nothing was deleted.  `{command}` frees {size(_bytes(goes))}")
    else:
        yield "Nothing is to be deleted."
    if results:
        yield from terminal.wrap(
            f"Results are kept: with --results, {size(_bytes(results))} more goes, and what was computed is lost"
        )


def _deleted(collected: Collected, terminal: Terminal) -> Iterator[str]:
    if collected.deleted:
        yield from _table(collected.deleted, terminal)
        yield ""
    yield from _origins(collected.deleted, terminal)
    if collected.launches:
        studies = ", ".join(collected.launches)
        yield from terminal.wrap(
            f"What belongs to no study was left alone: a launch of {studies} may take it up; try again later"
        )
    others = [one for one in collected.in_use if not (collected.launches and one.kind in OF_NO_STUDY)]
    if others:
        yield from terminal.wrap(f"{size(_bytes(others))} of {_files(others)} left alone: somebody is at work on them")
    yield f"{size(_bytes(collected.deleted))} freed." if collected.deleted else "There was nothing to delete."


def _table(garbage: Iterable[Garbage], terminal: Terminal) -> Iterator[str]:
    garbage = list(garbage)
    rows = []
    for kind, told in KINDS.items():
        if own := [one for one in garbage if one.kind == kind]:
            trials = {one.trial_id for one in own if one.trial_id is not None}
            files = sum(len(one.names) for one in own)
            rows.append([told, f"{len(trials):,}" if trials else "", f"{files:,}", size(_bytes(own))])
    columns = (Column("what"), Column("trials", "right"), Column("files", "right"), Column("size", "right"))
    laid = lay_out(columns, rows, terminal.width)
    if rows:
        yield laid.header
        yield from laid.lines


def _origins(garbage: Iterable[Garbage], terminal: Terminal) -> Iterator[str]:
    """Where the trials once belonged, and what becomes of their runs."""
    origins: Counter[tuple[str, ...]] = by_studies(garbage)
    for studies, trials in origins.most_common(SHOWN_STUDIES):
        told = f"once in {', '.join(studies)}" if studies else "in no launch that is recorded here"
        yield from terminal.wrap(f"{count(trials, 'trial')} {told}")
    if len(origins) > SHOWN_STUDIES:
        yield f"and {count(sum(origins.values()), 'trial')} in all"
    if origins:
        yield from terminal.wrap("Their runs in MLflow go when `study track` next brings those studies up to date")
        yield ""


def _bytes(garbage: Iterable[Garbage]) -> int:
    return sum(one.bytes for one in garbage)


def _files(garbage: Iterable[Garbage]) -> str:
    return count(sum(len(one.names) for one in garbage), "file")
