"""A launch as a Ray job, on a head that has Ray but not this package and asks for its token."""

import os
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
    """The address of its dashboard; this process's environment has the token, and a secret of another kind."""
    monkeypatch.chdir(tmp_path)
    environment = environment_with_token(tmp_path)
    port = free_port()
    path = f"{Path(bare_python).parent}:{os.environ['PATH']}"
    with head_node(2, {**environment, "PATH": path}, port, bare_python):
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
    assert SECRET not in str(jobs)
    assert (tmp_path / "token").read_text() not in str(jobs)
