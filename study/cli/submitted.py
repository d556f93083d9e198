"""What is said of a launch that was submitted to a cluster and has not begun."""

import shlex
import time
from datetime import UTC, datetime
from typing import Any

from study.cli.terminal import Terminal
from study.store import Store
from study.store.logbook import End
from study.store.submissions import Submission, asked_not_to_begin, read_refusal, submission_of

LOOK_SECONDS = 2.0
LONG_SECONDS = 60.0
"""After which a job that has not begun its launch is asked after: it takes Ray some ten seconds."""


def here(moment: datetime) -> str:
    """In the reader's time zone, to the second."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def told_of_submission(submission: Submission) -> str:
    """`submitted as Ray job study-… to http://head:8265 at 2026-11-22 23:01:04 by ana on laptop`"""
    owner = submission.owner
    said = f"submitted as Ray job {submission.job} to {submission.address} at {here(submission.at)}"
    return f"{said} by {owner.user} on {owner.host}"


def awaited_lines(store: Store, submission: Submission, suffix: str) -> tuple[str, ...]:
    """Who submitted it where, what came of it, and what to type next."""
    study, end = submission.study, read_refusal(store.objects, submission)
    if end is not None:
        return (f"last {told_of_submission(submission)}", f"  {told_of_refusal(end)}")
    heard = "nothing heard of it yet"
    if by := asked_not_to_begin(store.objects, submission):
        heard += f"; asked to stop by {by}: once it begins, it trains nothing"
    lines = [f"{told_of_submission(submission)}; {heard}", f"  study stop {study}{suffix}"]
    if not 0 <= (datetime.now(UTC) - submission.at).total_seconds() <= LONG_SECONDS:  # or by a clock ahead of this one
        lines.append(f"  {ask_ray(submission)}    tells why it has not begun")
    return tuple(lines)


def ask_ray(submission: Submission) -> str:
    """The command that shows what a job has said to Ray alone."""
    return f"ray job logs {submission.job} --address {shlex.quote(submission.address)}"


def told_of_refusal(end: End) -> str:
    """How a submission ended whose launch never began."""
    return f"{here(end.at)}  {'' if end.status == 'stopped' else 'its launch did not begin: '}{end.message}"


def awaited_json(store: Store, submission: Submission) -> dict[str, Any]:
    """What `study status --json` prints of a study of which nothing else is known."""
    end = read_refusal(store.objects, submission)
    return {
        "study": submission.study,
        "complete": False,
        "submitted": {
            "job": submission.job,
            "address": submission.address,
            "at": submission.at.isoformat(),
            "by": f"{submission.owner.user} on {submission.owner.host}",
            "ended": None if end is None else told_of_refusal(end),
        },
    }


def print_awaited(store: Store, submission: Submission, suffix: str, terminal: Terminal) -> None:
    """Its lines; what is to be pasted is never broken."""
    for line in awaited_lines(store, submission, suffix):
        terminal.print("\n".join([terminal.text(line)] if line.startswith("  ") else terminal.wrap(line, 0, 2)))


def wait_for_beginning(store: Store, submission: Submission, seconds: float | None = None) -> bool:
    """Until its launch has begun, never will, or `seconds` are over; whether it has begun, or was withdrawn."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while submission_of(store.objects, submission.study, submission.job) is not None:
        if read_refusal(store.objects, submission) is not None or (deadline and time.monotonic() > deadline):
            return False
        time.sleep(LOOK_SECONDS)
    return True
