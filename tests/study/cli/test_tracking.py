"""`study track` and `study ui`, and what a launch says of MLflow."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.cli.stopping import stoppable
from study.cli.tracking import Tracked, missing, told
from study.cli.ui import has_browser, server_command, server_environment
from study.plan import Plan
from study.progress import Event, Progress
from study.store import Owner, Store
from study.tracking.exporter import Tally
from study.tracking.news import State
from study.tracking.place import own_place
from study.tracking.tracker import Tracker
from tests.study.cli.conftest import Type
from tests.study.cli.test_screens import progress
from tests.study.hand_made import TRIALS

PROXY = {"http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
STUDY = [sys.executable, "-m", "study.cli"]


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_a_study_that_a_launch_is_tracking_is_left_to_it(study: Type, store: Store) -> None:
    lease = store.acquire("tracking/small", Owner.here("study launch small"))
    answer = study("track", "small")
    lease.release()
    assert answer.exit_code == 3
    assert answer.stdout.startswith("small is being brought up to date by ")
    assert f"process {os.getpid()}: study launch small" in answer.stdout


def test_an_address_that_cannot_be_one_exits_with_2(
    study: Type, store: Store, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "file:./mlruns")
    for command in (("track", "small"), ("ui",), ("launch", "small.yaml")):
        answer = study(*command)
        assert answer.exit_code == 2
        assert "MLFLOW_TRACKING_URI: MLflow keeps no runs in folders any more" in answer.stderr


def test_an_unreachable_server_is_said_to_be_so(study: Type, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:secret@127.0.0.1:1")
    answer = study("track", "small")
    assert answer.exit_code == 2
    assert answer.stderr == (
        "MLflow at http://***@127.0.0.1:1: the connection was refused.  Nothing is lost: once that is mended, "
        "`study track small` catches up\n"
    )


def test_ui_says_where_runs_are_that_a_server_has(study: Type, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:secret@tracking:5000")
    answer = study("ui")
    assert (answer.exit_code, answer.stdout) == (0, "small is tracked elsewhere: http://***@tracking:5000\n")


def test_ui_on_a_port_that_is_taken_names_a_way_out(study: Type, store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = study("ui", "--port", str(port))
    assert answer.exit_code == 2
    assert f"nothing can listen on 127.0.0.1:{port} (Address already in use)" in answer.stderr
    assert "name another port: study ui --port" in answer.stderr


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def served(store: Store, tmp_path: Path, port: int) -> Iterator["subprocess.Popen[str]"]:
    """A `study ui` whose server answers, where the way out of the building is a proxy."""
    elsewhere = {**{name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}, **PROXY}
    process = subprocess.Popen(
        [*STUDY, "ui", "--port", str(port)], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=elsewhere,
    )  # fmt: skip
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.slow
def test_ui_serves_every_run_until_ctrl_c(served: "subprocess.Popen[str]", port: int) -> None:
    assert served.stdout is not None
    assert served.stdout.readline() == f"small: {TRIALS + 1} runs: {TRIALS + 1} written\n"
    assert served.stdout.readline() == f"MLflow at http://127.0.0.1:{port}    Ctrl-C ends it\n"
    assert (
        f"http://127.0.0.1:{port}/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=study"
        in served.stdout.readline()
    )
    asked = f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/get?experiment_id=1"
    with urllib.request.urlopen(asked, timeout=30) as found:
        assert b"small" in found.read()
    served.send_signal(signal.SIGINT)
    assert served.wait(30) == 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


GUARDED = """
import subprocess, sys, time
command = [sys.executable, "-m", "study.cli.guard", "sh", "-c", "echo $$; sleep 60 & wait"]
subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
time.sleep(60)
"""


def test_a_server_does_not_outlive_whoever_started_it_even_if_killed() -> None:
    process = subprocess.Popen([sys.executable, "-c", GUARDED], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as said:
        guarded = int(said.readline())
        process.kill()
        process.wait()
        assert said.read() == b"", "the pipe is closed once all who could write into it have ended"
    with pytest.raises(ProcessLookupError):
        os.kill(guarded, 0)


def test_a_guarded_command_tells_how_it_ended() -> None:
    guard = [sys.executable, "-m", "study.cli.guard"]
    with subprocess.Popen([*guard, "sh", "-c", "exit 3"], stdin=subprocess.PIPE) as process:
        assert process.wait(30) == 3


@pytest.mark.parametrize("asked", [signal.SIGHUP, signal.SIGTERM])
def test_a_closed_terminal_ends_the_server_as_ctrl_c_does(asked: signal.Signals) -> None:
    before = signal.signal(asked, signal.SIG_DFL)  # nohup ignores it
    try:
        with pytest.raises(KeyboardInterrupt), stoppable():
            signal.raise_signal(asked)
        assert signal.getsignal(asked) == signal.SIG_DFL
    finally:
        signal.signal(asked, before)


def test_under_nohup_a_closed_terminal_is_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_server_keeps_to_this_machine_unless_asked(store: Store) -> None:
    here = server_command(own_place(store), "127.0.0.1", 5000)
    assert "--allowed-hosts" not in here
    everyone = server_command(own_place(store), "0.0.0.0", 5000)
    allowed = everyone[everyone.index("--allowed-hosts") + 1].split(",")
    assert socket.gethostname() in allowed
    assert "*" not in allowed
    assert "0.0.0.0" not in allowed


def test_the_server_sends_nothing_home_and_serves_the_store_alone() -> None:
    made = server_environment({"MLFLOW_TRACKING_URI": "http://else", "PATH": "/bin"})
    assert made["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert "MLFLOW_TRACKING_URI" not in made
    assert server_environment({"MLFLOW_DISABLE_TELEMETRY": "false"})["MLFLOW_DISABLE_TELEMETRY"] == "false"


def test_a_browser_is_opened_only_where_it_would_be_seen() -> None:
    assert has_browser({"DISPLAY": ":0"}) or sys.platform == "darwin"
    assert not has_browser({"DISPLAY": ":0", "SSH_CONNECTION": "10.0.0.1 22"})


class Heard:
    """A screen that remembers what it is to show."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def changed(self, progress: Progress) -> None:
        pass

    def happened(self, event: Event, progress: Progress) -> None:
        self.said.append(event.message)


