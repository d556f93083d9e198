"""During a launch: a screen that redraws itself, or where that is impossible one line a change of state."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType

from rich.live import Live
from rich.text import Text

from study.cli.numbers import clock, percent, span
from study.cli.terminal import Column, Laid, Terminal, count, lay_out
from study.plan import Plan, PlannedTrial
from study.progress import Event, Progress, Running, Tally
from study.report import Naming, figure, hyperparameters

ID_DIGITS = 8
"""Of a trial id, on screens; any unique beginning is understood."""
SHOWN_CHANGES = ("diverged", "failed", "blocked", "retrying", "held", "notice")
"""What stays above a screen that redraws itself; the rest shows in its counts."""
REFRESH_HZ = 4
SILENCE = timedelta(minutes=1)
STYLES = {"failed": "red", "blocked": "red", "diverged": "yellow", "retrying": "yellow", "held": "yellow"}


def in_symbols(naming: Naming, trial: PlannedTrial, between: str = "  ") -> str:
    """`α 0.316  σ 0.3`"""
    return between.join(f"{setting.symbol} {figure(setting.value)}" for setting in naming.settings(trial))


class LineScreen:
    """One line a change, whole, greppable: for files, pipes and Slurm. An observer."""

    def __init__(self, terminal: Terminal, naming: Naming, now: Callable[[], datetime] = datetime.now) -> None:
        self.terminal = terminal
        self.naming = naming
        self.now = now
        self.said = now()
        """When the last line was printed."""

    def __enter__(self) -> "LineScreen":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def changed(self, progress: Progress) -> None:
        """A line is a change of state; where none comes for a minute, one says that work goes on."""
        if self.now() - self.said >= SILENCE and progress.running:
            evaluated = f"{progress.evaluations_done:,} of {count(progress.evaluations, 'evaluation')}"
            left = "" if progress.remaining is None else f", about {clock(progress.remaining)} left"
            at_work = f"{len(progress.running)} at work, {evaluated}{left}"
            self.happened(Event(change="running", trial=None, message=at_work), progress)

    def happened(self, event: Event, progress: Progress) -> None:
        self.said = self.now()
        self.terminal.print(line_of(event, progress, self.naming, self.said))


def line_of(event: Event, progress: Progress, naming: Naming, now: datetime) -> str:
    """`12:04:31  done      7c1e09a4  ST  gaussian_noise  alpha=0.316 sigma=0.3  clean=… practical=…  17/37`"""
    parts = [
        f"{now:%H:%M:%S}",
        f"{event.change:<8}",
        *_trial_parts(event.trial, naming),
        " ".join(event.message.split()),
    ]
    return "  ".join([part for part in parts if part] + [f"{progress.trials_done}/{progress.trials}"])


def _trial_parts(trial: PlannedTrial | None, naming: Naming) -> Iterator[str]:
    if trial is not None:
        yield trial.trial_id[:ID_DIGITS]
        yield trial.label
        yield trial.train_distortion or "-"
        yield hyperparameters(naming, trial)


class LiveScreen:
    """A screen that redraws itself in place and is gone at the end. An observer."""

    def __init__(
        self, terminal: Terminal, naming: Naming, store: str, tracking: Callable[[], str] = lambda: ""
    ) -> None:
        self.terminal = terminal
        self.naming = naming
        self.store = store
        self.tracking = tracking
        self.progress: Progress | None = None
        self.heard = time.monotonic()
        self.live = Live(
            console=terminal.console, get_renderable=self.draw, refresh_per_second=REFRESH_HZ, transient=True,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip

    def __enter__(self) -> "LiveScreen":
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def changed(self, progress: Progress) -> None:
        self.progress, self.heard = progress, time.monotonic()

    def happened(self, event: Event, progress: Progress) -> None:
        self.changed(progress)
        if event.change in SHOWN_CHANGES:
            line = line_of(event, progress, self.naming, datetime.now())
            self.terminal.print(Text(self.terminal.text(line), style=STYLES.get(event.change, "")))

    def draw(self) -> Text:
        """The screen at this moment: time passes between two changes too."""
        if self.progress is None:
            return Text(self.terminal.text("starting the workers …"))
        since = time.monotonic() - self.heard
        size = self.terminal.console.size
        drawn = Screen(
            progress=self.progress, naming=self.naming, store=self.store, since=since, tracking=self.tracking()
        )
        lines = drawn.lines(self.terminal, size.width - 1, size.height - 1)
        return Text("\n".join(lines), no_wrap=True, overflow="crop")


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What the live screen shows at one moment."""

    progress: Progress
    naming: Naming
    store: str
    since: float
    """Seconds since `progress` was true."""
    tracking: str = ""
    """`MLflow up to date`"""

    def lines(self, terminal: Terminal, width: int | None, height: int) -> list[str]:
        """The whole, at most `height` lines: running units go first where there is no room."""
        above = [*self._head(terminal, width), "", *self._tallies(terminal, width), ""]
        below = ["", terminal.text("  Ctrl-C stops cleanly; the next launch goes on from here.")]
        room = max(1, height - len(above) - len(below))
        return [*above, *self._running(terminal, width, room), *below]

    def _head(self, terminal: Terminal, width: int | None) -> list[str]:
        p = self.progress
        indent = " " * max(4, len(p.study) + 4)
        done = (
            f"{p.trials_done} of {count(p.trials, 'trial')}    {p.evaluations_done:,} of {p.evaluations:,} evaluations"
        )
        first = f"{p.study}    {done}    {self._times()}"
        second = f"{indent}{p.where}    store {self.store}" + (f"    {self.tracking}" if self.tracking else "")
        return [_cut_at_gap(terminal.text(line), width) for line in (first, second)]

    def _times(self) -> str:
        p = self.progress
        gone = f"{clock(p.elapsed + self.since)} gone"
        if p.remaining is None:
            return f"{gone}, time left not known yet"
        return f"{gone}, about {clock(p.remaining - self.since)} left"

    def _tallies(self, terminal: Terminal, width: int | None) -> list[str]:
        laid = tally_table(self.progress, self.naming.plan, terminal, width)
        return [laid.header, *laid.lines]

    def _running(self, terminal: Terminal, width: int | None, room: int) -> list[str]:
        running = self.progress.running
        rows = [[terminal.text(cell) for cell in _running_row(one, self.naming)] for one in running]
        if not rows:
            return []
        lines = list(lay_out([Column("")] * len(rows[0]), rows, width, gap=3).lines)
        return lines if len(lines) <= room else [*lines[: room - 1], f"  and {len(lines) - room + 1} more"]


