"""What a launch says, kept in its logbook besides being shown."""

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from study.plan import Plan
from study.progress import Event, Observer, Progress
from study.provenance import without_secrets
from study.report import Naming, hyperparameters
from study.store.logbook import Ended, Logbook, LogLine

QUIET_SECONDS = 600.0
"""Where nothing has changed for so long, a line says that work goes on."""


class Recorded:
    """An observer that keeps every change in a logbook, and passes everything on."""

    def __init__(self, observer: Observer, log: Logbook, plan: Plan) -> None:
        self.observer = observer
        self.log = log
        self.naming = Naming(plan)
        self._said = time.monotonic()

    def changed(self, progress: Progress) -> None:
        if time.monotonic() - self._said >= QUIET_SECONDS and progress.running:
            evaluated = f"{progress.evaluations_done:,} of {progress.evaluations:,} evaluations"
            message = f"{len(progress.running)} at work, {evaluated}"
            self._keep(Event(change="running", trial=None, message=message), progress)
        self.observer.changed(progress)

    def happened(self, event: Event, progress: Progress) -> None:
        self._keep(event, progress)
        self.observer.happened(event, progress)

    def _keep(self, event: Event, progress: Progress) -> None:
        self._said = time.monotonic()
        self.log.write(log_line(event, progress, self.naming, datetime.now(UTC)))


def log_line(event: Event, progress: Progress, naming: Naming, at: datetime) -> LogLine:
    """An event as it is kept; what looks like a secret is starred out."""
    trial = event.trial
    return LogLine(
        at=at,
        change=event.change,
        message=" ".join(without_secrets(event.message).split()),
        trial_id=trial.trial_id if trial is not None else None,
        label=trial.label if trial is not None else "",
        train_distortion=(trial.train_distortion or "-") if trial is not None else "",
        settings=hyperparameters(naming, trial) if trial is not None else "",
        trials_done=progress.trials_done,
        trials=progress.trials,
    )


class Ending:
    """How a launch ends, as far as it has got."""

    status: Ended = "stopped"
    message = ""


@contextlib.contextmanager
def recorded(log: Logbook) -> Iterator[Ending]:
    """The launch shows in the store from here on, and at the end how it ended: as was said, or by which exception."""
    log.begin()
    ending = Ending()
    try:
        yield ending
    except BaseException as error:
        told = str(error) or "stopped at once"
        log.end("failed", without_secrets(f"{type(error).__name__}: {told}"))
        raise
    log.end(ending.status, ending.message)
