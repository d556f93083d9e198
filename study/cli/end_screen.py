"""After a launch: what came of it, the table of worst and best, and what to type next."""

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from study.cli.launch_screen import ID_DIGITS, in_symbols
from study.cli.numbers import clock, percent, with_error
from study.cli.terminal import Column, Laid, Terminal, count, lay_out
from study.report import EndRow, EndTable, Failure, Naming, figure, hyperparameters
from study.summary import Counts, Summary
from trainables.recipe import Family

RETRY = {"out_of_memory": " --retry oom", "user": " --retry failed"}
"""By failure class: what a launch needs to try again. Others are tried again anyway."""
NEXT_WIDTH = 42
"""Columns, at least, of a command before its explanation."""
LONG = 80
"""Columns of a command beside which the others do not wait."""
NUMBERS: dict[Family, tuple[tuple[str, str], ...]] = {
    "sweep": (("bands", "the numbers behind the bands"), ("practical", "worst and best for every pair of distortions")),
    "corruption": (("mce", "mean corruption errors; `ce` has each corruption's"),),
    "perturbation": (("mfr", "mean flip rates; `flip_rates` has each perturbation's"),),
    "attack": (("attacks", "success, L∞ and PASS of each attack, and what PGD leaves"),),
    "noise_stability": (("stability_pairs", "answers that noise changes, beside the baseline's, by stage"),),
}
"""Family of conditions → the views of its results, and what they show."""


def print_end_table(table: EndTable, naming: Naming, terminal: Terminal, study: str, suffix: str) -> None:
    """Worst and best of every label at each practical level."""
    if not table.rows:
        return
    for line in (
        f"{table.measure.capitalize()} in % on {table.n:,} test images (± one standard error) at the practical level.",
        "Best and worst are picked on these same images, as the paper does: they show a range, not a choice.",
    ):
        terminal.print("\n".join(terminal.wrap(line)))
    terminal.print()
    for line in end_lines(table, naming, terminal):
        terminal.print(line)
    if table.other_pairs:
        terminal.print()
        pairs = count(table.other_pairs, "train × test pair")
        terminal.print(f"  The other {pairs}:  study query {study} practical{suffix}")


def end_lines(table: EndTable, naming: Naming, terminal: Terminal) -> list[str]:
    """The table; where it is too wide `trained on` moves below `tested on`, then the rightmost columns go."""
    wide = _end_layout(_wide_rows(table.rows, naming), ("tested on", "trained on"), terminal)
    laid = _end_layout(_narrow_rows(table.rows, naming), ("tested on",), terminal) if wide.hidden else wide
    return [laid.header, *laid.lines]


def _end_layout(rows: Iterable[Sequence[str]], first: tuple[str, ...], terminal: Terminal) -> Laid:
    columns = (
        *map(Column, first), Column("method"), Column("trials", "right"), Column("worst", "right"),
        Column("best", "right"), Column("width", "right"), Column("worst at"), Column("best at"),
    )  # fmt: skip
    return lay_out(columns, [[terminal.text(cell) for cell in row] for row in rows], terminal.width)


def _wide_rows(rows: Sequence[EndRow], naming: Naming) -> Iterator[list[str]]:
    for before, row in zip((None, *rows), rows, strict=False):
        same = before is not None and before.test_distortion == row.test_distortion
        yield ["" if same else _tested(row), row.train_distortion or "", *_band(row, naming)]


def _narrow_rows(rows: Sequence[EndRow], naming: Naming) -> Iterator[list[str]]:
    for before, row in zip((None, *rows), rows, strict=False):
        if row.train_distortion is not None and (before is None or before.test_distortion != row.test_distortion):
            yield [_tested(row), *[""] * len(_band(row, naming))]
        yield [_tested(row) if row.train_distortion is None else "  trained on it", *_band(row, naming)]


def _tested(row: EndRow) -> str:
    return f"{row.test_distortion} {figure(row.level)}"


def _band(row: EndRow, naming: Naming) -> list[str]:
    if row.trials == 1:
        return [row.label, "1", "", with_error(row.best.share), "", "", _at(naming, row, "best")]
    return [
        row.label, str(row.trials), with_error(row.worst.share), with_error(row.best.share), percent(row.width),
        _at(naming, row, "worst"), _at(naming, row, "best"),
    ]  # fmt: skip


def _at(naming: Naming, row: EndRow, which: str) -> str:
    standing = row.worst if which == "worst" else row.best
    return in_symbols(naming, standing.trial, " ")


def complete_line(summary: Summary, seconds: float) -> str:
    """`demo_mnist is complete: 37 trials, 962 evaluations, none failed, none diverged, 2:05`"""
    trials = summary.trials
    return (
        f"{summary.study} is complete: {count(trials.total, 'trial')}, {count(summary.evaluations, 'evaluation')}, "
        f"none failed, {trials.diverged or 'none'} diverged, {_pruned(trials)}{clock(seconds)}"
    )


