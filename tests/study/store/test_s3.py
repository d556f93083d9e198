"""Laws of a store on S3, against a real server over HTTP that is made to misbehave (tests/s3_server.py)."""

import multiprocessing
import os
import pickle
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from s3fs import S3FileSystem

from study import garbage
from study.store import HeldError, Owner, Store, StoreError, SupersededError
from study.store.errors import StorageError
from study.store.objects import check_writable, open_objects
from study.store.s3 import S3Objects
from tests import s3_server
from tests.s3_server import BUCKET, Faults, Server
from tests.study.store import small
from trainables.tune import classify

pytestmark = pytest.mark.slow

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["study.store", "s3fs"])
ILL = Faults(error=0.1, slow_down=0.02, reset=0.05, lost=0.1, conflict=0.05)


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with s3_server.running() as server:
        yield server


@pytest.fixture
def server(running: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    running.counts()
    yield running
    running.fail(Faults())


@pytest.fixture
def place(server: Server) -> str:
    return f"s3://{BUCKET}/{uuid4().hex}/store"


@pytest.fixture
def objects(place: str) -> S3Objects:
    opened = open_objects(place)
    assert isinstance(opened, S3Objects)
    return opened


def test_objects_are_what_they_are_elsewhere(objects: S3Objects) -> None:
    began = time.time()
    for name in ("x/b", "x/a", "x/y/c", "xx/d", "x/.hidden"):
        objects.put(name, b"one")
        objects.put(name, b"two2")
    assert objects.get("x/b") == objects.get_if_present("x/b") == b"two2"
    assert objects.children("x") == ("a", "b", "y")
    assert objects.children("x", "y") == ("y",)
    assert objects.children("", "xx") == ("xx",)
    assert objects.children("") == ("x", "xx")
    assert objects.beneath("x") == ("x/a", "x/b", "x/y/c")
    found = objects.described("x")
    assert {name: told.bytes for name, told in found.items()} == {"x/a": 4, "x/b": 4, "x/y/c": 4}
    assert all(began - 2 <= told.modified <= time.time() + 2 for told in found.values())
    objects.delete("x/b")
    objects.delete("x/b")
    assert not objects.exists("x/b")
    assert objects.exists("x/a")
    assert objects.get_if_present("x/b") is None
    with pytest.raises(FileNotFoundError):
        objects.get("x/b")
    assert objects.children("nothing") == objects.beneath("nothing") == ()
    assert objects.described("nothing") == {}
    assert objects.address("a/b").endswith("/store/a/b")


def test_a_bucket_without_a_prefix_is_a_place_too(server: Server) -> None:
    objects = open_objects(f"s3://{BUCKET}")
    name = f"top-{uuid4().hex}"
    objects.put(f"{name}/x", b"1")
    assert objects.beneath(name) == (f"{name}/x",)
    assert name in objects.children("")


def test_each_thing_asked_is_one_request(objects: S3Objects, server: Server) -> None:
    objects.put("full/x", b"1")
    objects.exists("full/x")
    server.counts()
    told = []
    for ask in (
        lambda: objects.get("full/x"),
        lambda: objects.exists("full/x"),
        lambda: objects.exists("full/absent"),
        lambda: objects.children("empty"),
        lambda: objects.beneath("empty"),
        lambda: objects.described("full"),
        lambda: objects.create("full/y", b"1"),
        lambda: objects.put("full/z", b"1"),
        lambda: objects.delete("full/z"),
    ):
        ask()
        told.append(server.counts())
    assert told == [
        {"GET": 1}, {"HEAD": 1}, {"HEAD": 1}, {"LIST": 1}, {"LIST": 1}, {"LIST": 1},
        {"PUT if absent": 1}, {"PUT": 1}, {"DELETE": 1},
    ]  # fmt: skip


def test_listings_go_on_past_a_thousand_names(objects: S3Objects, server: Server, tmp_path: Any) -> None:
    for i in range(1001):
        (tmp_path / f"{i:04d}").write_bytes(b"")
    server.load(tmp_path, f"{objects._split('')[1]}/many")
    server.counts()
    assert len(objects.children("many")) == len(objects.beneath("many")) == 1001
    assert server.counts() == {"LIST": 4}
    assert len(objects.children("many", "00")) == 100
    assert server.counts() == {"LIST": 1}


def test_creating_is_one_conditional_request_also_of_a_large_object(objects: S3Objects, server: Server) -> None:
    """A large one is uploaded in parts, and the request that makes it an object is the conditional one."""
    assert objects.create("x", b"111")
    assert server.counts() == {"PUT if absent": 1}
    part = 5 * 2**20
    path = objects.address("large").removeprefix("s3://")
    objects.filesystem.pipe_file(path, b"1" * (2 * part + 1), chunksize=part, mode="create")
    assert server.counts() == {"POST": 1, "POST if absent": 1, "PUT": 3}
    with pytest.raises(FileExistsError):
        objects.filesystem.pipe_file(path, b"2" * (2 * part + 1), chunksize=part, mode="create")
    assert objects.get("large")[:1] == b"1"


def _create(
    place: str, mark: bytes, names: int, won: "multiprocessing.Queue[list[int]]", environment: Mapping[str, str]
) -> None:
    """The server that forks may be older than this server of objects, and not know where it is."""
    os.environ.update(environment)
    objects = open_objects(place)
    won.put([i for i in range(names) if objects.create(f"raced/{i}", mark + b"%d" % i)])


@pytest.mark.parametrize("faults", [Faults(), ILL], ids=["well", "ill"])
def test_of_processes_that_race_for_a_name_exactly_one_wins(
    objects: S3Objects, place: str, server: Server, faults: Faults
) -> None:
    """Also where answers get lost: who is told that it won has its bytes there."""
    server.fail(replace(faults, seed=1))
    won: multiprocessing.Queue[list[int]] = PROCESSES.Queue()
    given = [(place, bytes([65 + i]), 6, won, server.environment) for i in range(3)]
    racers = [PROCESSES.Process(target=_create, args=one) for one in given]
    for racer in racers:
        racer.start()
    wins = [won.get(timeout=60) for _ in racers]
    for racer in racers:
        racer.join(20)
    assert sorted(i for own in wins for i in own) == list(range(6))


def test_a_lost_answer_to_a_creation_is_found_out(objects: S3Objects, server: Server) -> None:
    server.fail(Faults(lost=0.5, seed=2))
    assert all(objects.create(f"x/{i}", b"mine") for i in range(4))
    assert not any(objects.create(f"x/{i}", b"theirs") for i in range(4))
    assert sum(server.counts().values()) > 12


def test_a_lease_whose_creation_was_not_answered_is_held_once(place: str, server: Server) -> None:
    store = Store.open(place)
    for seed in range(3):
        server.fail(Faults(lost=0.4, seed=seed))
        lease = store.acquire(f"trial/{seed}", Owner.here("same words"), ttl=600)
        with pytest.raises(HeldError, match="same words"):
            store.acquire(f"trial/{seed}", Owner.here("same words"), ttl=600)
        lease.check()
        lease.release()
        with pytest.raises(SupersededError):
            lease.check()


def test_a_server_that_fails_some_requests_loses_nothing(place: str, server: Server) -> None:
    plan, whole = small.plan(), Store.open(f"memory://{uuid4().hex}")
    correct = {trial.trial_id: 40 for trial in plan.unique_trials()[:2]}
    server.fail(ILL)
    store = Store.open(place)
    for one in (store, whole):
        one.record_launch(plan, "study: small", {"user": "ada"})
        small.run(one, plan, correct)
        one.write_checkpoint("a", "0001-a", "last", b"weights" * 1000)
    server.fail(Faults())
    assert store.committed() == whole.committed()
    assert all(
        store.read(table).equals(whole.read(table)) for table in ("trials", "epochs", "evaluations", "predictions")
    )
    assert store.read_checkpoint("a", "0001-a", "last") == b"weights" * 1000
    launch = store.newest_launch(plan.study)
    assert launch is not None
    assert launch.plan == plan


def _failing(place: str, seconds: float = 10.0) -> str:
    began = time.monotonic()
    with pytest.raises(StoreError) as told:
        Store.open(place)
    assert time.monotonic() - began < seconds
    return str(told.value)


@pytest.mark.parametrize("faults", [Faults(error=1.0), Faults(slow_down=1.0), Faults(reset=1.0)])
def test_storage_that_stays_ill_is_given_up_on_in_words(objects: S3Objects, server: Server, faults: Faults) -> None:
    """An OSError too: for workers, infrastructure; for heartbeats, one to be left to the next."""
    server.fail(faults)
    began = time.monotonic()
    with pytest.raises(
        StorageError, match=r"store/x: http://127.0.0.1:\d+ gave no answer but errors for \d+ s"
    ) as told:
        replace(objects, patience=0.5).get("x")
    assert isinstance(told.value, OSError)
    assert 0.5 <= time.monotonic() - began < 5


def test_storage_that_overwrites_what_is_there_is_refused(place: str, server: Server) -> None:
    server.fail(Faults(ignores_conditions=True))
    assert "If-None-Match), so two launches could both have a trial; use storage that knows it" in _failing(place)
    server.fail(Faults(bare_precondition=True))
    check_writable(open_objects(place))


def test_what_is_wrong_with_a_place_is_said_before_anything_is_computed(
    place: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"there is no bucket absent at http://127.0.0.1:{server.port}; make it, or" in _failing("s3://absent/store")
    with pytest.raises(StoreError, match="there is no bucket absent"):
        Store.open("s3://absent/store", create=False)
    with pytest.raises(StoreError, match="no store is there"):
        Store.open(place, create=False)
    server.fail(Faults(denied=("PUT",)))
    assert "these credentials may not do this" in _failing(place)
    server.fail(Faults(denied=("GET", "HEAD")))
    with pytest.raises(StoreError, match=r"a store needs s3:ListBucket on the bucket robustness, and s3:GetObject"):
        Store.open(place, create=False)


def test_what_is_refused_where_it_has_worked_may_pass(objects: S3Objects, server: Server) -> None:
    """Rights and credentials that are being renewed."""
    server.fail(Faults(denied=("PUT",)))
    healing = threading.Timer(1.0, server.fail, [Faults()])
    healing.start()
    objects.put("x", b"1")
    healing.join()
    assert objects.get("x") == b"1"


def test_what_stays_refused_where_it_has_worked_is_told_as_storage_that_fails(
    objects: S3Objects, server: Server
) -> None:
    server.fail(Faults(denied=("PUT",)))
    began = time.monotonic()
    with pytest.raises(StorageError, match=r"store/x: these credentials may not do this .*s3:PutObject") as told:
        replace(objects, patience=0.5).put("x", b"1")
    assert 0.5 <= time.monotonic() - began < 5
    assert classify(told.value) == "infrastructure"


def test_who_may_read_and_not_write_is_told_so_at_once(place: str, server: Server) -> None:
    Store.open(place).objects.put("x", b"1")
    opened = Store.open(place, create=False)
    server.fail(Faults(denied=("PUT",)))
    began = time.monotonic()
    with pytest.raises(StoreError, match="these credentials may not do this") as told:
        opened.objects.put("x", b"2")
    assert time.monotonic() - began < 5
    assert not isinstance(told.value, OSError)
    assert not opened.proven
    assert pickle.loads(pickle.dumps(opened)).proven, "what travels to workers was tried before"


def test_without_credentials_it_is_said_which_to_set(
    place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    S3FileSystem.clear_instance_cache()
    assert "no credentials for http://127.0.0.1" in _failing(place)


def test_an_endpoint_where_nothing_answers_is_named(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        S3FileSystem.clear_instance_cache()
        assert f"http://127.0.0.1:{port} gave no answer" in (told := _failing(place))
        assert "AWS_ENDPOINT_URL" in told


def test_an_endpoint_that_is_no_url_is_refused(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    S3FileSystem.clear_instance_cache()
    assert "Invalid endpoint: nonsense" in _failing(place)


def test_a_store_takes_with_it_how_to_reach_it(place: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    Store.open(place).objects.put("x", b"1")
    packed = pickle.dumps(Store(place))
    for name in server.environment:
        monkeypatch.delenv(name)
    S3FileSystem.clear_instance_cache()
    assert pickle.loads(packed).objects.get("x") == b"1"
    assert os.environ["AWS_ENDPOINT_URL"] == server.environment["AWS_ENDPOINT_URL"]
    assert b"AWS" not in pickle.dumps(Store("/somewhere"))


def test_a_silent_holder_elsewhere_is_taken_over_after_its_ttl_and_a_beating_one_is_not(place: str) -> None:
    """By two people's machines: neither can look into the other."""
    store, there = Store.open(place), replace(Owner.here("study first"), machine="another", host="gpu-07", user="ada")
    lost = store.acquire("trial/a", there, ttl=1.0)
    with pytest.raises(HeldError, match=r"trial/a is held by ada on gpu-07 .*study first"):
        store.acquire("trial/a", Owner.here("study second"))
    assert [held.owner.user for held in store.leases("trial")] == ["ada"]
    lost.renew()
    time.sleep(0.5)
    with pytest.raises(HeldError):
        store.acquire("trial/a", Owner.here("study second"))
    taken = store.acquire("trial/a", Owner.here("study second"), patience=20)
    assert taken.generation == lost.generation + 1
    for stale in (lost.check, lost.renew):
        with pytest.raises(SupersededError):
            stale()
    taken.check()


def test_what_a_lease_costs(place: str, server: Server) -> None:
    """Requests on a bucket, as the documentation says them."""
    store = Store.open(place)
    store.acquire("trial/b", Owner.here("before")).release()
    server.counts()
    lease = store.acquire("trial/a", Owner.here("me"))
    told = [server.counts()]
    for ask in (lease.check, lease.renew, lease.release):
        ask()
        told.append(server.counts())
    assert told == [
        {"LIST": 3, "PUT if absent": 1}, {"LIST": 1}, {"LIST": 1, "PUT": 1}, {"DELETE": 2, "PUT": 1},
    ]  # fmt: skip
    server.counts()
    store.acquire("trial/a", Owner.here("me"))
    assert server.counts() == {"LIST": 3, "GET": 1, "PUT if absent": 1, "DELETE": 1}


def test_what_a_commit_costs(place: str, server: Server) -> None:
    """However many trials there are."""
    store, plan = Store.open(place), small.plan()
    first, second, *_ = plan.unique_trials()
    small.run(store, plan, {first.trial_id: 40})
    server.counts()
    store.commit_training(second, small.OUTCOME)
    assert server.counts() == {"PUT if absent": 2}
    store.commit_cells(second.trial_id, plan.conditions, small.evaluated(plan, 40))
    assert server.counts() == {"PUT if absent": 3, "GET": 1}, "which conditions these are was said by another"


def test_what_a_look_at_one_trial_costs(place: str, server: Server) -> None:
    """However many trials there are: every unit takes one before it begins."""
    store, plan = Store.open(place), small.plan()
    small.run(store, plan, {trial.trial_id: 40 for trial in plan.unique_trials()})
    of = plan.unique_trials()[0].trial_id
    store = Store.open(place)
    server.counts()
    everything = {condition.condition_id for condition in plan.conditions}
    assert store.evaluated(of, everything) == everything
    assert server.counts() == {"LIST": 2, "GET": 1}
    assert not store.evaluated("feedfacefeedface", everything)
    assert server.counts() == {"LIST": 1}


def test_garbage_is_found_by_sizes_and_times_and_deleted(place: str) -> None:
    store, plan = Store.open(place), small.plan()
    store.record_launch(plan, "study: small", {"user": "ada"})
    small.run(store, plan, {plan.unique_trials()[0].trial_id: 40})
    store.objects.put("trials/feedfacefeedface/0001-a/last.ckpt", b"12345")
    before = garbage.survey(store)
    assert (before.garbage, before.young) == ((), 1)
    found = [one for one in garbage.survey(store, older_than=-60).garbage if one.kind == "unfinished"]
    assert [(one.names, one.bytes) for one in found] == [(("trials/feedfacefeedface/0001-a/last.ckpt",), 5)]
    collected = garbage.collect(store, older_than=-60)
    assert [one.kind for one in collected.deleted].count("unfinished") == 1
    assert store.objects.beneath("trials") == ()
    assert store.committed().trained == {plan.unique_trials()[0].trial_id}
