"""Laws of leases: never two holders, generations grow, the dead make way."""

import errno
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from study.store import HeldError, Lease, Owner, Store, SupersededError, leases

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["study.store"])
NAME = "studies/small"


def elsewhere() -> Owner:
    """A process on a machine that this one cannot look into."""
    return replace(Owner.here("study launch small"), user="ada", host="gpu-07", machine="another", pid=42)


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store.open(tmp_path if request.param == "local" else f"memory://{uuid4().hex}")


def test_a_held_lease_is_refused_and_says_by_whom(store: Store) -> None:
    store.acquire(NAME, Owner.here("the first"))
    with pytest.raises(HeldError, match=rf"studies/small is held by .*process {os.getpid()}: the first.* since 20"):
        store.acquire(NAME, Owner.here("the second"))


def test_a_released_lease_is_free_and_its_generation_grows(store: Store) -> None:
    first = store.acquire(NAME, Owner.here("one"))
    first.release()
    second = store.acquire(NAME, Owner.here("two"))
    assert second.generation == first.generation + 1
    with pytest.raises(SupersededError):
        first.check()
    second.check()


def test_the_next_holder_finds_what_the_one_before_left_and_nothing_of_one_that_died(store: Store) -> None:
    first = store.acquire(NAME, Owner.here("one"))
    assert first.found == b""
    first.left = b"trained"
    first.release()
    second = store.acquire(NAME, Owner.here("two"))
    assert second.found == b"trained"
    second.left = b"more"
    second.release()
    third = store.acquire(NAME, elsewhere(), ttl=0.1)
    assert third.found == b"more"
    third.left = b"never said"
    fourth = store.acquire(NAME, Owner.here("four"), patience=5.0)
    assert fourth.found == b""


def test_leases_of_different_names_do_not_meet(store: Store) -> None:
    store.acquire("trials/a", Owner.here("a"))
    store.acquire("trials/b", Owner.here("b")).check()


def test_those_that_are_held_are_listed(store: Store) -> None:
    store.acquire("trials/a", Owner.here("a")).release()
    store.acquire("trials/b", Owner.here("b"))
    store.acquire(NAME, elsewhere())
    assert [held.name for held in store.leases("trials")] == ["trials/b"]
    assert {held.name: held.owner.host for held in store.leases()}[NAME] == "gpu-07"
    assert store.leases("nothing") == ()


def test_a_silent_holder_elsewhere_is_taken_over_after_its_ttl_by_the_observers_clock(store: Store) -> None:
    lost = store.acquire(NAME, elsewhere(), ttl=0.3)
    began = time.monotonic()
    taken = store.acquire(NAME, Owner.here("me"), patience=10)
    assert time.monotonic() - began >= 0.3
    assert taken.generation == lost.generation + 1
    for stale in (lost.check, lost.renew):
        with pytest.raises(SupersededError):
            stale()
    lost.release()
    taken.check()


def test_observations_add_up_over_calls_that_do_not_wait(store: Store) -> None:
    store.acquire(NAME, elsewhere(), ttl=0.2)
    with pytest.raises(HeldError):
        store.acquire(NAME, Owner.here("me"))
    time.sleep(0.25)
    store.acquire(NAME, Owner.here("me")).check()


def test_a_beating_holder_elsewhere_keeps_its_lease(store: Store) -> None:
    lease = store.acquire(NAME, elsewhere(), ttl=0.4)
    beating = threading.Thread(target=_beat, args=(lease, 10))
    beating.start()
    with pytest.raises(HeldError):
        store.acquire(NAME, Owner.here("me"), patience=10)
    for _ in range(5):
        with pytest.raises(HeldError):
            store.acquire(NAME, Owner.here("me"))
        time.sleep(0.1)
    beating.join()
    lease.check()


def _beat(lease: Lease, times: int) -> None:
    for _ in range(times):
        time.sleep(0.1)
        lease.renew()


def test_a_lease_file_emptied_by_a_power_cut_is_taken_over_when_nothing_beats(store: Store) -> None:
    store.objects.put("leases/studies/small/000003.held", b"")
    with pytest.raises(HeldError, match="cannot be read"):
        store.acquire(NAME, Owner.here("me"))
    assert [held.owner.user for held in store.leases()] == ["?"]


def test_a_generation_tidied_away_is_not_created_again_by_one_who_read_an_old_listing(store: Store) -> None:
    for _ in range(3):
        store.acquire(NAME, Owner.here("me")).release()
    assert not store._leases._take(NAME, 2, Owner.here("late"), 30.0)
    assert store.acquire(NAME, Owner.here("me")).generation == 4


def test_a_process_number_used_again_is_not_the_holder(store: Store) -> None:
    me = Owner.here("me")
    assert me.life == "alive"
    assert me.process_start is not None
    assert replace(me, process_start=me.process_start - 1).life == "dead"
    assert replace(me, machine="another").life == "unknown"
    store.acquire(NAME, replace(me, process_start=me.process_start - 1))
    assert store.leases() == ()
    store.acquire(NAME, me).check()


def _hold(location: str, held: "multiprocessing.synchronize.Event") -> None:
    Store.open(location).acquire(NAME, Owner.here("the child"), ttl=600)
    held.set()
    time.sleep(60)


