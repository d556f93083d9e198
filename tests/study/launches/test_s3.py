"""Launches into a store on S3: a real server over HTTP, real Ray."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from s3fs import S3FileSystem

from study.launch import LaunchOptions, launch
from study.progress import Event, Progress
from study.standing import look
from study.store import Store
from tests import s3_server
from tests.s3_server import BUCKET, Faults, Server
from tests.study.executor.noop import Log
from tests.study.executor.small_study import family, launch_small
from tests.study.launches.tiny import RESULTS, TEXT, spec

pytestmark = [pytest.mark.ray, pytest.mark.slow]

DENIED_SECONDS = 5.0


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with s3_server.running() as server:
        yield server


@pytest.fixture
def server(cluster: str, running: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Known to this process alone: the cluster was started before."""
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    yield running
    running.fail(Faults())


@pytest.fixture
def place(server: Server) -> str:
    return f"s3://{BUCKET}/{uuid4().hex}"


def _same(one: str | Path, other: str | Path) -> None:
    first, second = (Store.open(place, create=False) for place in (one, other))
    for table in RESULTS:
        assert len(first.read(table)) > 0
        assert first.read(table).equals(second.read(table), check_metadata=True), table


class Denied(Log):
    """At the first event every write is refused for DENIED_SECONDS, as while rights or credentials are renewed."""

    def __init__(self, server: Server) -> None:
        super().__init__([])
        self.server = server
        self.requests: dict[str, int] = {}

    def happened(self, event: Event, progress: Progress) -> None:
        if not self.events:
            self.server.counts()
            self.server.fail(Faults(denied=("PUT", "POST")))
            threading.Timer(DENIED_SECONDS, self._heal).start()
        super().happened(event, progress)

    def _heal(self) -> None:
        self.requests = self.server.counts()
        self.server.fail(Faults())


def test_a_study_on_ill_s3_stopped_and_launched_again_equals_one_in_a_folder(
    cluster: str, place: str, server: Server, tmp_path: Path
) -> None:
    of, options = family(6, 3), LaunchOptions(address=cluster)
    assert launch_small(of, tmp_path, Log([]), options).status == "complete"
    server.fail(Faults(seed=5, error=0.05, reset=0.02, lost=0.03, conflict=0.05))
    assert launch_small(of, place, Log([]), replace(options, limit=2)).status == "incomplete"
    denied = Denied(server)
    assert launch_small(of, place, denied, options).status == "complete"
    assert denied.requests["PUT"] > 0
    assert {row["status"] for row in Store.open(place).read("attempts").to_pylist()} == {"done"}
    _same(place, tmp_path)
    again = Log([])
    assert launch_small(of, place, again, LaunchOptions(address="ray://nowhere")).status == "complete"
    assert again.events == []
    assert Store.open(place).leases() == ()


def test_the_tiny_study_on_s3_equals_the_one_in_a_folder(cluster: str, place: str, complete: Path) -> None:
    result = launch(spec(TEXT), Store.open(place), LaunchOptions(address=cluster, max_concurrent=1), Log([]))
    assert result.status == "complete"
    _same(place, complete)


def _start(place: str, study: str, log: Path, trials: int, epochs: int) -> "subprocess.Popen[bytes]":
    """A launch in a process of its own, with a Ray of its own."""
    command = [sys.executable, "-m", "tests.study.executor.small_study", place, "", str(trials), str(epochs), study]
    with log.open("wb") as file:
        return subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """The launch and all that it started, at once."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for one in family:
        one.kill()
    process.wait()


def _wait(condition: Callable[[], object], seconds: float = 120.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.2)


@pytest.mark.parametrize("killed", [False, True], ids=["whole", "killed"])
def test_of_two_launches_that_share_trials_each_trains_what_the_other_does_not(
    place: str, tmp_path: Path, killed: bool
) -> None:
    """Who comes second sees who is at work, and takes what was trained for done, or goes on where it was killed."""
    trials, epochs = 2, 200
    store, of = Store.open(place), family(trials, epochs)
    logs = {name: tmp_path / f"{name}.log" for name in ("first", "second")}
    launches = {name: _start(place, name, log, trials, epochs) for name, log in logs.items()}
    try:
        _wait(lambda: any(re.search("^held", log.read_text(), re.MULTILINE) for log in logs.values()))
        sees, works = sorted(launches, key=lambda name: "held" not in logs[name].read_text())
        assert look(store, replace(of, study=sees)).held == {of.trials[0].trial_id}
        if killed:
            _kill(launches[works])
        assert launches[sees].wait(120) == 0, logs[sees].read_text()
        assert killed or launches[works].wait(120) == 0, logs[works].read_text()
    finally:
        for process in launches.values():
            if process.poll() is None:
                _kill(process)
    assert re.search(rf"^held 01 .*study {works}", logs[sees].read_text(), re.MULTILINE)
    trained = [row for row in store.read("attempts").to_pylist() if row["unit"] == "train" and row["images"]]
    done = [row["trial_id"] for row in trained if row["status"] == "done"]
    assert sorted(done) == sorted({trial.trial_id for trial in of.trials})
    assert len(store.read("epochs")) == trials * epochs
    assert store.leases("trial") == ()
