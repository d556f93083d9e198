"""What a fault came to: the work that was lost, at most, and the units that felt it."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from study.chaos.following import Attempt, Following, felt, lost, said
from study.executor.session import StoreSession
from study.executor.units import StudyUnit
from study.store import Owner, Store
from study.store.logbook import Logbook, LogLine
from tests.study.executor.plans import trial
from trainables import tune

UNIT = StudyUnit(phase="train", trial=trial("01"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path)


def begin(store: Store) -> StoreSession:
    return StoreSession(store, UNIT, {}, Owner.here("test"))


def line(change: str, at: float, trial_id: str = "01") -> LogLine:
    return LogLine(at=datetime.fromtimestamp(at, UTC), change=change, message="", trial_id=trial_id)


def test_work_counts_as_lost_until_the_attempt_is_seen_to_be_over(store: Store) -> None:
    dead: set[Owner] = set()
    following = Following(store, lambda owner: owner not in dead)
    session = begin(store)
    following.look()
    session.save_last({"epochs": [], "step": 0})
    following.look()
    ((_, attempt),) = following.attempts.items()
    assert attempt.unit.kept_at > attempt.unit.taken  # saved after the fault too
    time.sleep(0.2)
    following.look()
    assert following.attempts["01", 1].ended is None
    dead.add(attempt.unit.owner)
    following.look()
    ended = following.attempts["01", 1].ended
    assert ended == following.looked
    assert lost(store, following.attempts.values(), ()) == pytest.approx(ended - attempt.unit.kept_at)
    assert lost(store, following.attempts.values(), ()) >= 0.2
    session.close(tune.Report(status="done"), 0, "cpu")
    assert lost(store, following.attempts.values(), ()) == 0.0


def test_attempts_that_failed_add_up_each_by_its_own_record(store: Store) -> None:
    following = Following(store, lambda _: True)
    for _ in range(2):
        session = begin(store)
        following.look()
        time.sleep(0.2)
        session.close(tune.Report(status="failed", failure="infrastructure"), 0, "cpu")
        time.sleep(0.3)  # seen late
        following.look()
    assert [one.ended is not None for one in following.attempts.values()] == [True, True]
    assert 0.4 <= lost(store, following.attempts.values(), ()) < 0.8


def test_where_storage_refused_all_records_the_launch_tells_when_it_failed(store: Store) -> None:
    following = Following(store, lambda _: True)
    begin(store)
    following.look()
    unit = following.attempts["01", 1].unit
    late = [Attempt(unit=unit, ended=unit.taken + 20.0)]
    assert lost(store, late, ()) == pytest.approx(20.0)
    told = [
        line("retrying", unit.taken - 5.0),
        line("retrying", unit.taken + 3.0, "02"),
        line("retrying", unit.taken + 4),
    ]
    assert lost(store, late, told) == pytest.approx(4.0)
    assert lost(store, late, (), (unit.taken + 1.0, unit.taken + 16.0)) == pytest.approx(5.0)  # stood still


def test_one_that_lost_its_lease_works_until_its_process_is_gone_or_at_something_else(store: Store) -> None:
    owner, other = Owner.here("cut off"), Owner.here("takes over")
    lives = {owner: True, other: True}
    following = Following(store, lives.__getitem__)
    store.acquire("trial/01", owner, ttl=0.1)
    following.look()
    place = store.root / "leases" / "trial" / "01" / "000002.held"  # type: ignore[operator]
    body = (place.parent / "000001.held").read_text().replace("cut off", "takes over")
    place.write_text(body)
    following.look()
    assert following.attempts["01", 1].ended is None
    lives[owner] = False
    following.look()
    assert following.attempts["01", 1].ended is not None
    assert following.attempts["01", 2].ended is None


def test_a_fault_that_nobody_had_to_notice_hit_nobody(store: Store) -> None:
    following = Following(store, lambda _: True)
    session = begin(store)
    following.look()
    hit = [following.attempts["01", 1].unit]
    struck = time.time()

    def trials(healed: float, told: tuple[LogLine, ...] = ()) -> set[str]:
        return set(felt(following, hit, struck, healed, 15.0, told))

    following.look()
    assert trials(struck + 10.0) == set()  # it goes on, and was to say nothing
    assert trials(struck + 10.0, (line("retrying", struck + 3.0, "02"),)) == {"02"}
    following.attempts["01", 1] = replace(following.attempts["01", 1], ended=struck + 16.0)
    following.looked = struck + 30.0
    session.close(tune.Report(status="done"), 0, "cpu")
    assert trials(struck + 10.0) == set()  # done in time
    assert trials(struck + 16.0) == {"01"}  # a heartbeat was due


def test_who_gave_up_felt_it(store: Store) -> None:
    following = Following(store, lambda _: True)
    session = begin(store)
    following.look()
    hit = [following.attempts["01", 1].unit]
    session.close(tune.Report(status="failed", failure="infrastructure"), 0, "cpu")
    following.look()
    following.look()
    assert felt(following, hit, time.time() - 1.0, time.time(), 15.0, ()) == {"01"}


def test_what_launches_said_since(store: Store) -> None:
    log = Logbook(store.objects, "small", Owner.here("test"), 1)
    now = time.time()
    for one in (line("retrying", now - 9), line("started", now), line("retrying", now + 1), line("failed", now + 2)):
        log.write(one)
    log.begin()
    log.end("complete", "")
    assert [one.change for one in said(store, "small", now)] == ["retrying", "failed"]
