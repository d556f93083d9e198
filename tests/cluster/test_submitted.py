"""A launch as a Ray job, on a head that has Ray but not this package and asks for its token."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.job_submission import JobSubmissionClient

from study.store import Store
from tests.cluster.test_slurm_job import LONG, SHORT
from tests.cluster.test_two_nodes import bare_python
from tests.ray_nodes import environment_with_token, free_port, head_node

pytestmark = pytest.mark.cluster

__all__ = ["bare_python"]
SECRET = "geheim-0123456789"


@pytest.fixture
def head(bare_python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of its dashboard; this process's environment has the token, and a secret of another kind.

    The head was started as a service is: its PATH does not lead to the Python that Ray runs with.
    """
    monkeypatch.chdir(tmp_path)
    environment = environment_with_token(tmp_path)
    port = free_port()
    with head_node(2, {**environment, "PATH": "/usr/bin:/bin"}, port, bare_python):
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        yield f"http://127.0.0.1:{port}"


def study(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "study.cli", *arguments]


def test_a_submitted_launch_outlives_its_terminal_and_is_stopped_and_finished_from_the_store(
    head: str, tmp_path: Path
) -> None:
    place = str(tmp_path / "store")
    (tmp_path / "small.yaml").write_text(LONG)
    launch = study("launch", "small.yaml", "--submit", head, "--store", place)
    terminal = subprocess.Popen(launch, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 150
    while not list((tmp_path / "store").glob("trials/*/*/last.ckpt")):
        assert time.monotonic() < deadline
        assert terminal.poll() is None, terminal.communicate()[1]
        time.sleep(0.2)
    terminal.send_signal(signal.SIGKILL)
    terminal.communicate()

    status = subprocess.run(study("status", "small", "--store", place), capture_output=True, text=True, check=True)
    assert "as Ray job study-small-" in status.stdout
    stop = subprocess.run(study("stop", "small", "--store", place), capture_output=True, text=True, check=False)
    assert (stop.returncode, stop.stderr) == (0, "")
    assert "stopped after" in stop.stdout
    logs = subprocess.run(study("logs", "small", "--store", place), capture_output=True, text=True, check=True)
    assert "  started   " in logs.stdout
    assert "with study stop" in logs.stdout

    (tmp_path / "small.yaml").write_text(SHORT)
    done = subprocess.run(launch, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  done      " in done.stdout
    assert "small is complete: 2 trials" in done.stdout
    assert len(Store.open(place).committed().evaluated) == 2
    jobs = JobSubmissionClient(head).list_jobs()
    assert len(jobs) == 2
    assert {one.split("/")[2] for one in Store.open(place).objects.beneath("studies/small")} == {"launches", "log"}
    assert SECRET not in str(jobs)
    assert (tmp_path / "token").read_text() not in str(jobs)


def test_a_stop_right_after_the_submission_is_heeded_by_a_job_that_trains_nothing(head: str, tmp_path: Path) -> None:
    place = str(tmp_path / "store")
    (tmp_path / "small.yaml").write_text(LONG)
    launch = subprocess.Popen(
        study("launch", "small.yaml", "--submit", head, "--store", place, "--detach"), stdout=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not list((tmp_path / "store").glob("studies/small/submitted/*/about.json")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    stop = subprocess.run(study("stop", "small", "--store", place), capture_output=True, text=True, check=False)
    assert (stop.returncode, stop.stderr) == (0, "")
    assert "Asked to stop: small, submitted as Ray job study-small-" in stop.stdout
    launch.communicate()
    jobs = JobSubmissionClient(head)
    while not (told := jobs.list_jobs()[0]).status.is_terminal():
        assert time.monotonic() < deadline + 60
        time.sleep(0.2)
    assert told.driver_exit_code == 130
    assert not list((tmp_path / "store").glob("trials/*/*"))


def test_a_job_whose_head_cannot_read_the_store_tells_the_terminal_that_detaches(head: str, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(LONG)
    unshared = "memory://of-the-terminal-alone"
    launch = study("launch", "small.yaml", "--submit", head, "--store", unshared, "--detach")
    done = subprocess.run(launch, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"the cluster's head cannot read the store {unshared}" in done.stdout
    assert "ended before its launch began: nothing was trained" in done.stdout
