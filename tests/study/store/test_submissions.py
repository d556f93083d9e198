"""A launch that was submitted and has not begun: who sees it, how it is stopped, when it goes."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

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
from tests.study.clocks import clock_ahead

NOW = datetime.now(UTC)


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store.open(tmp_path if request.param == "local" else f"memory://{uuid4().hex}")


def submission(number: int = 1, at: datetime = NOW) -> Submission:
    owner = Owner.here("study launch small --submit")
    return Submission(study="small", job=f"study-small-{number}", address="http://head:8265", at=at, owner=owner)


def sitting(store: Store, generation: int = 1, hours_ahead: float = 0.0) -> Logbook:
    with clock_ahead(hours_ahead):
        log = Logbook(store.objects, "small", Owner.here("study launch small"), generation)
    log.begin()
    return log


def test_what_was_announced_is_awaited_until_it_is_withdrawn(store: Store) -> None:
    assert awaited(store.objects, "small") is None
    announce(store.objects, submission())
    announced = replace(submission(), after=0)
    assert awaited(store.objects, "small") == submission_of(store.objects, "small", "study-small-1") == announced
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
    assert awaited(store.objects, "small") == replace(later, after=0)
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


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_which_of_a_launch_and_a_submission_is_newer_does_not_hang_on_clocks(store: Store, hours: int) -> None:
    """The terminal's clock is `hours` ahead of that of the cluster's head."""
    earlier, later = submission(1), submission(2)
    sitting(store, 4, -hours).end("complete", "")
    announce(store.objects, earlier)
    assert awaited(store.objects, "small") == replace(earlier, after=4)
    announce(store.objects, later)
    assert submission_of(store.objects, "small", earlier.job) is not None  # no launch has overtaken it
    sitting(store, 5, -hours).end("complete", "")
    assert awaited(store.objects, "small") is None
    announce(store.objects, submission(3))
    assert submission_of(store.objects, "small", earlier.job) is None
    assert submission_of(store.objects, "small", later.job) is None


def test_of_two_submissions_the_one_that_the_store_was_given_last_is_newer(store: Store) -> None:
    for number, hours in ((1, 0), (2, -1)):
        announce(store.objects, submission(number, NOW + timedelta(hours=hours)))
        time.sleep(0.02)  # storage tells times to some milliseconds
    found = awaited(store.objects, "small")
    assert found is not None
    assert found.job == "study-small-2"


@pytest.mark.parametrize(("seconds", "expected"), [(-1, None), (1, "study-small-1")])
def test_one_that_an_earlier_version_announced_is_compared_by_the_clock(
    store: Store, seconds: int, expected: str | None
) -> None:
    log = sitting(store)
    log.end("complete", "")
    announce(store.objects, submission(at=log.sitting.since + timedelta(seconds=seconds)))
    name = "studies/small/submitted/study-small-1/about.json"
    known = json.loads(store.objects.get(name))
    del known["after"]
    store.objects.put(name, json.dumps(known).encode())
    found = awaited(store.objects, "small")
    assert (None if found is None else found.job) == expected
