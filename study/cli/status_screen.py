"""How far the studies of a store are."""

from study.cli.end_screen import diverged_lines, failure_lines, incomplete_line
from study.cli.logs import at_work, where_lines
from study.cli.places import newest
from study.cli.submitted import print_awaited
from study.cli.terminal import Column, Terminal, count, lay_out
from study.machines import mixed
from study.plan import Plan
from study.report import Naming, failures
from study.standing import look, newest_failures
from study.store import Store
from study.store.submissions import awaited
from study.summary import Counts, Summary, summarise

COUNTED = ("total", "done", "running", "failed", "diverged", "pruned", "blocked", "held", "left")
TITLES = {"total": "trials", "done": "trained"}
"""A trial that is trained may still be evaluated under more."""


def print_status(store: Store, plan: Plan, summary: Summary, terminal: Terminal, suffix: str) -> None:
    """One study: counts by label, then what went wrong."""
    terminal.print("\n".join(terminal.wrap(f"{plan.study}    {plan.title}".rstrip())))
    terminal.print()
    for line in _counts_table(summary, terminal):
        terminal.print(line)
    terminal.print()
    for line in _standing(summary, terminal):
        terminal.print(line)
    for line in (*where_lines(store, plan.study, suffix), *_starting(store, plan.study)):
        terminal.print("\n".join(terminal.wrap(line, 0, 2) if not line.startswith("  ") else [terminal.text(line)]))
    if (submission := awaited(store.objects, plan.study)) is not None:
        print_awaited(store, submission, suffix, terminal)
    if told := mixed(store.read("attempts", {trial.trial_id for trial in plan.trials}).to_pylist()):
        terminal.print("\n".join(terminal.wrap(told, 0, 2)))
    if summary.trials.diverged:
        terminal.print("\n".join(diverged_lines(summary.trials.diverged, terminal)))
    found = failures(plan, newest_failures(store, plan))
    for line in failure_lines(found, Naming(plan), terminal, plan.study, suffix):
        terminal.print(line)


def _counts_table(summary: Summary, terminal: Terminal) -> list[str]:
    rows = [*summary.by_method.items(), ("all", summary.trials)]
    columns = [Column(""), *(Column(TITLES.get(name, name), "right") for name in (*COUNTED, "evaluations"))]
    laid = lay_out(
        columns, [[terminal.text(label), *_numbers(counts)] for label, counts in rows], terminal.width, gap=3
    )
    return [laid.header, *laid.lines]


def _numbers(counts: Counts) -> list[str]:
    numbers = [f"{getattr(counts, name):,}" if getattr(counts, name) else "" for name in COUNTED]
    return [*numbers, f"{counts.evaluations_done:,} of {counts.evaluations:,}"]


def _starting(store: Store, study: str) -> list[str]:
    """Who has the study, where that launch has no lines in its logbook yet."""
    if at_work(store, study) is not None:
        return []
    return [f"running: {held.owner}, since {held.since}" for held in store.leases("study")
            if held.name == f"study/{study}"]  # fmt: skip


def _standing(summary: Summary, terminal: Terminal) -> list[str]:
    if summary.complete:
        evaluations = count(summary.evaluations, "evaluation")
        pruned = f", {summary.trials.pruned:,} pruned" if summary.trials.pruned else ""
        line = f"{summary.study} is complete: {count(summary.trials.total, 'trial')}{pruned}, {evaluations}"
    else:
        line = incomplete_line(summary)
    return terminal.wrap(line)


def print_studies(store: Store, terminal: Terminal) -> None:
    """Every study of the store, a line each."""
    columns = (
        Column("study"), Column("trials", "right"), Column("done", "right"), Column("failed", "right"),
        Column("evaluations", "right"), Column("launched"), Column("title"),
    )  # fmt: skip
    rows = [[terminal.text(cell) for cell in _study_row(store, study)] for study in store.studies()]
    laid = lay_out(columns, rows, terminal.width)
    terminal.print(laid.header)
    for line in laid.lines:
        terminal.print(line)


def _study_row(store: Store, study: str) -> list[str]:
    launch = newest(store, study)
    summary = summarise(launch.plan, look(store, launch.plan))
    trials = summary.trials
    return [
        study, f"{trials.total:,}", f"{trials.done:,}", f"{trials.failed:,}",
        f"{summary.evaluations_done:,} of {summary.evaluations:,}", _launched(launch.provenance.get("time")),
        launch.title,
    ]  # fmt: skip


def _launched(time: object) -> str:
    """UTC to the minute: `2026-11-21 12:04`."""
    return str(time)[:16].replace("T", " ") if time else ""