def tally_table(progress: Progress, plan: Plan, terminal: Terminal, width: int | None) -> Laid:
    """One row a label: counts, then lowest and highest accuracy so far at each practical level, in percent."""
    tested = ["clean", *(f"{sweep.test_distortion} {sweep.practical:g}" for sweep in plan.sweeps)]
    rare = [name for name in ("pruned", "blocked") if any(getattr(one, name) for one in progress.tallies.values())]
    counts = ("done", "now", "left", "failed", *rare)
    titles = [f"{name} %" if name == "clean" else name for name in tested]
    columns = [Column(""), *(Column(title, "right") for title in (*counts, *titles))]
    rows = [[terminal.text(cell) for cell in _tally_row(label, tally, counts, tested)] for label, tally in
            progress.tallies.items()]  # fmt: skip
    return lay_out(columns, rows, width, gap=3)


def _tally_row(label: str, tally: Tally, counts: tuple[str, ...], tested: list[str]) -> list[str]:
    numbers = [str(getattr(tally, name) or "") for name in counts]
    spans = [span(*tally.accuracies[name]) if name in tally.accuracies else "" for name in tested]
    return [label, *numbers, *spans]


def _running_row(running: Running, naming: Naming) -> list[str]:
    trial = running.trial
    symbols = in_symbols(naming, trial, "   ")
    return [trial.trial_id[:ID_DIGITS], trial.label, trial.train_distortion or "", symbols, *_phase(running)]


def _phase(running: Running) -> tuple[str, str, str]:
    if running.phase == "evaluate":
        return f"evaluating, {running.cells_done} of {running.cells}", "", ""
    epoch = f"epoch {running.epoch} of {running.planned_epochs}"
    validation = running.validation_accuracy
    rate = running.images_per_second
    return (
        epoch,
        "" if validation is None else f"validation {percent(validation)} %",
        "" if rate is None else f"{rate:,.0f} images/s",
    )


def _cut_at_gap(line: str, width: int | None) -> str:
    """`line` without the last parts, four spaces apart, that do not fit."""
    while width is not None and len(line) > width and "    " in line.strip():
        line = line[: line.rindex("    ")].rstrip()
    return line


def screen(
    terminal: Terminal, naming: Naming, store: str, tracking: Callable[[], str] = lambda: ""
) -> LiveScreen | LineScreen:
    """The screen that this terminal can show; `tracking` says how far MLflow is."""
    return LiveScreen(terminal, naming, store, tracking) if terminal.live else LineScreen(terminal, naming)
