"""The process that tracks a launch: all that MLflow costs, away from the driver, when the machine has time for it.

It is told over a pipe what began and ended, and reads the rest in the store. It ends when the pipe does.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from study.store import Heartbeat, HeldError, Owner, Store, StoreError, SupersededError
from study.tracking.curves import Renderers
from study.tracking.metrics import epoch_points
from study.tracking.news import Kind, News, State
from study.tracking.place import Place, place_of
from study.tracking.records import TrackingError
from study.tracking.server import Server
from study.tracking.sync import Sync
from study.tracking.tables import Tables

NICE = 19
"""Of the process: trials go first."""
PAUSE = 1.0
"""Seconds between two syncs, at least."""
REST = 4.0
"""A sync is followed by a pause so many times as long: what tracking may take of a core is a fifth."""
BACKOFF = (2.0, 60.0)
"""Seconds until a server that failed is tried again: at first, and at most, doubling in between."""
LAST_SECONDS = 60.0
"""How long the last sync may take once the driver is gone."""
LEASE_SECONDS = 30.0
WAIT_SECONDS = 1.0
"""Between two looks whether another process has finished with the study's runs."""

Connect = Callable[[Place], Server]


def lease_name(study: str) -> str:
    """Whoever holds it may write the study's runs."""
    return f"tracking/{study}"


class Inbox:
    """What the driver has told and nobody has taken yet."""

    def __init__(self, stream: BinaryIO, when_over: Callable[[], None] = lambda: None) -> None:
        self._news = News()
        self._when_over = when_over
        self._fresh = threading.Condition()
        self._reader = threading.Thread(target=self._read, args=(stream,), name="news of the launch", daemon=True)
        self._reader.start()

    def _read(self, stream: BinaryIO) -> None:
        for line in stream:
            self._add(News.parse(line))
        self._when_over()
        self._add(News(over=True))

    @property
    def over(self) -> bool:
        """Whether the launch is."""
        with self._fresh:
            return self._news.over

    def _add(self, news: News) -> None:
        with self._fresh:
            self._news.merge(news)
            self._fresh.notify()

    def take(self, patience: float) -> News:
        """All that is new, after at most `patience` seconds; at once when the launch is over."""
        deadline = time.monotonic() + patience
        with self._fresh:
            while not self._news.over and (left := deadline - time.monotonic()) > 0:
                self._fresh.wait(left)
            news, self._news = self._news, News(running=self._news.running, over=self._news.over)
            return news


