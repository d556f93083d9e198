"""Where runs go: what was asked for, else the store's own database, which may be lost, copied or damaged."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from study.store import Store
from study.tracking.client import Client
from study.tracking.identity import is_copy, mark_of, store_id
from study.tracking.place import DATABASE, Place, cache_folder, on_network, own_place, place_at, place_of, prepare
from study.tracking.records import TrackingError
from study.tracking_uri import VARIABLE, asked_for, fault, shown, unproxied
from tests.study.hand_made import TEXT, TRIALS, launched, small_plan
from tests.study.tracking.mirror import close, run_ids, sync
from tests.study.tracking.mirror import shown as seen

Connect = Callable[[Place], Client]


def test_the_yaml_goes_before_the_environment_which_goes_before_the_store(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    launched(store, small_plan(tmp_path))
    launch = store.newest_launch("small")
    assert launch is not None
    assert place_of(store, launch, {}).folder == tmp_path / "store" / "mlflow"
    assert place_of(store, launch, {VARIABLE: "http://here:1"}).uri == "http://here:1"
    named = f"{TEXT}tracking: {{mlflow: 'https://there'}}\n"
    assert asked_for(named, {VARIABLE: "http://here:1"}) == "https://there"
    assert asked_for(TEXT, {VARIABLE: ""}) is None


@pytest.mark.parametrize(
    "uri", ["http://host:5000", "https://u:p@host/path", "sqlite:////a/b.db", "postgresql+psycopg2://h/d", "databricks"]
)
def test_servers_and_databases_are_addresses(uri: str) -> None:
    assert fault(uri) is None


@pytest.mark.parametrize(
    "uri", ["file:./mlruns", "file:///runs", "./mlruns", "/runs", " ", "host:5000", "s3://bucket/x"]
)
def test_folders_and_what_is_no_address_are_refused_with_the_way_out(tmp_path: Path, uri: str) -> None:
    with pytest.raises(TrackingError, match=r"MLFLOW_TRACKING_URI: .*(sqlite|http)"):
        place_at(Store.open(tmp_path), uri)


@pytest.mark.parametrize("uri", ["http://", "http://:5000", "https:///mlflow", "http://[::1"])
def test_a_server_without_a_host_is_refused(uri: str) -> None:
    assert "names no host; give one, as in http" in str(fault(uri))


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "intern"}, "intern,127.0.0.1,localhost,::1"),
        ({"no_proxy": "localhost"}, "localhost,127.0.0.1,::1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_no_proxy_stands_between_this_machine_and_itself(given: dict[str, str], made: str) -> None:
    assert unproxied(given) == made


def test_credentials_are_never_shown() -> None:
    uri = "https://ada:secret@host:5000/mlflow"
    assert shown(uri) == str(Place(uri=uri)) == "https://***@host:5000/mlflow"
    assert "secret" not in str(fault("ftp://ada:secret@host"))
    for innocent in ("http://mlflow:5000/team@lab", "https://host:8443/x?user=me@lab.org"):
        assert shown(innocent) == innocent


def test_a_relative_database_is_the_same_wherever_it_is_used_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = place_at(Store.open(tmp_path), "sqlite:///runs/mlflow.db")
    assert place.uri == f"sqlite:///{tmp_path}/runs/mlflow.db"
    assert place.artifacts == f"file://{tmp_path}/runs/artifacts"


def test_a_store_elsewhere_has_its_database_in_this_users_cache() -> None:
    place = own_place(Store("memory://bucket/store"))
    assert place.folder == cache_folder("memory://bucket/store")
    assert cache_folder("memory://bucket/store") != cache_folder("memory://bucket/other")
    assert cache_folder("s3://b", {"XDG_CACHE_HOME": "/caches"}).is_relative_to("/caches")


MOUNTS = ["overlay / overlay rw 0 0", "srv:/home /nfs nfs4 rw 0 0", "/dev/sda /nfs/local ext4 rw 0 0", ""]


@pytest.mark.parametrize(
    ("path", "shared"), [("/nfs/studies", True), ("/nfs", True), ("/nfs/local/x", False), ("/home", False)]
)
def test_a_disk_that_machines_share_is_told_from_a_local_one(path: str, shared: bool) -> None:
    assert on_network(Path(path), MOUNTS) is shared


@pytest.mark.parametrize("how", ["copied", "moved"])
def test_a_store_that_was_copied_or_moved_keeps_its_runs_and_what_people_wrote(
    tmp_path: Path, store: Store, connect: Connect, how: str
) -> None:
    client = connect(own_place(store))
    sync(store, client)
    client.client.set_tag(run_ids(client)["Baseline"], "reviewed", "by Ada")
    before = seen(client)
    close(client)
    place = tmp_path / "elsewhere" / "ü 1"
    place.parent.mkdir()
    there = shutil.copytree(store.location, place) if how == "copied" else Path(store.location).rename(place)
    moved = Store.open(there)
    other = connect(own_place(moved))
    assert sync(moved, other).unchanged == TRIALS + 1
    assert seen(other) == before
    assert not (place / "mlflow" / "mlflow-1.db").exists()
    run = run_ids(other)["Baseline"]
    own = (place / "mlflow" / "artifacts").as_uri()
    assert other.client.get_run(run).info.artifact_uri.startswith(f"{own}/small/")
    assert other.client.get_experiment_by_name("small").artifact_location == f"{own}/small"


def test_experiments_that_people_made_stay_where_they_are(store: Store, client: Client) -> None:
    sync(store, client)
    made = client.client.create_experiment("own", "mlflow-artifacts:/7")
    close(client)
    prepare(client.place, unasked)
    assert Client(client.place).client.get_experiment(made).artifact_location == "mlflow-artifacts:/7"


def test_a_copy_leaves_the_runs_of_the_first_store_alone_on_a_server_of_both(
    tmp_path: Path, store: Store, empty_database: Path, connect: Connect
) -> None:
    database = shutil.copy(empty_database, tmp_path / "shared.db")
    client = connect(Place(uri=f"sqlite:///{database}"))
    sync(store, client)
    copied = Store.open(shutil.copytree(store.location, tmp_path / "copied"))
    assert is_copy(copied)
    launched(copied, small_plan(tmp_path, TEXT.replace("alpha: [0.1, 1]", "alpha: [0.1]")))
    tally = sync(copied, client)
    assert (tally.removed, tally.written) == (0, tally.runs)
    assert not is_copy(copied)
    assert sync(copied, client).unchanged == tally.runs
    assert sync(store, client).unchanged == TRIALS + 1


def test_a_store_that_was_renamed_or_is_reached_by_another_name_is_the_same(tmp_path: Path, store: Store) -> None:
    first = store_id(store, shared=True)
    (tmp_path / "link").symlink_to(store.location)
    assert store_id(Store.open(tmp_path / "link"), shared=True) == first
    moved = Store.open(Path(store.location).rename(tmp_path / "moved"))
    assert not is_copy(moved)
    assert store_id(moved, shared=True) == first


def test_a_store_with_another_folders_number_at_the_same_path_is_a_copy(tmp_path: Path) -> None:
    """As on another machine, or put in the first one's place."""
    here = mark_of(Store.open(tmp_path / "store"))
    assert here.is_of(replace(here, path="/mounted/elsewhere"))
    assert here.is_of(replace(here, disk="named anew"))
    assert not here.is_of(replace(here, number=here.number + 1))
    assert not here.is_of(replace(here, path="/else", disk="another"))


