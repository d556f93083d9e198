"""How far a pilot is, where errors go: what it tells may be JSON."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from study.cli.numbers import duration
from study.cli.stopping import stoppable
from study.cli.terminal import Terminal, count

SILENCE_SECONDS = 20.0
"""In a pipe, a line comes about so often."""


class PilotScreen:
    """A bar on a screen, lines in a pipe."""

    def __init__(self, terminal: Terminal, bar: Progress) -> None:
        self.terminal = terminal
        self.bar = bar
        self.task = bar.add_task("pilot", total=None)
        self.kinds = 0
        self._said = time.monotonic()

    def begins(self, kinds: int, seconds: float) -> None:
        self.kinds = kinds
        self.bar.update(self.task, total=kinds)
        trainings = count(kinds - 2, "kind") + " of training"
        self.terminal.print(
            f"The pilot times {trainings} for {duration(seconds)} in all, then an evaluation and the making of test "
            "images.  Ctrl-C stops it; nothing is kept"
        )

    def times(self, number: int, what: str) -> None:
        said = f"kind {number} of {self.kinds}: {what}"
        self.bar.update(self.task, completed=number - 1, description=said)
        if not self.terminal.live and time.monotonic() - self._said >= SILENCE_SECONDS:
            self._said = time.monotonic()
            self.terminal.print(said)


@contextmanager
def pilot_screen(terminal: Terminal) -> Iterator[PilotScreen]:
    """For the time of a pilot; says so if it is stopped, and passes KeyboardInterrupt on."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    try:
        with (
            stoppable(),
            Progress(*columns, console=terminal.console, transient=True, disable=not terminal.live) as bar,
        ):
            yield PilotScreen(terminal, bar)
    except KeyboardInterrupt:
        terminal.print("Stopped: the pilot was not finished, and nothing was kept.")
        raise