def _pruned(trials: Counts) -> str:
    """`31 pruned, `; nothing where none is."""
    return f"{trials.pruned:,} pruned, " if trials.pruned else ""


def nothing_line(summary: Summary, store: str) -> str:
    trials, done = summary.trials, summary.evaluations_done
    return (
        f"{summary.study} is complete: {trials.done:,} of {count(trials.total, 'trial')}, {_pruned(trials)}"
        f"{done:,} of {count(summary.evaluations, 'evaluation')} in {store}.  Nothing to do."
    )


def incomplete_line(summary: Summary) -> str:
    """`grid_tifs is not complete: 290 of 296 done, 3 of them diverged, 1 failed`"""
    trials = summary.trials
    said = [f"{trials.done:,} of {count(trials.total, 'trial')} done"]
    if trials.diverged:
        said.append(f"{trials.diverged} of them diverged")
    said += [f"{number} {name}" for name, number in _unfinished(trials) if number]
    missing = summary.evaluations - summary.evaluations_done
    if missing:
        said.append(f"{count(missing, 'evaluation')} left")
    if summary.retrain:
        said.append(f"{count(summary.retrain, 'trial')} to be trained again for them (--retrain)")
    return f"{summary.study} is not complete: {', '.join(said)}"


def _unfinished(trials: Counts) -> tuple[tuple[str, int], ...]:
    left = trials.left
    held = ("held by another launch", trials.held)
    return (
        ("pruned", trials.pruned), ("failed", trials.failed), ("blocked", trials.blocked),
        ("running", trials.running), held, ("left", left),
    )  # fmt: skip


def failure_lines(
    failures: Sequence[Failure], naming: Naming, terminal: Terminal, spec: str, suffix: str
) -> Iterator[str]:
    """One group of equal errors: how many, which, why, and what to type."""
    for failure in failures:
        first = failure.trials[0]
        what = " ".join(part for part in (first.label, first.train_distortion, hyperparameters(naming, first)) if part)
        more = f" and {len(failure.trials) - 1} more" if len(failure.trials) > 1 else ""
        tries = count(failure.tries, "try", "tries")
        text = f"{len(failure.trials):<4}{first.trial_id[:ID_DIGITS]}  {what}{more}: {failure.error}, {tries}"
        yield from terminal.wrap(f"{'failed':<10}{text}", 2, 16)
        retry = RETRY.get(failure.failure_class, "")
        why = f"study why {first.trial_id[:ID_DIGITS]}{suffix}"
        yield f"{'':16}{why}        study launch {spec}{retry}{suffix}"


def diverged_lines(diverged: int, terminal: Terminal) -> list[str]:
    text = (
        f"{'diverged':<10}{diverged:<4}loss stopped being finite.  A result: kept in the bands, at the best finite "
        "epoch or at chance; not retried"
    )
    return terminal.wrap(text, 2, 16)


def print_next(terminal: Terminal, commands: Sequence[tuple[str, str]]) -> None:
    """Commands ready to paste, and what each is for."""
    terminal.print()
    terminal.print("Next")
    widest = max([NEXT_WIDTH, *(len(command) + 4 for command, _ in commands if len(command) <= LONG)])
    for command, why in commands:
        terminal.print("\n".join(terminal.wrap(f"{command:<{widest - 2}}  {why}", 2, widest + 2)))


def next_commands(
    study: str,
    spec: str | None,
    suffix: str,
    families: Collection[Family],
    searched: bool = False,
    runs: str | None = None,
) -> Iterator[tuple[str, str]]:
    """What to do with a study that is complete. `spec`: its YAML, if it was launched from one; `families`: of its
    conditions; `runs`: MLflow's address, where a server has them."""
    activate = activation()
    if activate:
        yield f"source {activate}", "once in each terminal"
    yield f"study dashboard {study}{suffix}", f"its figures, in a browser ({study}.html)"
    if runs is None:
        yield f"study ui{suffix}", "every run, in MLflow at http://127.0.0.1:5000"
    else:
        yield runs, "every run, in MLflow"
    if searched:
        yield f"study query {study} pareto{suffix}", "every point that the search drew"
    for view, what in (one for family, views in NUMBERS.items() if family in families for one in views):
        yield f"study query {study} {view}{suffix}", what
    yield "study query --help", "the tables and views, with worked queries"
    if spec is not None:
        yield f"study launch {spec}{suffix}", "trains nothing now; widen a range and only the new points run"


def activation() -> str | None:
    """The script that puts `study` on the path, where this Python's environment is not active."""
    script = Path(sys.prefix, "bin", "activate")
    if os.environ.get("VIRTUAL_ENV") == sys.prefix or sys.prefix == sys.base_prefix or not script.is_file():
        return None
    here = Path.cwd()
    return str(script.relative_to(here) if script.is_relative_to(here) else script)
