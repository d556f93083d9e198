"""Laws of objects: whole or absent, created once, temporary files unseen."""

import errno
import multiprocessing
import os
import random
import re
import signal
import time
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from study.store import Store, StoreError
from study.store.errors import StorageError
from study.store.objects import LocalObjects, Objects, RemoteObjects, _modified, open_objects
from trainables.tune import classify

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["study.store"])


@pytest.fixture(params=["local", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    return open_objects(str(tmp_path / "store") if request.param == "local" else f"memory://{uuid4().hex}")


def test_what_is_put_is_got_and_replaced_as_a_whole(objects: Objects) -> None:
    objects.put("a/b/c.txt", b"one")
    objects.put("a/b/c.txt", b"two")
    assert objects.get("a/b/c.txt") == b"two"
    assert objects.exists("a/b/c.txt")


def test_an_object_is_created_once(objects: Objects) -> None:
    assert objects.create("leases/x", b"first")
    assert not objects.create("leases/x", b"second")
    assert objects.get("leases/x") == b"first"


def test_a_name_that_was_given_by_a_request_whose_answer_was_lost_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS asks again, and is told that the name is taken."""
    objects, link = LocalObjects(tmp_path), os.link

    def linked_twice(*given: Any) -> None:
        link(*given)
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "link", linked_twice)
    assert objects.create("leases/x", b"first")
    monkeypatch.setattr(os, "link", link)
    assert not objects.create("leases/x", b"second")


def test_what_was_created_is_told_as_created_though_its_temporary_name_cannot_be_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = LocalObjects(tmp_path)

    def unlink(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as ill:
        ill.setattr(Path, "unlink", unlink)
        assert objects.create("leases/x", b"first")
        assert not objects.create("leases/x", b"second")
    assert objects.get("leases/x") == b"first"
    assert objects.beneath("") == ("leases/x",)
    assert objects.sweep_temporary(0) == 2


def test_what_is_absent_is_none_or_not_found_and_may_be_deleted(objects: Objects) -> None:
    assert objects.get_if_present("nothing") is None
    assert objects.children("nothing") == objects.beneath("nothing") == ()
    objects.delete("nothing")
    with pytest.raises(FileNotFoundError):
        objects.get("nothing")


def test_listings_are_sorted_and_name_objects_and_folders(objects: Objects) -> None:
    for name in ("x/b", "x/a", "x/y/c"):
        objects.put(name, b"")
    assert objects.children("x") == ("a", "b", "y")
    assert objects.beneath("x") == ("x/a", "x/b", "x/y/c")
    assert objects.children("x", "y") == ("y",)
    assert objects.children("x", "z") == objects.children("nothing", "y") == ()
    objects.delete("x/a")
    assert objects.beneath("") == ("x/b", "x/y/c")


def test_a_listing_tells_sizes_and_times(objects: Objects) -> None:
    began = time.time()
    for name in ("x/b", "x/y/c"):
        objects.put(name, b"123")
    found = objects.described("x")
    assert {name: told.bytes for name, told in found.items()} == {"x/b": 3, "x/y/c": 3}
    assert all(began - 1 <= told.modified <= time.time() + 1 for told in found.values())
    assert objects.described("nothing") == objects.temporary() == {}


@pytest.mark.parametrize(
    "told",
    [
        {"LastModified": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)},
        {"mtime": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "updated": "2026-01-02T03:04:05.000Z"},
        {"updated": "2026-01-02T03:04:05.000Z", "timeCreated": "2026-01-01T00:00:00.000Z"},
        {"created": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)},
    ],
    ids=["s3fs", "gcsfs", "as Google Cloud Storage tells", "memory"],
)
def test_the_time_of_change_is_read_from_what_each_file_system_lists(told: dict[str, object]) -> None:
    """gcsfs's records are those that `GCSFileSystem._process_object` of gcsfs 2026.10.1 makes."""
    assert _modified(told) == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()


def test_an_address_says_where_an_object_lies(tmp_path: Path) -> None:
    assert open_objects(str(tmp_path)).address("a/b") == f"{tmp_path}/a/b"
    assert open_objects("memory://s").address("a/b") == "memory:///s/a/b"


def test_readers_overlook_what_a_killed_writer_left_and_a_sweep_deletes_the_old(tmp_path: Path) -> None:
    objects = LocalObjects(tmp_path)
    objects.put("x/whole", b"1")
    young, old = tmp_path / "x/.a.parquet.1.tmp", tmp_path / "x/.b.parquet.2.tmp"
    for path in (young, old):
        path.write_bytes(b"half")
    os.utime(old, (0, time.time() - 3600))
    assert objects.children("x") == ("whole",)
    assert objects.beneath("x") == ("x/whole",)
    assert objects.described("x").keys() == {"x/whole"}
    assert {name: told.bytes for name, told in objects.temporary().items()} == {
        "x/.a.parquet.1.tmp": 4, "x/.b.parquet.2.tmp": 4,
    }  # fmt: skip
    assert objects.sweep_temporary(older_than=600) == 1
    assert young.exists()
    assert not old.exists()


def test_a_place_that_cannot_be_written_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/store: cannot be written .*--store"):
        Store.open(tmp_path / "file/store")


def test_a_refusal_names_the_folder_and_not_what_was_tried_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted", str(source), None, str(target))

    def told(place: str | Path) -> str:
        with pytest.raises(StoreError) as refused:
            Store.open(place)
        return str(refused.value)

    with monkeypatch.context() as strict:
        strict.setattr(os, "link", link)
        assert told(tmp_path).startswith(f"{tmp_path}: a store needs hard links")
        assert "refuses them (Operation not permitted); name another place" in told(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(LocalObjects, "create", lambda *_, **__: (tmp_path / ".probe-x").open("rb"))
        assert (
            told(tmp_path)
            == f"{tmp_path}: cannot be written (No such file or directory); name another place with --store"
        )

    def ill(objects: RemoteObjects, name: str, _: bytes) -> bool:
        raise StorageError(f"{objects.address(name)}: gave no answer but errors")

    monkeypatch.setattr(RemoteObjects, "create", ill)
    assert told("memory://bucket/store") == "memory:///bucket/store: gave no answer but errors"


@pytest.mark.parametrize("code", [errno.ESTALE, errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_what_may_pass_when_a_file_is_given_its_name_is_no_mistake_of_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """An OSError as any other: a worker tries its unit again."""
    objects = LocalObjects(tmp_path)

    def link(source: Path, target: Path) -> None:
        raise OSError(code, os.strerror(code), str(source), None, str(target))

    with monkeypatch.context() as ill:
        ill.setattr(os, "link", link)
        with pytest.raises(OSError, match=re.escape(os.strerror(code))) as refused:
            objects.create("x", b"1")
    assert not isinstance(refused.value, StoreError)
    assert classify(refused.value) == "infrastructure"
    assert objects.temporary() == {}
    assert objects.create("x", b"1")


def test_opening_leaves_nothing_behind(tmp_path: Path) -> None:
    Store.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_reading_needs_a_store_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"absent: no store is there; .*--store"):
        Store.open(tmp_path / "absent", create=False)
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("location", ["http://host/store", "nothing://x"])
def test_a_place_without_exclusive_creation_is_refused(location: str) -> None:
    with pytest.raises(StoreError, match=r"only if it is absent.*Use a local path, s3://"):
        Store.open(location)


@pytest.mark.parametrize(("protocol", "extra", "library"), [("s3", "s3", "s3fs"), ("gs", "gs", "gcsfs")])
def test_a_bucket_without_its_library_says_what_to_install(protocol: str, extra: str, library: str) -> None:
    if find_spec(library) is not None:
        pytest.skip(f"{library} is installed")
    with pytest.raises(StoreError, match=rf"{protocol}://bucket/store: .*pip install 'robustness-study\[{extra}\]'"):
        Store.open(f"{protocol}://bucket/store")


def test_a_relative_place_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Store.open("./here").location == str(tmp_path / "here")


def _write_forever(folder: str) -> None:
    objects = LocalObjects(Path(folder))
    for turn in range(1_000_000):
        objects.put("x/object", _body(turn))
        objects.create(f"x/created-{turn % 50}", _body(turn))


def _body(turn: int) -> bytes:
    return bytes([turn % 256]) * 300_000


def _is_whole(data: bytes) -> bool:
    return len(data) == 300_000 and len(set(data)) == 1


@pytest.mark.parametrize("seed", range(4))
def test_killing_a_writer_at_any_moment_leaves_whole_objects_only(tmp_path: Path, seed: int) -> None:
    objects = LocalObjects(tmp_path)
    writer = PROCESSES.Process(target=_write_forever, args=(str(tmp_path),), daemon=True)
    writer.start()
    while not objects.exists("x/object"):
        time.sleep(0.01)
    ends = time.monotonic() + random.Random(seed).uniform(0.0, 0.2)
    while time.monotonic() < ends:
        assert _is_whole(objects.get("x/object"))
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert all(_is_whole(objects.get(name)) for name in objects.beneath("x"))
