"""`study stop`: asks the launch of a study, wherever it runs, to stop as Ctrl-C does."""

import time

from study.cli.end_screen import incomplete_line
from study.cli.errors import HELD, UNFINISHED
from study.cli.logs import at_work, holder, told_of
from study.cli.places import newest, store_suffix, study_of
from study.cli.submitted import ask_ray, here, told_of_refusal, told_of_submission, wait_for_beginning
from study.cli.terminal import Terminal
from study.standing import look
from study.store import Owner, Store
from study.store.logbook import Sitting, ask_to_stop, read_end
from study.store.submissions import Submission, ask_not_to_begin, awaited, read_refusal, withdraw
from study.summary import summarise

LOOK_SECONDS = 0.5
BEGINNING_SECONDS = 10.0
"""How long a launch that has the study's lease may take to show itself."""


def stop(typed: str, store: str | None, *, wait: bool, seconds: float, terminal: Terminal) -> int:
    """The whole command; its exit status."""
    opened, study = study_of(typed, store)
    sitting = _found(opened, study)
    submission = awaited(opened.objects, study)
    if sitting is None and submission is not None and read_refusal(opened.objects, submission) is None:
        return _stop_awaited(opened, submission, store_suffix(store), terminal, wait=wait, seconds=seconds)
    if sitting is None:
        terminal.print("\n".join(terminal.wrap(_nothing(opened, study))))
        return UNFINISHED
    ask_to_stop(opened.objects, sitting, _asker(study))
    terminal.print("\n".join(terminal.wrap(f"Asked to stop: {study}, {told_of(sitting)}", 0, 2)))
    suffix = store_suffix(store)
    if not wait:
        terminal.print(f"It finishes its slice and keeps a checkpoint.  To see it end:  study status {study}{suffix}")
        return 0
    return _wait(opened, sitting, seconds, suffix, terminal)


def _asker(study: str) -> str:
    owner = Owner.here(f"study stop {study}")
    return f"{owner.user} on {owner.host}, with study stop"


def _stop_awaited(
    store: Store, submission: Submission, suffix: str, terminal: Terminal, *, wait: bool, seconds: float
) -> int:
    """Ask a launch that has not begun; its exit status."""
    study, by = submission.study, _asker(submission.study)
    ask_not_to_begin(store.objects, submission, by)
    terminal.print("\n".join(terminal.wrap(f"Asked to stop: {study}, {told_of_submission(submission)}", 0, 2)))
    if wait_for_beginning(store, submission, seconds if wait else 0.0):
        withdraw(store.objects, submission)  # the request too, where it came late
        sitting = at_work(store, study)
        if sitting is not None:
            ask_to_stop(store.objects, sitting, by)  # it may have begun in between
            return _wait(store, sitting, seconds, suffix, terminal) if wait else 0
        terminal.print(f"It has ended.  study logs {study}{suffix}")
        return 0
    end = read_refusal(store.objects, submission)
    if end is not None:
        terminal.print("\n".join(terminal.wrap(told_of_refusal(end), 0, 2)))
        return 0
    terminal.print(f"It has not begun yet, and trains nothing when it does.  To see it:  study status {study}{suffix}")
    if wait:
        terminal.print(f"What keeps it:  {ask_ray(submission)}")
    return HELD if wait else 0


def _found(store: Store, study: str) -> Sitting | None:
    """The launch at work; one that has only just begun is waited for."""
    deadline = time.monotonic() + BEGINNING_SECONDS
    while True:
        sitting = at_work(store, study)
        held = any(one.name == f"study/{study}" for one in store.leases("study"))
        if sitting is not None or not held or time.monotonic() > deadline:
            return sitting
        time.sleep(LOOK_SECONDS)


def _nothing(store: Store, study: str) -> str:
    held = next((one for one in store.leases("study") if one.name == f"study/{study}"), None)
    if held is None:
        return f"No launch of {study} is running in {store.location}: nothing to stop."
    return (
        f"{study} is held by {held.owner} since {held.since}, which takes no requests: it is only starting, or of an "
        "older version.  Stop it where it runs, or ask again"
    )


def _wait(store: Store, sitting: Sitting, seconds: float, suffix: str, terminal: Terminal) -> int:
    """Until it has left, or has shown no sign of life for its lease's time, or `seconds` are over."""
    began = time.monotonic()
    held = holder(store, sitting)
    sign, seen = store.sign_of_life(held) if held is not None else b"", began
    while (held := holder(store, sitting)) is not None:
        now = time.monotonic()
        if (newest_sign := store.sign_of_life(held)) != sign:
            sign, seen = newest_sign, now
        if now - seen > held.ttl:
            silent = (
                f"It has shown no sign of life for {held.ttl:.0f} s: its machine may be lost.  The next launch goes on"
            )
            terminal.print("\n".join(terminal.wrap(f"{silent} from the last checkpoints:")))
            terminal.print(f"  study launch {sitting.study}.yaml{suffix}")
            return UNFINISHED
        if now - began > seconds:
            said = f"It is still at work after {seconds:.0f} s, and will stop when its slices are done."
            terminal.print("\n".join(terminal.wrap(said)))
            return HELD
        time.sleep(LOOK_SECONDS)
    end = read_end(store.objects, sitting)
    after = "" if end is None else f"{here(end.at)}  "
    terminal.print(f"{after}stopped after {time.monotonic() - began:.0f} s, checkpoints kept")
    plan = newest(store, sitting.study).plan
    terminal.print("\n".join(terminal.wrap(incomplete_line(summarise(plan, look(store, plan))))))
    return 0
