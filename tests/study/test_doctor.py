"""What the doctor finds."""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from study import doctor
from study.doctor import Check, examine
from tests.study.cli.conftest import Type, study  # noqa: F401


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a Ray token, an environment without Ray's variables."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RAY_AUTH")]:
        monkeypatch.delenv(name)
    return tmp_path


def test_this_machine_is_fine_but_for_what_takes_long() -> None:
    checks = [doctor.python(), doctor.packages(), doctor.cpus(), doctor.gpus(), doctor.demo_data()]
    assert [check.verdict for check in checks] == ["ok"] * 5
    assert sys.version.split()[0] in checks[0].finding


@pytest.mark.ray
def test_every_check_names_its_topic_once() -> None:
    checks = list(examine("./study-store"))
    assert len({check.topic for check in checks}) == len(checks) == 11
    assert {check.topic: check.verdict for check in checks}["Ray"] == "ok"
    assert not Path("study-store").exists(), "the doctor makes no store"


def test_what_is_not_fine_has_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("torch", "no-such-package"))
    monkeypatch.setattr(doctor, "versions", lambda: {"torch": "2", "no-such-package": None})
    check = doctor.packages()
    assert check.verdict == "fail"
    assert "no-such-package" in check.finding
    assert "make install" in check.way_out


def test_no_token_and_no_mode_is_fine() -> None:
    assert doctor.ray_authentication().verdict == "ok"


def test_a_forgotten_token_is_warned_of(home: Path) -> None:
    (home / ".ray").mkdir()
    (home / ".ray" / "auth_token").write_text("x")
    check = doctor.ray_authentication()
    assert check.verdict == "warn"
    assert str(home / ".ray" / "auth_token") in check.finding
    assert "RAY_AUTH_MODE=token" in check.way_out


def test_authentication_by_hand(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    assert doctor.ray_authentication().verdict == "fail", "there is no token"
    (home / "token").write_text("x")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(home / "token"))
    assert doctor.ray_authentication().verdict == "ok"
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert doctor.ray_authentication().verdict == "warn"


def test_a_ray_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "START_RAY", "raise ConnectionError('no port is free')")
    check = doctor.ray_starts()
    assert check.verdict == "fail"
    assert "no port is free" in check.finding
    assert check.way_out


def test_a_store_in_a_file_cannot_be_written(home: Path) -> None:
    (home / "file").write_text("")
    assert doctor.store_writable(str(home / "file" / "store")).verdict == "fail"
    assert doctor.store_writable("nosuchprotocol://bucket").verdict == "fail"


def test_a_store_that_is_not_there_yet(home: Path) -> None:
    check = doctor.store_writable("./study-store")
    assert check.verdict == "ok"
    assert "not there yet" in check.finding
    assert list(home.iterdir()) == []


def test_little_disk_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.disk_free("./study-store").verdict in ("ok", "warn")
    monkeypatch.setattr(doctor, "LITTLE_DISK", 2**70)
    assert doctor.disk_free("./study-store").verdict == "warn"
    assert doctor.disk_free("memory://store").verdict == "ok"


def test_the_exit_status_says_whether_anything_failed(study: Type, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    def found(*verdicts: str) -> None:
        checks = [Check(topic="x", verdict=verdict, finding="y", way_out="z") for verdict in verdicts]  # type: ignore[arg-type]
        monkeypatch.setattr(doctor, "examine", lambda _: iter(checks))

    found("ok", "warn")
    assert study("doctor").exit_code == 0
    found("ok", "fail")
    answer = study("doctor")
    assert answer.exit_code == 1
    assert "1 of 2 checks failed" in answer.stdout
    assert "→ z" in answer.stdout


def test_without_an_address_runs_stay_in_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert doctor.tracking().verdict == "ok"


@pytest.mark.parametrize(
    ("uri", "verdict", "said"),
    [
        ("http://ada:secret@127.0.0.1:1", "warn", "http://***@127.0.0.1:1 does not answer"),
        ("file:./mlruns", "fail", "MLflow keeps no runs in folders any more"),
        ("postgresql://ada:secret@host/db", "ok", "postgresql://***@host/db, which was not tried"),
    ],
)
def test_a_tracking_server_is_tried(monkeypatch: pytest.MonkeyPatch, uri: str, verdict: str, said: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    check = doctor.tracking()
    assert check.verdict == verdict
    assert said in check.finding
    assert "secret" not in check.finding + check.way_out
    assert check.way_out or verdict == "ok"


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:1"])
def test_a_tracking_server_that_answers_is_fine(monkeypatch: pytest.MonkeyPatch, proxy: str | None) -> None:
    if proxy is not None:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")

    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        Thread(target=server.handle_request, daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        assert doctor.tracking().finding == f"http://127.0.0.1:{server.server_port} answers"
