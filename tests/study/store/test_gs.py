"""A store on Google Cloud Storage: its real client against a server of its interface."""

import multiprocessing
import os
import pickle
from collections.abc import Iterator, Mapping
from uuid import uuid4

import pytest

from study.store import HeldError, Owner, Store, StoreError
from study.store.errors import StorageError
from study.store.objects import Objects, open_objects
from tests import gs_server
from tests.gs_server import BUCKET, Server
from tests.study.store import small

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["study.store", "gcsfs"])


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with gs_server.running() as server:
        yield server


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    yield running
    running.ill = running.ignores_conditions = False


@pytest.fixture
def place(server: Server) -> str:
    return f"gs://{BUCKET}/{uuid4().hex}"


@pytest.fixture
def objects(place: str) -> Objects:
    return open_objects(place)


def test_objects_are_what_they_are_elsewhere(objects: Objects) -> None:
    for name in ("x/b", "x/a", "x/y/c", "xx/d", "x/.hidden"):
        objects.put(name, b"one")
        objects.put(name, b"two2")
    assert objects.get("x/b") == objects.get_if_present("x/b") == b"two2"
    assert objects.children("x") == ("a", "b", "y")
    assert objects.children("x", "y") == ("y",)
    assert objects.beneath("x") == ("x/a", "x/b", "x/y/c")
    assert {name: told.bytes for name, told in objects.described("x").items()} == {"x/a": 4, "x/b": 4, "x/y/c": 4}
    objects.delete("x/b")
    objects.delete("x/b")
    assert not objects.exists("x/b")
    assert objects.exists("x/a")
    assert objects.get_if_present("x/b") is None
    with pytest.raises(FileNotFoundError):
        objects.get("x/b")
    assert objects.children("nothing") == objects.beneath("nothing") == ()
    assert objects.address("a/b").startswith(f"gs://{BUCKET}/")


def test_an_object_is_created_once_and_storage_that_overwrites_is_refused(
    objects: Objects, place: str, server: Server
) -> None:
    assert objects.create("x", b"first")
    assert not objects.create("x", b"second")
    assert objects.create("x", b"first"), "ours, of a request that was sent again"
    assert objects.get("x") == b"first"
    server.ignores_conditions = True
    with pytest.raises(StoreError, match="overwrites an object that it was asked to create only if it is absent"):
        Store.open(f"{place}/other")


def _create(place: str, mark: bytes, won: "multiprocessing.Queue[int]", environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    objects = open_objects(place)
    won.put(sum(objects.create(f"raced/{i}", mark + b"%d" % i) for i in range(5)))


def test_of_processes_that_race_for_a_name_exactly_one_wins(place: str, server: Server) -> None:
    won: multiprocessing.Queue[int] = PROCESSES.Queue()
    given = [(place, bytes([65 + i]), won, server.environment) for i in range(3)]
    racers = [PROCESSES.Process(target=_create, args=one) for one in given]
    for racer in racers:
        racer.start()
    assert sum(won.get(timeout=60) for _ in racers) == 5
    for racer in racers:
        racer.join(20)


def test_a_store_there_is_what_it_is_in_a_folder(place: str) -> None:
    store, plan = Store.open(place), small.plan()
    small.run(store, plan, {trial.trial_id: 40 for trial in plan.unique_trials()})
    there: Store = pickle.loads(pickle.dumps(Store.open(place)))
    assert there.committed().trained == {trial.trial_id for trial in plan.unique_trials()}
    assert len(there.read("evaluations")) == len(plan.unique_trials()) * len(plan.conditions)
    lease = there.acquire("trial/a", Owner.here("me"))
    with pytest.raises(HeldError):
        Store.open(place).acquire("trial/a", Owner.here("another"))
    lease.renew()
    lease.release()
    Store.open(place).acquire("trial/a", Owner.here("another")).release()


def test_what_storage_refuses_is_an_error_of_storage_in_words(objects: Objects, server: Server) -> None:
    """As of a disk: a unit that meets it is tried again."""
    server.ill = True
    with pytest.raises(StorageError, match=rf"gs://{BUCKET}/.*/x: .*; check that the storage is up and your") as told:
        objects.put("x", b"1")
    assert isinstance(told.value, OSError)


def test_a_bucket_that_is_not_there_is_told(server: Server) -> None:
    with pytest.raises(StoreError, match="gs://absent/store: cannot be written"):
        Store.open("gs://absent/store")