class Muted(Tracker):
    """A tracker without a process, whose state a test sets."""

    def changed(self, progress: Progress) -> None:
        pass


def test_a_server_that_is_away_and_back_is_told_once_each(plan: Plan) -> None:
    heard, tracker = Heard(), Muted([])
    watching, now = Tracked(heard, tracker), progress(plan)
    away = State(kind="unreachable", behind=2, reason="MLflow at http://x: the connection was refused")
    for state in (State(kind="up to date"), away, away, State(kind="up to date"), State(kind="up to date"), away):
        tracker.state = state
        watching.changed(now)
    assert heard.said == [
        "MLflow at http://x: the connection was refused; the study goes on, and MLflow will catch up",
        "MLflow is up to date again",
        "MLflow at http://x: the connection was refused; the study goes on, and MLflow will catch up",
    ]


def test_what_is_missing_is_told_with_its_reason() -> None:
    away = missing(State(kind="unreachable", reason="no host"), "study track small")
    assert away == "MLflow is not up to date: no host.  Nothing is lost: `study track small` catches up"
    silent = missing(State(kind="starting"), "study track small")
    assert silent == (
        "MLflow is still being started, in the background; `study track small` makes sure, or says what is wrong"
    )
    later = missing(State(kind="behind", behind=3), "study track small")
    assert later == "MLflow is being brought up to date in the background; `study track small` makes sure"


def test_a_process_that_ended_is_told_with_what_to_do(plan: Plan) -> None:
    heard, tracker = Heard(), Muted([])
    tracker.state = State(kind="ended", reason="it was killed (signal 9)")
    Tracked(heard, tracker).changed(progress(plan))
    assert heard.said == ["it was killed (signal 9); the study goes on, and `study track` brings it up to date"]


def test_what_a_sync_did() -> None:
    assert told(Tally(written=2, corrected=1, unchanged=35)) == "38 runs: 2 written, 1 put right, 35 unchanged"
    assert told(Tally(unchanged=1, removed=3)) == "1 run: 1 unchanged, 3 of trials that left the study removed"