def unasked(database: Path, _: str) -> None:
    raise AssertionError(f"{database} is there already")


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE review_queues (id INTEGER)", "CREATE TABLE experiments (artifact_location TEXT)"]
)
def test_a_database_that_was_never_finished_is_put_aside(
    tmp_path: Path, store: Store, connect: Connect, statement: str
) -> None:
    folder = tmp_path / "store" / "mlflow"
    folder.mkdir()
    with closing(sqlite3.connect(folder / DATABASE)) as connection, connection:
        connection.execute(statement)
    assert sync(store, connect(own_place(store))).written == TRIALS + 1
    assert (folder / "mlflow-1.db").is_file()


def test_a_process_that_is_killed_as_it_makes_the_database_leaves_none(tmp_path: Path, store: Store) -> None:
    def killed(database: Path, artifacts: str) -> None:
        database.write_bytes(b"half")
        raise KeyboardInterrupt

    place = own_place(store)
    assert place.folder is not None
    with pytest.raises(KeyboardInterrupt):
        prepare(place, killed)
    assert not (place.folder / DATABASE).exists()


def test_a_damaged_database_is_put_aside_and_made_anew(tmp_path: Path, store: Store, connect: Connect) -> None:
    folder = tmp_path / "store" / "mlflow"
    folder.mkdir()
    (folder / DATABASE).write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    assert sync(store, connect(own_place(store))).written == TRIALS + 1
    assert (folder / "mlflow-1.db").is_file()


def test_a_database_that_is_busy_is_not_taken_for_a_damaged_one(store: Store, client: Client) -> None:
    sync(store, client)
    close(client)
    assert client.place.folder is not None
    with closing(sqlite3.connect(client.place.folder / DATABASE)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            prepare(client.place, unasked)
    assert sync(store, client).unchanged == TRIALS + 1
    assert not (client.place.folder / "mlflow-1.db").exists()


def test_the_ui_and_the_writer_do_not_wait_for_each_other(store: Store, client: Client) -> None:
    assert client.place.folder is not None
    with closing(sqlite3.connect(client.place.folder / DATABASE)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(("name", "inside"), [("a b ü'", True), ("50%20", False), ("a?b", False), ("a#b", False)])
def test_a_store_may_lie_in_a_folder_of_any_name(
    tmp_path: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str, inside: bool
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plan = small_plan(tmp_path)
    store = Store.open(tmp_path / name)
    launched(store, plan)
    place = own_place(store)
    assert place.folder is not None
    assert place.folder.is_relative_to(tmp_path / name) is inside
    assert sync(store, connect(place)).written == 1
    assert (place.folder / "artifacts" / "small").is_dir()
    assert sync(store, connect(place)).unchanged == 1
    assert {path.name for path in tmp_path.iterdir()} == {"small.yaml", name} | ({"cache"} if not inside else set())
