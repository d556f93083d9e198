"""The driver's side of tracking: an observer that tells the follower what happens, and never waits for it."""

import contextlib
import os
import select
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence

from study.progress import Event, Progress, Running
from study.tracking.news import News, State

LAST_WORD_SECONDS = 1.0
"""How long the last news may wait for room in the pipe."""
STARTS = 2
"""How often the process is started in all: what killed it twice is not to be fed a third."""


class Tracker:
    """An observer. Starts `command`, a process that runs `study.tracking.follower.run`, when the first unit begins.

    Where the process ends before the launch does (killed for memory, say), another is started, once. The process is in
    a session of its own: the Ctrl-C that stops a launch does not keep it from writing how it ended.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.state = State(kind="starting")
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._listener: threading.Thread | None = None
        self._news = News()
        self._told: Mapping[str, int] = {}
        self._unsent = b""
        self._epochs: dict[str, int] = {}
        """Trial id → epochs told."""

    @property
    def started(self) -> bool:
        return self._process is not None

    def changed(self, progress: Progress) -> None:
        self._revive()
        self._look(progress.running)
        self._send()

    def happened(self, event: Event, progress: Progress) -> None:
        if event.trial is not None:
            self._news.changed.add(event.trial.trial_id)
        self.changed(progress)

    def _revive(self) -> None:
        """Have another process started if the one there was has ended: it begins with all that is in the store."""
        if self._process is None or self._process.poll() is None or self.state.kind == "ended":
            return
        if self._starts == STARTS:
            self.state = State(kind="ended", reason=self._how_it_ended())
            return
        self._hear_out()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process, self.state = None, State(kind="starting")
        self._news, self._unsent, self._epochs = News(changed=self._news.changed), b"", {}
        self._try_to_start()

    def _hear_out(self) -> None:
        """All that a process which has ended had to say."""
        if self._listener is not None:
            self._listener.join(LAST_WORD_SECONDS)

    def _how_it_ended(self) -> str:
        """That it was killed, else what the process said."""
        assert self._process is not None
        self._hear_out()
        status = self._process.returncode
        if status < 0:
            return f"the process that brings it up to date was killed (signal {-status})"
        return self.state.reason or f"the process that brings it up to date ended early (exit status {status})"

    def _look(self, running: Sequence[Running]) -> None:
        """What has changed since the last look."""
        now = time.time_ns() // 1_000_000
        at_work = {one.trial.trial_id: self._news.running.get(one.trial.trial_id, now) for one in running}
        self._news.changed |= at_work.keys() ^ self._news.running.keys()
        self._news.running = at_work
        for one in running:
            trial_id = one.trial.trial_id
            if one.epochs[self._epochs.get(trial_id, 0) :]:
                fresh = [{**vars(epoch), "at": now} for epoch in one.epochs[self._epochs.get(trial_id, 0) :]]
                self._news.epochs.setdefault(trial_id, []).extend(fresh)
                self._epochs[trial_id] = len(one.epochs)

    def _send(self) -> None:
        """As much as the pipe takes now; the rest goes along with later news."""
        if not self._unsent and (self._news.trials or self._news.over):
            self._unsent = self._news.line()
            self._news = News(running=self._news.running, over=self._news.over)
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            self._unsent = self._unsent[os.write(self._pipe(), self._unsent) :]

    def _pipe(self) -> int:
        """Where the news go; raises BrokenPipeError if nobody listens."""
        if self._process is None and self.state.kind != "failing":
            self._try_to_start()
        if self._process is None or self._process.stdin is None:
            raise BrokenPipeError
        return self._process.stdin.fileno()

    def _try_to_start(self) -> None:
        try:
            self._start()
        except OSError as error:  # no memory, no processes: a study goes on without being watched
            self.state = State(kind="failing", reason=f"the process that tracks it does not start: {error}")

    def _start(self) -> None:
        self._starts += 1
        self._process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._listener = threading.Thread(target=self._listen, name="state of MLflow", daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                self.state = State.parse(line)

    def catch_up(self) -> None:
        """Have all that the store holds brought up to date, by a process that is left to itself; for a launch that
        had nothing to do."""
        self._try_to_start()
        self.finish()

    def finish(self) -> None:
        """Tell that the launch is over."""
        if self._process is None or self._process.stdin is None or self._process.stdin.closed:
            return
        self._revive()
        process = self._process
        if process is None or process.stdin is None:
            return
        self._news.over = True
        deadline = time.monotonic() + LAST_WORD_SECONDS
        while True:
            self._send()
            left = deadline - time.monotonic()
            if left <= 0 or process.poll() is not None or not (self._unsent or self._news.trials):
                break
            select.select((), (process.stdin,), (), left)
        process.stdin.close()

    def wait(self, seconds: float) -> State | None:
        """How far MLflow is, once the follower has ended or `seconds` have passed; None if it never began.

        One that has not ended by then does so by itself, after `study.tracking.follower.LAST_SECONDS` at most.
        """
        self.finish()
        process = self._process
        if process is None:
            return self.state if self.state.kind == "failing" else None
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            told = self.state.reason or self.state.kind == "starting"
            return self.state if told else State(kind="behind", behind=self.state.behind)
        self._hear_out()
        return self.state if process.returncode == 0 else State(kind="ended", reason=self._how_it_ended())
