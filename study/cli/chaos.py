"""`study chaos`: disturbs a small study for real, and says whether its results are those of the study left alone."""

import signal
import statistics
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import FrameType
from typing import Any

from study.chaos import runs
from study.chaos.faults import Place
from study.chaos.series import Run, Series, chosen, series, study_of
from study.cli.errors import UNFINISHED
from study.cli.numbers import duration
from study.cli.terminal import Column, Terminal, count, lay_out
from study.store import Store
from study.store.location import store_location

Row = Mapping[str, Any]
HELD = (
    "every planned row once, none computed again after its commit, tables and models equal to the undisturbed study's, "
    "nothing left over"
)


def disturb(
    source: str, overrides: Sequence[str], kinds: Sequence[str], number: int | None, seed: int, store: str | None,
    address: str | None, confirmed: bool, terminal: Terminal,
) -> int:  # fmt: skip
    """The whole command; its exit status."""
    place = Place(store=store_location(store), address=address)
    faults = chosen(kinds, place, confirmed)
    wanted = series(tuple(faults), number, seed)
    study = study_of(source, overrides, place)
    if address is not None:
        from study.executor.cluster import offered  # Ray

        offered(address)  # raises ClusterError, in a sentence, where no cluster answers
    kept = Store.open(place.store)
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        with Series(study=study, place=place, faults=faults, kept=kept, say=terminal.print) as at:
            _play(at, wanted, terminal)
    except KeyboardInterrupt:
        terminal.print("Stopped.  Verdicts are kept: the same command goes on from here.")
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    made = {(run.kind, run.number) for run in wanted}
    rows = [row for row in runs.read(kept, study.key, seed).to_pylist() if (row["kind"], row["number"]) in made]
    _tell(rows, kept, study.key, terminal)
    return 0 if all(row["holds"] for row in rows) else UNFINISHED


def _leave(_number: int, _frame: FrameType | None) -> None:
    """As Ctrl-C: what was started is ended, and the next time goes on after the last verdict."""
    raise KeyboardInterrupt


def _play(at: Series, wanted: Sequence[Run], terminal: Terminal) -> None:
    missing = list(at.missing(wanted))
    if len(missing) < len(wanted):
        terminal.print(f"{len(wanted) - len(missing)} of {count(len(wanted), 'run')} have their verdict already")
    for run in missing:
        with _shown(f"{run.kind} {run.number}: under way", terminal):
            row = at.play(run)
        terminal.print(f"{run.kind} {run.number}: {_sentence(row)}")


def _shown(what: str, terminal: Terminal) -> AbstractContextManager[object]:
    """A line that goes again; nothing in a file or a pipe."""
    return terminal.console.status(terminal.text(what)) if terminal.live else nullcontext()


def _sentence(row: Row) -> str:
    told = f"{row['fault']}, {count(row['hit'], 'unit')} hit, {row['lost']:.1f} s of work lost"
    told += f", at work again after {row['recovered']:.1f} s"
    return f"{told}; " + ("holds" if row["holds"] else f"DOES NOT HOLD: {'; '.join(row['broken'])}")


def _tell(rows: Sequence[Row], kept: Store, study: str, terminal: Terminal) -> None:
    """A line for each kind, then what does not hold."""
    columns = (
        Column("fault"), Column("runs", "right"), Column("hold", "right"), Column("units hit", "right"),
        Column("lost, median", "right"), Column("worst", "right"), Column("at work again, median", "right"),
        Column("worst", "right"), Column("missed", "right"),
    )  # fmt: skip
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    laid = lay_out(columns, [_line([row for row in rows if row["kind"] == kind]) for kind in kinds], terminal.width)
    terminal.print()
    for line in (laid.header, *laid.lines):
        terminal.print(line)
    terminal.print()
    held = [row for row in rows if row["holds"]]
    worst = max((row["lost"] for row in rows), default=0.0)
    told = f"{len(held)} of {count(len(rows), 'run')} hold"
    terminal.print(f"{told}: {HELD}." if len(held) == len(rows) else f"{told}.")
    terminal.print(
        f"Worst work lost: at most {worst:.1f} s of one trial.  {duration(sum(row['seconds'] for row in rows))} in all."
    )
    for row in (row for row in rows if not row["holds"]):
        terminal.print(f"{row['kind']} {row['number']} does not hold ({row['fault']}): {'; '.join(row['broken'])}")
        place = f"{kept.location}/{runs.place_of(study, row['kind'], row['seed'], row['number'])}"
        terminal.print(f"  its store: {place}")
        terminal.print(f"  what its launches printed: {place}.log")


def _line(rows: Sequence[Row]) -> list[str]:
    lost, back = ([row[name] for row in rows] for name in ("lost", "recovered"))
    return [
        rows[0]["kind"], f"{len(rows):,}", f"{sum(row['holds'] for row in rows):,}",
        f"{sum(row['hit'] for row in rows):,}",
        f"{statistics.median(lost):.1f} s", f"{max(lost):.1f} s",
        f"{statistics.median(back):.1f} s", f"{max(back):.1f} s", f"{sum(row['missed'] for row in rows):,}",
    ]  # fmt: skip
