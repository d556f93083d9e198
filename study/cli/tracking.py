"""`study track`, and what a launch has to do with MLflow: starting the process, and saying how far it is."""

import sys
from collections.abc import Mapping

import typer

from study.cli.errors import HELD, CommandError
from study.cli.places import newest, open_store, store_suffix, study_name
from study.cli.terminal import Terminal, count
from study.progress import Event, Observer, Progress
from study.store import Heartbeat, HeldError, Owner, Store
from study.store.sharing import share_all
from study.tracking.curves import Renderers
from study.tracking.exporter import Tally
from study.tracking.follower import LEASE_SECONDS, connect, lease_name
from study.tracking.identity import is_copy
from study.tracking.news import State
from study.tracking.place import Place, place_of
from study.tracking.records import TrackingError
from study.tracking.sync import Sync
from study.tracking.tables import Tables
from study.tracking.tracker import Tracker

WAIT_SECONDS = 10.0
"""How long a launch that is over waits for MLflow to be brought up to date, which goes on by itself then."""
WAIT_IN_VAIN_SECONDS = 2.0
"""The same where it could not be reached."""
COPIED = (
    "This store was copied or moved from elsewhere.  It gets runs of its own; those of the store that it was made "
    "from are left alone."
)


def renderers() -> Renderers:
    """What draws a trial's curves and a study's page."""
    from dashboards import render
    from dashboards.still import still

    return Renderers(curves=still, page=render)


def tracker_of(store: Store, study: str) -> Tracker:
    """Of a launch."""
    return Tracker([sys.executable, "-m", "study.cli.follow", store.location, study])


class Tracked:
    """A screen and the tracker behind it, as one observer. What goes wrong in MLflow becomes a notice."""

    def __init__(self, screen: Observer, tracker: Tracker) -> None:
        self.screen = screen
        self.tracker = tracker
        self._said = ""

    def changed(self, progress: Progress) -> None:
        self.screen.changed(progress)
        self.tracker.changed(progress)
        self._notice(progress)

    def happened(self, event: Event, progress: Progress) -> None:
        self.screen.happened(event, progress)
        self.tracker.happened(event, progress)
        self._notice(progress)

    def _notice(self, progress: Progress) -> None:
        """Once for each reason, and once when it is over."""
        state = self.tracker.state
        if state.reason and state.reason != self._said:
            later = "`study track` brings it up to date" if state.kind == "ended" else "MLflow will catch up"
            self._say(f"{state.reason}; the study goes on, and {later}", progress)
            self._said = state.reason
        elif self._said and state.kind == "up to date":
            self._say("MLflow is up to date again", progress)
            self._said = ""

    def _say(self, message: str, progress: Progress) -> None:
        self.screen.happened(Event(change="notice", trial=None, message=message), progress)


def last_word(tracker: Tracker, study: str, suffix: str) -> str | None:
    """What is missing in MLflow when a launch is over; None if nothing is."""
    tracker.finish()
    in_vain = tracker.state.kind in ("unreachable", "waiting")
    state = tracker.wait(WAIT_IN_VAIN_SECONDS if in_vain else WAIT_SECONDS)
    if state is None or state.kind == "up to date":
        return None
    return missing(state, f"study track {study}{suffix}")


def missing(state: State, command: str) -> str:
    """`MLflow is not up to date: MLflow at http://…: the connection was refused.  Nothing is lost: …`"""
    if state.kind == "starting":
        return f"MLflow is still being started, in the background; `{command}` makes sure, or says what is wrong"
    if not state.reason:
        return f"MLflow is being brought up to date in the background; `{command}` makes sure"
    return f"MLflow is not up to date: {state.reason}.  Nothing is lost: `{command}` catches up"


def track(typed: str, store: str | None, terminal: Terminal) -> None:
    """`study track STUDY`."""
    opened = open_store(store)
    study = study_name(typed, opened)
    place = place_of(opened, newest(opened, study))
    if place.folder is None and is_copy(opened):
        terminal.print("\n".join(terminal.wrap(COPIED)))
    try:
        tally = synced(opened, study, place)
    except HeldError as held:
        terminal.print("\n".join(terminal.wrap(f"{study} is being brought up to date by {held.owner}")))
        raise typer.Exit(HELD) from None
    except TrackingError as error:
        again = f"study track {study}{store_suffix(store)}"
        raise CommandError(f"{error}.  Nothing is lost: once that is mended, `{again}` catches up") from error
    terminal.print("\n".join(terminal.wrap(f"{study} in MLflow at {place}: {told(tally)}")))


def synced(store: Store, study: str, place: Place) -> Tally:
    """Bring a study's runs up to date; raises HeldError while another process does."""
    heartbeat = Heartbeat(store.acquire(lease_name(study), Owner.here(f"study track {study}"), ttl=LEASE_SECONDS))
    try:
        share_all(store.root)
        sync = Sync(Tables(store, newest(store, study)), connect(place), renderers())
        running = at_work(store, sync.tables.trials)
        return sync.everything(running, _is_launched(store, study))
    finally:
        heartbeat.stop()


def at_work(store: Store, trials: Mapping[str, object]) -> dict[str, int]:
    """Trials of the plan that a live launch is at work on → 0: when they began is not known."""
    holders = (held.name.rpartition("/")[2] for held in store.leases("trial"))
    return {one: 0 for one in holders if one in trials}


def _is_launched(store: Store, study: str) -> bool:
    return any(held.name == f"study/{study}" for held in store.leases("study"))


def told(tally: Tally) -> str:
    """`38 runs: 2 written, 1 put right, 35 unchanged`"""
    parts = (
        (tally.written, "written"), (tally.corrected, "put right"), (tally.unchanged, "unchanged"),
        (tally.removed, "of trials that left the study removed"),
    )  # fmt: skip
    return f"{count(tally.runs, 'run')}: {', '.join(f'{number:,} {what}' for number, what in parts if number)}"
