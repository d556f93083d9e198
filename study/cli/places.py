"""From what is typed to what is meant: stores, studies by name, trials by the beginning of their id."""

import difflib
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from study.cli.errors import CommandError
from study.plan import PlannedTrial
from study.store import Launch, Store
from study.store.location import store_location
from study.store.submissions import submitted_studies

SUFFIXES = (".yaml", ".yml")


def store_suffix(given: str | None) -> str:
    """What a command to paste needs in order to find the same store."""
    return f" --store {shlex.quote(given)}" if given and given != store_location(None) else ""


def open_store(given: str | None) -> Store:
    """The store to read from; raises CommandError where there is none."""
    location = store_location(given)
    store = Store.open(location, create=False)
    if not store.studies():
        awaited = sorted(submitted_studies(store.objects))
        way_on = f"`study status {awaited[0]}` tells of one that was submitted" if awaited else LAUNCH_ONE
        raise CommandError(f"no study is in the store {location}.  {way_on}; {OTHER_STORE}")
    return store


LAUNCH_ONE = "`study launch SPEC` makes one"
OTHER_STORE = "--store or $STUDY_STORE names another store"


def study_of(typed: str, given: str | None) -> tuple[Store, str]:
    """A store and a study in it, of which perhaps no more is known than that it was submitted; raises CommandError."""
    location = store_location(given)
    store = Store.open(location, create=False)
    submitted = submitted_studies(store.objects)
    if not submitted:
        store = open_store(given)
    return store, study_name(typed, store, submitted)


def study_name(typed: str, store: Store, submitted: Collection[str] = ()) -> str:
    """A study in the store, or one of those `submitted`, from its name, NAME.yaml, or the path of its file; raises
    CommandError."""
    studies = tuple(sorted({*store.studies(), *submitted}))
    name = Path(typed).name
    for candidate in (typed, name, *(name.removesuffix(suffix) for suffix in SUFFIXES)):
        if candidate in studies:
            return candidate
    if name.endswith(SUFFIXES) and Path(typed).is_file():
        from study.spec import load

        typed = load(typed).study
        if typed in studies:
            return typed
    near = difflib.get_close_matches(typed, studies, n=1)
    meant = f"did you mean {near[0]!r}?  There" if near else "there"
    raise CommandError(
        f"no study is called {typed!r} in the store {store.location}; {meant} {_are(studies)}.  {OTHER_STORE}"
    )


def _are(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    return f"is {shown}" if len(names) == 1 else f"are {shown}"


def newest(store: Store, study: str) -> Launch:
    """Its newest launch: the study as it stands."""
    launch = store.newest_launch(study)
    if launch is None:
        raise CommandError(f"{study} was never launched into the store {store.location}.  `study launch {study}`")
    return launch


@dataclass(frozen=True, kw_only=True)
class Place:
    """A trial and a study that it belongs to."""

    trial: PlannedTrial
    launch: Launch


def trial_places(typed: str, store: Store) -> tuple[Place, ...]:
    """The one trial whose id begins as typed, once for each study it belongs to; raises CommandError."""
    begun = typed.lower()
    places = [place for place in _places(store) if place.trial.trial_id.startswith(begun)]
    found = {place.trial.trial_id: place for place in places}
    if len(found) > 1:
        listed = "\n".join(f"  {one}  {place.launch.study}  {place.trial.label}" for one, place in found.items())
        raise CommandError(f"{typed!r} begins {len(found)} trial ids; type more of one:\n{listed}")
    if not found:
        count = len({place.trial.trial_id for place in _places(store)})
        raise CommandError(
            f"no trial's id begins with {typed!r} in the store {store.location}; it knows {count} trials of "
            f"{', '.join(store.studies())}: `study query STUDY trials` lists them.  {OTHER_STORE}"
        )
    return tuple(places)


def _places(store: Store) -> Iterator[Place]:
    for study in store.studies():
        launch = newest(store, study)
        for trial in launch.plan.unique_trials():
            yield Place(trial=trial, launch=launch)
