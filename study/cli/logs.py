"""`study logs`: what the launches of a study said, from anywhere on its store."""

import time
from collections.abc import Sequence

from study.cli.launch_screen import ID_DIGITS
from study.cli.numbers import clock
from study.cli.places import store_suffix, study_of, trial_places
from study.cli.submitted import here, print_awaited, wait_for_beginning
from study.cli.terminal import Terminal
from study.cli.trial_screen import print_attempt
from study.store import Held, Store
from study.store.attempts import in_order
from study.store.logbook import BEGINNING, LogLine, Sitting, newest_sitting, read_end, read_lines, sittings
from study.store.submissions import awaited

FOLLOW_SECONDS = 2.0
ENDED = {"complete": "complete", "incomplete": "not complete", "stopped": "stopped", "failed": "ended by an error"}


def print_logs(
    typed: str, trial: str | None, store: str | None, *, every: bool, follow: bool, terminal: Terminal
) -> None:
    """The whole command."""
    opened, study = study_of(typed, store)
    if trial is not None:
        _of_trial(opened, study, trial, terminal)
        return
    submission = awaited(opened.objects, study)
    if submission is not None and follow and at_work(opened, study) is None:
        print_awaited(opened, submission, store_suffix(store), terminal)
        wait_for_beginning(opened, submission)
        submission = awaited(opened.objects, study)
    kept = sittings(opened.objects, study)
    if not kept and submission is None:
        terminal.print(f"No launch of {study} has kept lines in {opened.location}.")
        return
    for sitting in kept if every else kept[-1:]:
        _print_sitting(opened, sitting, terminal, follow=follow and sitting is kept[-1])
    if submission is not None:
        print_awaited(opened, submission, store_suffix(store), terminal)
    earlier = 0 if every or not kept else len(kept) - 1
    if earlier:
        terminal.print()
        also = "1 earlier launch" if earlier == 1 else f"{earlier} earlier launches"
        terminal.print(f"{also}:  study logs {study} --all{store_suffix(store)}")


def _print_sitting(store: Store, sitting: Sitting, terminal: Terminal, *, follow: bool) -> None:
    """Who and where, every line, how it ended; with `follow`, until it has."""
    terminal.print("\n".join(terminal.wrap(f"{sitting.study}    {told_of(sitting)}", 0, 2)))
    cursor = BEGINNING
    while True:
        standing = standing_of(store, sitting)
        lines, cursor = read_lines(store.objects, sitting, cursor)
        for line in lines:
            terminal.print(line_of(line))
        if not follow or standing is not None:
            break
        time.sleep(FOLLOW_SECONDS)
    terminal.print("\n".join(terminal.wrap(standing or "It is at work.", 0, 2)))


def _of_trial(store: Store, study: str, typed: str, terminal: Terminal) -> None:
    """What any launch said of one trial, and every attempt at it, with its worker's last words."""
    trial = next(place.trial for place in trial_places(typed, store))
    told = (line for one in sittings(store.objects, study) for line in read_lines(store.objects, one)[0])
    lines = [line for line in told if line.trial_id == trial.trial_id]
    for line in lines:
        terminal.print(line_of(line))
    if not lines:
        terminal.print(f"No launch of {study} whose lines are kept has said anything of {trial.trial_id}.")
    attempts = in_order(store.read("attempts", {trial.trial_id}).to_pylist())
    terminal.print()
    terminal.print(
        "  attempts, each time by its host's clock in UTC" if attempts else "  No attempt at it has ended yet."
    )
    for row in attempts:
        print_attempt(row, terminal)


def line_of(line: LogLine) -> str:
    """`2026-11-22 23:04:31  done      7c1e09a4  ST  gaussian_noise  alpha=0.316  clean=…  17/37`, by this clock."""
    trial = (line.trial_id or "")[:ID_DIGITS]
    parts = (trial, line.label, line.train_distortion, line.settings, line.message)
    score = f"{line.trials_done}/{line.trials}"
    return "  ".join((f"{here(line.at)}  {line.change:<8}", *(part for part in parts if part), score))


def told_of(sitting: Sitting) -> str:
    """`launched 2026-11-22 23:01:04 by ana on head-1, process 4711, as Ray job study-…; 2 workers on 3 nodes (…)`"""
    owner = sitting.owner
    said = f"launched {here(sitting.since)} by {owner.user} on {owner.host}, process {owner.pid}"
    said += f", as Ray job {sitting.job}" if sitting.job else ""
    said += f", on the cluster at {sitting.cluster}" if sitting.cluster else ""
    return said + (f"; {sitting.where}" if sitting.where else "")


def standing_of(store: Store, sitting: Sitting) -> str | None:
    """How it ended; None while it is at work, as far as anybody can tell."""
    end = read_end(store.objects, sitting)
    if end is not None:
        lasted = clock((end.at - sitting.since).total_seconds())
        said = f"{here(end.at)}  {ENDED[end.status]} after {lasted}"
        return f"{said}: {end.message}" if end.message else said
    if holder(store, sitting) is not None:
        return None
    lines = read_lines(store.objects, sitting)[0]
    last = f"; its last line is of {here(lines[-1].at)}" if lines else ""
    return f"It ended without a word: it was killed, or its machine was lost{last}."


def holder(store: Store, sitting: Sitting) -> Held | None:
    """The lease that this launch has on its study; None once it has given it back, or is known to be dead."""
    name = f"study/{sitting.study}"
    held = (one for one in store.leases("study") if one.name == name and one.generation == sitting.generation)
    return next((one for one in held if one.owner == sitting.owner), None)


def at_work(store: Store, study: str) -> Sitting | None:
    """The launch that is running, if one is."""
    newest = newest_sitting(store.objects, study)
    return newest if newest is not None and holder(store, newest) is not None else None


def where_lines(store: Store, study: str, suffix: str) -> Sequence[str]:
    """For `study status`: where a launch runs, or how the newest ended."""
    newest = newest_sitting(store.objects, study)
    if newest is None:
        return ()
    standing = standing_of(store, newest)
    if standing is None:
        commands = f"study logs {study} --follow{suffix}    study stop {study}{suffix}"
        return (f"running: {told_of(newest)}", f"  {commands}")
    return (f"last {told_of(newest)}", f"  {standing}", f"  study logs {study}{suffix}")
