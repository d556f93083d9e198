"""A launch that was submitted and has not begun: who sees it, how it is stopped, when it goes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from study.store import Owner, Store
from study.store.logbook import End, Logbook
from study.store.submissions import (
    Submission,
    announce,
    ask_not_to_begin,
    asked_not_to_begin,
    awaited,
    begun,
    read_refusal,
    refuse,
    submission_of,
    submitted_studies,
    withdraw,
)

NOW = datetime.now(UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


def submission(number: int = 1, at: datetime = NOW) -> Submission:
    owner = Owner.here("study launch small --submit")
    return Submission(study="small", job=f"study-small-{number}", address="http://head:8265", at=at, owner=owner)


def sitting(store: Store) -> Logbook:
    log = Logbook(store.objects, "small", Owner.here("study launch small"), 1)
    log.begin()
    return log


def test_what_was_announced_is_awaited_until_it_is_withdrawn(store: Store) -> None:
    assert awaited(store.objects, "small") is None
    announce(store.objects, submission())
    assert awaited(store.objects, "small") == submission_of(store.objects, "small", "study-small-1") == submission()
    assert submitted_studies(store.objects) == {"small"}
    assert store.studies() == ()
    withdraw(store.objects, submission())
    assert awaited(store.objects, "small") is None
    assert store.objects.beneath("studies") == ()


def test_one_that_ended_is_told_until_the_next_is_announced(store: Store) -> None:
    announce(store.objects, submission())
    end = End(at=NOW, status="failed", message="no data")
    refuse(store.objects, submission(), end)
    found = awaited(store.objects, "small")
    assert found is not None
    assert read_refusal(store.objects, found) == end
    later = submission(2, NOW + timedelta(seconds=1))
    announce(store.objects, later)
    assert awaited(store.objects, "small") == later
    assert submission_of(store.objects, "small", "study-small-1") is None


def test_a_launch_that_begins_takes_its_place_with_the_request_to_stop(store: Store) -> None:
    announce(store.objects, submission())
    ask_not_to_begin(store.objects, submission(), "ana on laptop")
    assert asked_not_to_begin(store.objects, submission()) == "ana on laptop"
    log = sitting(store)
    assert log.asked_to_stop() is None
    begun(store.objects, log.sitting, "study-small-1")
    assert log.asked_to_stop() == "ana on laptop"
    assert store.objects.beneath("studies/small/submitted") == ()
    log.end("stopped", "")


def test_a_launch_of_another_job_or_of_none_takes_nobodys_place_but_is_newer(store: Store) -> None:
    announce(store.objects, replace(submission(), at=NOW - timedelta(seconds=9)))
    log = sitting(store)
    for other in (None, "study-small-2"):
        begun(store.objects, log.sitting, other)
    assert submission_of(store.objects, "small", "study-small-1") is not None
    assert awaited(store.objects, "small") is None
    announce(store.objects, submission(3, datetime.now(UTC)))
    assert awaited(store.objects, "small") is not None
    assert submission_of(store.objects, "small", "study-small-1") is None
    log.end("complete", "")
