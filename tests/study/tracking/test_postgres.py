"""The set-up for several users, an MLflow server over PostgreSQL: what it shows, and what becomes of its failures."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from study.store import Store
from study.tracking.client import Client
from study.tracking.exporter import STORE, TRIAL
from study.tracking.identity import store_id
from study.tracking.place import Place
from study.tracking.records import TrackingError
from study.tracking.server import FoundRun
from tests.postgres import MlflowServer, PostgreSQL, binaries, postgresql
from tests.study.hand_made import TRIALS
from tests.study.tracking.mirror import run_ids, shown, sync
from tests.study.tracking.test_server import downloaded

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed: apt-get install postgresql"),
]

Connect = Callable[[Place], Client]


@pytest.fixture(scope="module")
def database() -> Iterator[PostgreSQL]:
    with postgresql() as made:
        yield made


@pytest.fixture(scope="module")
def server(database: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """Lets itself be called by its address alone."""
    made = MlflowServer(tmp_path_factory.mktemp("server"), database.uri, "--allowed-hosts", "127.0.0.1:*")
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.fixture
def over_http(server: MlflowServer, connect: Connect) -> Client:
    return connect(Place(uri=server.address))


def test_it_shows_what_the_stores_own_database_does_and_keeps_its_password(
    tmp_path: Path, store: Store, client: Client, over_http: Client, server: MlflowServer
) -> None:
    sync(store, client)
    assert sync(store, over_http).written == TRIALS + 1
    assert sync(store, over_http).unchanged == TRIALS + 1
    own, theirs = shown(client), shown(over_http)
    for name, run_id in run_ids(over_http).items():
        (folder := tmp_path / run_id).mkdir()
        theirs[name]["files"] = downloaded(over_http, folder, run_id)
    for run in (*own.values(), *theirs.values()):
        run["tags"].pop("store_id")
    assert theirs == own


def test_launches_that_make_one_experiment_at_once_get_one(server: MlflowServer, connect: Connect) -> None:
    clients = [connect(Place(uri=server.address)) for _ in range(8)]
    with ThreadPoolExecutor(len(clients)) as several:
        assert len(set(several.map(lambda one: one.experiment("at once"), clients))) == 1


def test_a_server_whose_database_is_away_is_caught_up_with(
    tmp_path: Path, store: Store, over_http: Client, database: PostgreSQL
) -> None:
    before = shown(over_http)
    database.stop()
    with pytest.raises(TrackingError, match=r"^MLflow at \S+: what answers there says that it is away"):
        sync(store, over_http)
    database.start()
    tally = sync(store, over_http)
    assert (tally.written, tally.unchanged + tally.corrected) == (TRIALS + 1, 0)  # another store than the one before
    assert len(statuses_of(over_http, store)) == TRIALS + 1
    assert len(before) == TRIALS + 1


def test_a_run_whose_making_was_never_answered_is_there_once(
    store: Store, over_http: Client, server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with pytest.raises(TrackingError, match="it does not answer"):
        sync(store, Hanging(over_http, server))
    server.signal(signal.SIGCONT)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    sync(store, over_http)
    sync(store, over_http)  # what the server carried out even later than the sync
    statuses = statuses_of(over_http, store)
    assert len(statuses) == TRIALS + 1
    assert set(statuses.values()) == {"FINISHED"}


def test_a_name_that_it_does_not_go_by_is_told_with_the_way_out(server: MlflowServer, connect: Connect) -> None:
    with pytest.raises(TrackingError, match=r"it refuses the name that it is called by here; .* --allowed-hosts"):
        connect(Place(uri=f"http://localhost:{server.port}")).experiment("small")


class Hanging:
    """A server that stops as it is asked for its third run."""

    def __init__(self, client: Client, server: MlflowServer) -> None:
        self.client, self.server, self.left = client, server, 2

    at_once = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def create(self, *asked: Any) -> FoundRun:
        if not self.left:
            self.server.signal(signal.SIGSTOP)
        self.left -= 1
        return self.client.create(*asked)


def statuses_of(client: Client, store: Store) -> dict[str, str]:
    """Trial id, empty for the study → status, of the runs of one store that are not deleted."""
    experiment = client.experiment("small")
    runs = [run for run in client.runs(experiment, STORE, store_id(store, True)) if not run.deleted]
    found = {run.tags.get(TRIAL, ""): run.status for run in runs}
    assert len(found) == len(runs), "a run stands twice"
    return found
