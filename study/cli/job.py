"""`python -m study.cli.job`: a submitted launch, as a cluster's head runs it. What it is to do lies beside it.

What keeps the launch from beginning is said here, in Ray's log of the job, and left in the store, if it can be reached.
"""

import contextlib
import io
import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

FILE = "launch.json"
REASON_CHARACTERS = 2000
"""Of what is said last, and is left in the store."""


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What a terminal hands over, besides the study's text."""

    study: str
    job: str
    """As Ray and the store know it."""
    command: tuple[str, ...]
    """As it was typed there, for the record of the launch."""
    spec: str
    """The file with the study's text, overrides and all."""
    typed: str
    """What to type after `study launch`, to go on."""
    store: str
    meeting: str
    """An object of the store that the terminal has written."""
    options: Mapping[str, Any]
    """Of `LaunchOptions`."""


class Heard(io.TextIOBase):
    """A stream that passes everything on, and remembers it."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.text = ""

    def write(self, text: str) -> int:
        self.text = (self.text + text)[-REASON_CHARACTERS:]
        return self.stream.write(text)

    def flush(self) -> None:
        self.stream.flush()

    def fileno(self) -> int:
        return self.stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.stream.encoding


def main() -> int:
    """The launch; its exit status."""
    handed = Handed(**json.loads(Path(FILE).read_text(encoding="utf-8")))
    sys.argv = list(handed.command)
    os.environ["VIRTUAL_ENV"] = sys.prefix  # what to type next is typed elsewhere: no environment of this machine's
    heard = Heard(sys.stderr)
    try:
        with contextlib.redirect_stderr(heard):
            status = _conducted(handed)
            _leave_word(handed, status, heard.text)
    except ImportError as error:
        sys.stderr.write(f"{_lacking(error)}\n")
        return 2
    return status


def _conducted(handed: Handed) -> int:
    """`run`, whose errors are told as the command line tells them."""
    from study.cli.errors import STOPPED, said
    from study.cli.stopping import stoppable

    try:
        with stoppable():
            return run(handed)
    except KeyboardInterrupt:
        return STOPPED
    except ImportError:
        raise
    except Exception as error:
        status = said(error)
        if status is None:
            raise
        return status


def _lacking(error: ImportError) -> str:
    return (
        f"{sys.executable}, which Ray on {os.uname().nodename} runs with, cannot run a launch ({error}): "
        f"{shlex.quote(sys.executable)} -m pip install 'robustness-study[cluster]' there, or start the head with a "
        "Python that has it"
    )


def run(handed: Handed) -> int:
    """Raises CommandError where this machine does not see the terminal's store."""
    from study.cli.errors import STOPPED
    from study.cli.launching import command_typed, conduct
    from study.cli.terminal import terminal
    from study.launch import LaunchOptions
    from study.spec import load
    from study.store import Store
    from study.store.submissions import asked_not_to_begin, submission_of

    meet(handed)
    objects = Store.open(handed.store, create=False).objects
    submission = submission_of(objects, handed.study, handed.job)
    if submission is not None and (by := asked_not_to_begin(objects, submission)):
        again = command_typed(f" --store {shlex.quote(handed.store)}")
        told = f"Stopped before it began, as {by.partition(',')[0]} asked: nothing was trained.  To go on:  {again}"
        terminal(error=True).print(told)
        return STOPPED
    return conduct(load(handed.spec), handed.typed, handed.store, LaunchOptions(**handed.options), terminal())


def meet(handed: Handed) -> None:
    """Know the store as the terminal's; raises CommandError if it is not, StorageError if it does not answer."""
    from study.cli.errors import CommandError
    from study.store import Store, StoreError
    from study.store.errors import StorageError

    try:
        store = Store.open(handed.store, create=False)
        met = store.objects.exists(handed.meeting)
    except StorageError:  # it may pass
        raise
    except (StoreError, OSError) as error:
        raise CommandError(f"the cluster's head cannot read the store {handed.store}: {error}; {WAY_OUT}") from error
    if not met:
        raise CommandError(
            f"{handed.store} on the cluster's head ({os.uname().nodename}) is not the store that the terminal wrote "
            f"into: {WAY_OUT}"
        )
    store.objects.delete(handed.meeting)


def _leave_word(handed: Handed, status: int, said: str) -> None:
    """Where no launch has begun, what its readers should know; nothing in a store that is not the terminal's."""
    from study.cli.errors import STOPPED
    from study.provenance import without_secrets
    from study.store import Store, StoreError
    from study.store.logbook import End, Ended
    from study.store.submissions import refuse, submission_of, withdraw

    with contextlib.suppress(StoreError, OSError):
        objects = Store.open(handed.store, create=False).objects
        submission = submission_of(objects, handed.study, handed.job)
        if submission is None:
            return
        if status == 0:
            withdraw(objects, submission)
            return
        how: Ended = "stopped" if status == STOPPED else "failed"
        silent = "Stopped before it began, by `ray job stop` or a signal" if how == "stopped" else f"status {status}"
        why = " ".join(without_secrets(said).split()) or silent
        refuse(objects, submission, End(at=datetime.now(UTC), status=how, message=why))


WAY_OUT = "give --store a folder that both share or a bucket (s3://…), whose credentials are in the nodes' environment"


if __name__ == "__main__":
    sys.exit(main())
