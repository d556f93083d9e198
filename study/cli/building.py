"""`study data`: data sets built and verified, with how far that is."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from study.cli.errors import STOPPED, UNFINISHED
from study.cli.numbers import clock
from study.cli.stopping import stoppable
from study.cli.terminal import Terminal, count, facts
from study.cli.terminal import terminal as terminal_of
from study.data.building import Built, Outcome, Phase, build
from study.data.chosen import PER_CLASS, SPLITS, VALIDATION, Choice
from study.data.classes import classes_of, tiny_imagenet
from study.data.errors import IncompleteError
from study.data.verifying import Verified, verify
from trainables.tifs_files import INDEX, Index

SILENCE_SECONDS = 60.0
"""In a pipe, a line comes at least so often where work goes on."""
STEP = 0.05
"""And whenever so large a part more is done."""
STEP_SECONDS = 5.0
"""But not more often than this."""


def build_tifs(
    imagenet: Path,
    out: Path,
    classes: Path | None,
    per_class: int | None,
    validation: int | None,
    fold: int,
    workers: int | None,
    terminal: Terminal,
) -> int:
    """`study data tifs`; its exit status."""
    choice = Choice(
        classes=tiny_imagenet() if classes is None else classes_of(classes),
        per_class=PER_CLASS if per_class is None else per_class,
        validation=VALIDATION if validation is None else validation,
        fold=fold,
    )
    began = time.monotonic()
    with stoppable(), _progress(terminal) as observer:
        try:
            built = build(imagenet, out, choice, workers or _processors(), observer)
        except IncompleteError as error:
            observer.ends()
            terminal_of(error=True).print(str(error))
            return UNFINISHED
        except KeyboardInterrupt:
            observer.ends()
            terminal.print(f"Stopped.  {observer.standing()} in {out}: the same command goes on from there.")
            return STOPPED
    _print_set(out, built.index, terminal)
    terminal.print(_how(built, time.monotonic() - began))
    return 0


def verify_set(folder: Path, workers: int | None, terminal: Terminal) -> int:
    """`study data verify`; its exit status."""
    with stoppable(), _progress(terminal) as observer:
        found = verify(folder, workers or _processors(), observer)
    if found.faults:
        for fault in found.faults:
            terminal_of(error=True).print(fault)
        terminal_of(error=True).print(
            f"{folder} is not whole: {count(len(found.faults), 'fault')}.  Build it again into the same folder with"
            f" study data tifs, which reads only what is wrong.  {_used(found)}"
        )
        return UNFINISHED
    _print_set(folder, found.index, terminal)
    if found.accepted:
        terminal.print(f"  its arrays were copied or touched since it was built; {INDEX} has their new times")
    return 0


def _print_set(folder: Path, index: Index, terminal: Terminal) -> None:
    """What there is, once it is whole."""
    images = ", ".join(f"{index.images[split]:,} {split}" for split in SPLITS)
    terminal.print(f"{folder} is whole: {images} images of {count(len(index.classes), 'class', 'classes')}")
    told = [
        ("fingerprint", index.fingerprint),
        ("mean", "  ".join(f"{one:.4f}" for one in index.mean)),
        ("std", "  ".join(f"{one:.4f}" for one in index.std)),
        ("", "of the training images, to describe the set; resnet18 normalises by ImageNet's own, whatever the set"),
        ("in a study", f"data: {{name: tifs, root: {folder.absolute()}}}"),
    ]
    terminal.print("\n".join(facts(told, terminal)))


def _used(found: Verified) -> str:
    """What studies do with a set that has faults."""
    if found.barred:
        return "Until then, no study uses it"
    return f"Until then, name it in no study: {INDEX}, which cannot be written, still calls it whole"


def _how(built: Built, seconds: float) -> str:
    if built.was_whole:
        return "  it was whole before: nothing was read"
    return f"  {count(built.read, 'image')} read in {clock(seconds)}"


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class BuildingScreen:
    """Says how far a build is: a bar on a screen, lines in a pipe."""

    def __init__(self, terminal: Terminal, bar: Progress) -> None:
        self.terminal = terminal
        self.bar = bar
        self.task: TaskID | None = None
        self.phase: Phase = "reading images"
        self.total = 0
        self.outcomes: Counter[Outcome] = Counter()
        self._began = self._said = 0.0
        self._said_at = 0

    def begins(self, phase: Phase, images: int) -> None:
        if phase == "verifying":
            self._say()
        self.phase, self.total, self.outcomes = phase, images, Counter()
        self._began = self._said = time.monotonic()
        self._said_at = 0
        if self.task is not None:
            self.bar.remove_task(self.task)
        self.task = self.bar.add_task(phase, total=images)

    def done(self, outcome: Outcome) -> None:
        self.outcomes[outcome] += 1
        assert self.task is not None
        self.bar.advance(self.task)
        now, done = time.monotonic(), self.outcomes.total()
        stepped = done - self._said_at >= STEP * self.total and now - self._said >= STEP_SECONDS
        if stepped or now - self._said >= SILENCE_SECONDS:
            self._say()

    def ends(self) -> None:
        """Takes the bar away, so that words follow."""
        self.bar.stop()

    def standing(self) -> str:
        """`40,000 of 110,000 images are`"""
        there = self.outcomes["read"] + self.outcomes["kept"] if self.phase == "reading images" else self.total
        return f"{there:,} of {count(self.total, 'image')} are"

    def _say(self) -> None:
        """A line, where there is no bar."""
        self._said, self._said_at = time.monotonic(), self.outcomes.total()
        if self.terminal.live or not self.total:
            return
        spent, done = self._said - self._began, self.outcomes.total()
        pace = done / spent if spent else 0.0
        left = f", about {clock((self.total - done) / pace)} left" if pace and done < self.total else ""
        failed = f", {self.outcomes['unreadable']:,} cannot be read" if self.outcomes["unreadable"] else ""
        self.terminal.print(
            f"{self.phase}: {done:,} of {self.total:,} ({done / self.total:.0%}), {pace:,.0f} images/s{left}{failed}"
        )


class Pace(ProgressColumn):
    """Images a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0.0:,.0f} images/s")


@contextmanager
def _progress(terminal: Terminal) -> Iterator[BuildingScreen]:
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Pace(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=terminal.console, transient=True, disable=not terminal.live) as bar:
        yield BuildingScreen(terminal, bar)
