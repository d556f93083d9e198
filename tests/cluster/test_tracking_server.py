"""The MLflow server dies in mid-study and comes back: the study does not notice, and every run is there in the end."""

import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.tracking.client import Client
from study.tracking.place import Place
from tests.postgres import MlflowServer
from tests.ray_nodes import environment_with_token, head_node
from tests.study.cli.test_launch import STUDY, typed
from tests.study.hand_made import TEXT, TRIALS
from tests.study.tracking.mirror import shown

pytestmark = pytest.mark.cluster

WAIT_SECONDS = 240.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MlflowServer]:
    (tmp_path / "server").mkdir()
    made = MlflowServer(tmp_path / "server", f"sqlite:///{tmp_path}/server/runs.db")
    try:
        made.start()
        yield made
    finally:
        made.kill()


def _until(said: Path, word: str, launch: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while word not in said.read_text():
        assert launch.poll() is None, said.read_text()
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.1)


def test_the_tracking_server_is_killed_and_started_again(
    tmp_path: Path, server: MlflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    password, key = secrets.token_hex(8), secrets.token_hex(8)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ada:{password}@127.0.0.1:{server.port}")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key)
    (tmp_path / "small.yaml").write_text(TEXT)
    said = tmp_path / "said"
    with head_node(1, environment_with_token(tmp_path)) as address:
        command = ["launch", "small.yaml", "--address", address, "--set", "train.epochs=25"]
        with said.open("wb") as out:
            launch = subprocess.Popen([*STUDY, *command], cwd=tmp_path, stdout=out, stderr=out, env=os.environ)
        try:
            _until(said, "  done  ", launch)
            server.kill()
            _until(said, "the connection was refused; the study goes on, and MLflow will catch up", launch)
            assert launch.wait(WAIT_SECONDS) == 0
        finally:
            launch.kill()
            launch.wait()
        assert f"small is complete: {TRIALS} trials" in said.read_text()
        server.start()
        caught_up = typed(tmp_path, "track", "small")
        assert caught_up.returncode == 0, caught_up.stderr
        logs = f"/tmp/ray-{os.getpid()}-{address.rpartition(':')[2]}"
        kept = [path for folder in (tmp_path, Path(logs)) for path in folder.rglob("*") if path.is_file()]
        assert any(path.is_relative_to(logs) for path in kept)
        assert [path for path in kept if re.search(f"{password}|{key}".encode(), path.read_bytes())] == []
    runs = shown(Client(Place(uri=server.address)))
    assert len(runs) == TRIALS + 1, "one for each trial, and the study's"
    assert {run["status"] for run in runs.values()} == {"FINISHED"}