def test_a_killed_process_of_this_machine_frees_its_lease_at_once(tmp_path: Path) -> None:
    store, held = Store.open(tmp_path), PROCESSES.Event()
    child = PROCESSES.Process(target=_hold, args=(store.location, held), daemon=True)
    child.start()
    assert held.wait(30)
    with pytest.raises(HeldError, match="the child"):
        store.acquire(NAME, Owner.here("me"))
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    while store.leases():
        time.sleep(0.001)  # until the signal arrives; the dead child is a zombie still
    began = time.monotonic()
    assert store.acquire(NAME, Owner.here("me")).generation == 2
    assert time.monotonic() - began < 1
    child.join()


def _fight(location: str, seconds: float, wins: "multiprocessing.Queue[list[int]]") -> None:
    """Take the lease as often as possible; inside, a file that only one process at a time can create."""
    store, inside, won = Store.open(location), Path(location) / "inside", []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            lease = store.acquire(NAME, Owner.here("a fighter"))
        except HeldError:
            continue
        inside.open("x").close()
        lease.check()
        won.append(lease.generation)
        inside.unlink()
        if lease.generation % 3:
            lease.release()
        else:  # leave as the dead do
            _abandon(lease)
    wins.put(won)


def _abandon(lease: Lease) -> None:
    path = f"leases/{NAME}/{lease.generation:06d}.held"
    body = lease.objects.get(path).replace(f'"pid": {os.getpid()}'.encode(), b'"pid": 4194999')
    lease.objects.put(path, body, durable=False)


def test_of_eight_processes_that_fight_over_a_lease_one_holds_it_at_a_time(tmp_path: Path) -> None:
    wins: multiprocessing.Queue[list[int]] = PROCESSES.Queue()
    fighters = [PROCESSES.Process(target=_fight, args=(str(tmp_path), 1.5, wins), daemon=True) for _ in range(8)]
    for fighter in fighters:
        fighter.start()
    generations = [generation for _ in fighters for generation in wins.get(timeout=60)]
    for fighter in fighters:
        fighter.join()
    assert [fighter.exitcode for fighter in fighters] == [0] * 8
    assert sorted(generations) == list(range(1, max(generations) + 1))
    assert len(generations) > 50


def _ill(*_: object, **__: object) -> bytes:
    raise OSError(errno.EROFS, "Read-only file system")


def _fall_ill(store: Store, at: str, ill: pytest.MonkeyPatch) -> None:
    """Storage creates the next object, and from then on fails: with the answer, or with the listing that follows."""
    objects = type(store.objects)

    def create(*asked: Any, create: Callable[..., bool] = objects.create, **how: Any) -> bool:
        made = create(*asked, **how)
        for name in ("get", "put", "delete", "children"):
            ill.setattr(objects, name, _ill)
        return made if at == "children" else bool(_ill())

    ill.setattr(objects, "create", create)


@pytest.mark.parametrize("at", ["create", "children"])
def test_a_lease_that_was_created_by_a_call_that_failed_is_free_for_its_process_at_once(
    store: Store, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases.Leases, "_give_back", lambda *_: None)
    with monkeypatch.context() as ill:
        _fall_ill(store, at, ill)
        with pytest.raises(OSError, match="Read-only"):
            store.acquire(NAME, Owner.here("the first"), ttl=600)
    assert store.objects.exists(f"leases/{NAME}/000001.held")
    assert store.leases() == ()
    taken = Store.open(store.location).acquire(NAME, Owner.here("the second"), ttl=600)
    assert taken.generation == 2
    with pytest.raises(HeldError, match="the second"):
        store.acquire(NAME, Owner.here("the third"))
    taken.check()


@pytest.mark.parametrize("at", ["create", "children"])
def test_it_is_given_back_for_other_processes_once_storage_answers_again(
    store: Store, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ill:
        _fall_ill(store, at, ill)
        with pytest.raises(OSError, match="Read-only"):
            store.acquire(NAME, Owner.here("the first"), ttl=600)
        monkeypatch.setattr(leases, "UNWANTED", set())  # to others it is held by a process that lives
    deadline = time.monotonic() + 10
    while store.leases() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert store.acquire(NAME, Owner.here("another")).generation == 2


def test_one_that_is_created_after_it_was_given_up_on_is_given_back_too(store: Store) -> None:
    """As by a request that went on its way when nobody waited for it any more."""
    late = Lease(store.objects, NAME, 1, 5.0)
    giving = threading.Thread(target=store._leases._give_back, args=(late, "ours"))
    giving.start()
    time.sleep(0.7)
    body = {"owner": asdict(Owner.here("the first")), "since": "now", "ttl": 600.0, "token": "ours"}
    store.objects.create(f"leases/{NAME}/000001.held", json.dumps(body).encode())
    giving.join(5)
    assert not giving.is_alive()
    assert store.acquire(NAME, Owner.here("another")).generation == 2


def test_a_lease_of_another_is_not_given_back_by_a_call_that_failed_to_create_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = store.acquire(NAME, Owner.here("the holder"))
    failed = replace(held)
    store._leases._give_back(failed, "the token of another")
    held.check()
