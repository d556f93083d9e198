"""A lease kept alive by a thread."""

import errno
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from study.store import Heartbeat, HeldError, Lease, Owner, Store, StoreError, SupersededError
from study.store.objects import LocalObjects

TTL = 0.4
ELSEWHERE = Owner(user="ada", host="engine", pid=1, process_start=None, machine="another", what="a study")


def taken(store: Store) -> Lease:
    return store.acquire("trial/a", ELSEWHERE, ttl=TTL)


def test_a_holder_that_is_busy_keeps_its_lease(tmp_path: Path) -> None:
    heartbeat = Heartbeat(taken(Store.open(tmp_path)))
    with pytest.raises(HeldError):
        Store.open(tmp_path).acquire("trial/a", Owner.here("me"), ttl=TTL, patience=3 * TTL)
    heartbeat.check()
    heartbeat.stop()
    Store.open(tmp_path).acquire("trial/a", Owner.here("me"), ttl=TTL).release()


def test_without_one_it_is_taken_over(tmp_path: Path) -> None:
    lease = taken(Store.open(tmp_path))
    Store.open(tmp_path).acquire("trial/a", Owner.here("me"), ttl=TTL, patience=3 * TTL)
    with pytest.raises(SupersededError):
        lease.check()


def test_one_that_was_taken_over_says_so_and_leaves_the_lease_to_its_new_holder(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    told: list[bool] = []
    heartbeat = Heartbeat(taken(store), lambda: told.append(True))
    store.objects.create("leases/trial/a/000009.held", b"{}")
    _wait(lambda: bool(told))
    assert told == [True]
    with pytest.raises(SupersededError):
        heartbeat.check()
    heartbeat.stop()
    assert not store.objects.exists("leases/trial/a/000009.released")


@pytest.mark.parametrize("error", [StoreError("this is not S3"), OSError("the server is away")])
def test_it_beats_on_whatever_goes_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """And gives the lease back, if later."""
    beats: list[bool] = []
    heartbeat = Heartbeat(taken(Store.open(tmp_path)))

    def beat() -> None:
        beats.append(True)
        raise ValueError("half a file")

    def refuse(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as ill:
        ill.setattr(LocalObjects, "put", refuse)
        time.sleep(TTL / 2)
    heartbeat.at_beat = beat
    _wait(lambda: len(beats) >= 3)
    with pytest.raises(HeldError):
        Store.open(tmp_path).acquire("trial/a", Owner.here("me"), ttl=TTL, patience=3 * TTL)
    heartbeat.check()
    with monkeypatch.context() as ill:
        ill.setattr(LocalObjects, "put", refuse)
        heartbeat.stop()
    _wait(lambda: not Store.open(tmp_path).leases("trial"))


def test_a_lease_that_storage_will_not_take_back_now_is_given_back_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path)
    heartbeat = Heartbeat(store.acquire("trial/a", Owner.here("me"), ttl=60))
    with monkeypatch.context() as full:
        full.setattr(store.objects.__class__, "put", _no_space)
        heartbeat.stop()
        with pytest.raises(HeldError):
            Store.open(tmp_path).acquire("trial/a", Owner.here("me"), ttl=TTL)
    _wait(lambda: not store.leases("trial"))
    Store.open(tmp_path).acquire("trial/a", Owner.here("me"), ttl=TTL).release()


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")
