"""A real `mlflow server`: the same runs as in the store's own database, also when it goes away and comes back."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from study.store import Store
from study.tracking.client import Client
from study.tracking.place import DATABASE, Place
from study.tracking.records import TrackingError
from tests.study.hand_made import TRIALS
from tests.study.tracking.mirror import run_ids, shown, sync

pytestmark = pytest.mark.slow


class MlflowServer:
    """An `mlflow server` of the test's own, on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{self.folder / DATABASE}",
            "--artifacts-destination", str(self.folder / "files"), "--port", str(self.port), "--workers", "2",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while not self._answers():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.2)

    def _answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.address}/health", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)


@pytest.fixture
def server(tmp_path: Path, empty_database: Path) -> Iterator[MlflowServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copy(empty_database, folder / DATABASE)
    made = MlflowServer(folder)
    made.start()
    yield made
    made.stop()


def downloaded(client: Client, folder: Path, run_id: str) -> dict[str, bytes]:
    client.client.download_artifacts(run_id, "", str(folder))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_server_shows_what_the_stores_own_database_does(
    tmp_path: Path, store: Store, client: Client, server: MlflowServer, connect: Callable[[Place], Client]
) -> None:
    sync(store, client)
    over_http = connect(Place(uri=server.address))
    assert over_http.at_once > 1
    assert sync(store, over_http).written == TRIALS + 1
    own, theirs = shown(client), shown(over_http)
    for name, run_id in run_ids(over_http).items():
        (folder := tmp_path / run_id).mkdir()
        theirs[name]["files"] = downloaded(over_http, folder, run_id)
    ids = (
        {run["tags"].pop("store_id") for run in own.values()},
        {run["tags"].pop("store_id") for run in theirs.values()},
    )
    assert [len(one) for one in ids] == [1, 1]
    assert ids[0] != ids[1]  # on a shared server a store is known by its place too
    assert theirs == own
    assert sync(store, over_http).unchanged == TRIALS + 1


def test_a_server_that_was_away_is_caught_up_with(
    store: Store, server: MlflowServer, connect: Callable[[Place], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    over_http = connect(Place(uri=server.address))
    server.stop()
    with pytest.raises(TrackingError, match="the connection was refused"):
        sync(store, over_http)
    server.start()
    assert sync(store, over_http).written == TRIALS + 1
    assert sync(store, over_http).unchanged == TRIALS + 1