@dataclass
class Follower:
    """Keeps a study's runs up to date while a launch is at work on it."""

    store: Store
    study: str
    renderers: Renderers
    connect: Connect
    tell: Callable[[State], None]
    check: Callable[[], None] = lambda: None
    """Raises SupersededError if another process writes the runs by now."""
    news: News = field(default_factory=News)
    """What is not in MLflow yet."""
    sync: Sync | None = None
    """None until everything has been brought up to date once, and again after a failure."""
    at_work: frozenset[str] = frozenset()
    """Trials whose runs are RUNNING."""
    doubtful: bool = False
    """Whether a request failed since the launch began: a server that hung may carry it out after all, once it is back,
    and even later than what it was asked next."""
    pause: float = 0.0
    """Seconds until the next sync."""
    backoff: float = BACKOFF[0]

    def follow(self, inbox: Inbox) -> bool:
        """Until the launch is over; whether all is up to date then."""
        self.tell(State(kind="starting"))
        while True:
            self.news.merge(inbox.take(self.pause))
            done = self.step()
            if self.news.over:
                return done

    def step(self) -> bool:
        """One sync; whether all is up to date after it."""
        at_work = frozenset() if self.news.over else frozenset(self.news.running)
        self.news.changed |= self.at_work ^ at_work
        if self.sync is not None and not self.news.trials and not self.news.over:
            self.pause = PAUSE
            return True
        began = time.monotonic()
        self.check()
        if self.news.over and self.doubtful:
            self.sync = None
        try:
            self._bring()
        except TrackingError as error:
            self._failed("unreachable", error)
            return False
        except (StoreError, OSError) as error:
            self._failed("failing", error)
            return False
        self.backoff, self.pause = BACKOFF[0], max(PAUSE, REST * (time.monotonic() - began))
        self.news, self.at_work = News(running=self.news.running, over=self.news.over), at_work
        self.tell(State(kind="up to date"))
        return True

    def _failed(self, kind: Kind, error: Exception) -> None:
        """Begin anew later: of a request that failed nobody knows whether it was carried out."""
        self.sync, self.doubtful = None, True
        self.tell(State(kind=kind, behind=len(self.news.trials), reason=str(error)))
        self.pause, self.backoff = self.backoff, min(BACKOFF[1], 2 * self.backoff)

    def _bring(self) -> None:
        running, live = ({}, False) if self.news.over else (self.news.running, True)
        if self.sync is None:
            self.sync = self._opened()
            self.sync.everything(running, live, self._told)
        else:
            self.sync.tables.know({*self.news.trials, *running})
            touched = self.sync.tables.touched(self.news.changed)
            self.sync.tables.read(touched)
            pruned = () if live else self.sync.tables.pruned
            self.sync.some({*self.news.trials, *touched, *pruned}, running, live, self._told)
        if live:
            self._stream(self.sync)

    def _opened(self) -> Sync:
        launch = self.store.newest_launch(self.study)
        assert launch is not None, "a launch is recorded before its first unit begins"
        return Sync(Tables(self.store, launch), self.connect(place_of(self.store, launch)), self.renderers)

    def _told(self, done: int, of: int) -> None:
        if of - done > 1:
            self.tell(State(kind="behind", behind=of - done))

    def _stream(self, sync: Sync) -> None:
        """The curves of trials at work; of one that has ended meanwhile, the tables have told."""
        for trial_id, epochs in self.news.epochs.items():
            if trial_id in self.news.running and sync.tables.rows[trial_id].trained is None:
                measure = sync.tables.plan.measure
                points = [point for epoch in epochs for point in epoch_points(epoch, epoch["at"], measure)]
                sync.exporter.stream(trial_id, points)


def run(store: Store, study: str, renderers: Renderers, inbox: BinaryIO, outbox: BinaryIO) -> bool:
    """The whole life of the process; whether all was up to date at its end."""
    os.nice(NICE)

    def tell(state: State) -> None:
        with contextlib.suppress(BrokenPipeError):  # the driver is gone; the runs are to be ended all the same
            outbox.write(state.line())
            outbox.flush()

    told = Inbox(inbox, lambda: _leave_in(LAST_SECONDS))
    try:
        with _lease(store, study, told, tell) as heartbeat:
            return Follower(store, study, renderers, connect, tell, heartbeat.check).follow(told)
    except SupersededError as superseded:
        tell(State(kind="waiting", reason=str(superseded)))
    except Exception as error:
        tell(State(kind="failing", reason=f"{type(error).__name__}: {error}"))
        raise
    return False


def connect(place: Place) -> Server:
    """MLflow itself, which takes seconds to import."""
    from study.tracking.client import Client

    return Client(place)


@contextlib.contextmanager
def _lease(store: Store, study: str, told: Inbox, tell: Callable[[State], None]) -> Iterator[Heartbeat]:
    """The right to write the study's runs, once whoever has it is done; raises HeldError when the launch is over."""
    owner = Owner.here(f"study launch {study}")
    while True:
        try:
            heartbeat = Heartbeat(store.acquire(lease_name(study), owner, ttl=LEASE_SECONDS))
            break
        except HeldError as held:
            tell(State(kind="waiting", reason=str(held)))
            if told.over:
                raise
            time.sleep(WAIT_SECONDS)
    try:
        yield heartbeat
    finally:
        heartbeat.stop()


def _leave_in(seconds: float) -> None:
    """End the process then, whatever a server keeps it waiting for: another sync puts right what this one leaves."""
    timer = threading.Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()
