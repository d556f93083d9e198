"""The batch script for Slurm with real Ray and a real study: only Slurm is played, every node of it on this machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from study.cli.commands import app
from study.executor.cluster import ClusterError, wait_for_nodes
from study.store import Store
from tests import fake_commands
from tests.ray_nodes import environment_with_token, free_port, head_node

pytestmark = pytest.mark.cluster

FAKES = {
    "srun": """
        while [[ $1 == --* ]]; do
            case $1 in --output=*) output=${1#*=} ;; esac
            shift
        done
        exec "$@" >"${output:-/dev/null}" 2>&1
    """,
    "scontrol": '[[ $1 == show ]] && printf "%s\\n" n1 n2 || echo "$*" >>requeued',
}
SHORT = """\
study: small
title: Two trials on few digits
data: {name: mnist_5k, train: 200, validation: 100, test: 100}
model: lenet
train: {from: Baseline, epochs: 1, batch_size: 50, optimizer: {sgd: {lr: 0.01}}}
distortions: {gaussian_noise: {sigma: [0.3]}}
methods:
  Baseline: {method: standard, from: scratch}
  DA: {method: data_augmentation, p: 1, distortion: gaussian_noise}
evaluate: {sweeps: {gaussian_noise: {sigma: [0.3], practical: 0.3}}}
"""
LONG = SHORT.replace("epochs: 1", "epochs: 500")


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Path]:
    """A folder with job.sh for two nodes of one CPU each, and the fakes on PATH; nothing outlives the test."""
    fake_commands.write(tmp_path / "bin", FAKES)
    answer = CliRunner().invoke(
        app,
        ["cluster", "template", "slurm", str(tmp_path / "small.yaml"), "--store", str(tmp_path / "store"),
         "--nodes", "2", "--gpus", "0", "--cpus", "1", "-o", str(tmp_path / "job.sh")],
    )  # fmt: skip
    assert answer.exit_code == 0, answer.stderr
    yield tmp_path
    assert not Path(f"/tmp/ray-{os.getpid()}").exists()
    assert not [process for process in psutil.process_iter(["cmdline"]) if _of(process, tmp_path)]


def _of(process: psutil.Process, folder: Path) -> bool:
    """Whether it is Ray of the job in `folder`: its session is named after the job's id, which is this process's."""
    return f"/tmp/ray-{os.getpid()}/" in " ".join(process.info["cmdline"] or ())


def start(folder: Path, spec: str) -> subprocess.Popen[bytes]:
    (folder / "small.yaml").write_text(spec)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "STUDY_"))}
    environment |= {
        "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SLURM_JOB_ID": str(os.getpid()), "SLURM_JOB_NODELIST": "n[1-2]", "SLURM_CPUS_PER_TASK": "1",
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            ["bash", "job.sh"], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip


def test_a_job_that_is_stopped_and_queued_again_finishes_its_study(job: Path) -> None:
    long = start(job, LONG)
    attempts = job / "store" / "trials"
    deadline = time.monotonic() + 120
    while not list(attempts.glob("*/*/last.ckpt")):
        assert time.monotonic() < deadline, (job / "log").read_text()
        assert long.poll() is None, (job / "log").read_text()
        time.sleep(0.2)
    long.send_signal(signal.SIGUSR1)
    assert long.wait(timeout=90) == 130, (job / "log").read_text()
    assert (job / "requeued").read_text() == f"requeue {os.getpid()}\n"
    assert "2 nodes (2 CPUs, no GPU)" in (job / "log").read_text()

    short = start(job, SHORT)
    assert short.wait(timeout=200) == 0, (job / "log").read_text()
    assert "2 nodes (2 CPUs, no GPU)" in (job / "log").read_text()
    assert len(Store.open(str(job / "store")).committed().evaluated) == 2


def test_waiting_for_nodes(tmp_path: Path) -> None:
    with head_node(1, environment_with_token(tmp_path)) as address:
        assert wait_for_nodes(address, 1, 30).offered() == "1 node (1 CPU, no GPU)"
        with pytest.raises(
            ClusterError, match=r"^1 node \(1 CPU, no GPU\) joined the cluster at .* 2 were to; see the"
        ):
            wait_for_nodes(address, 2, 2)


def test_a_sigterm_is_ours_again_after_a_look_at_the_nodes(tmp_path: Path) -> None:
    """By the kernel's word: Ray leaves Python in the belief that its handler is still there."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with head_node(1, environment_with_token(tmp_path)) as address:
            wait_for_nodes(address, 1, 30)
        assert _is_caught(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def _is_caught(number: signal.Signals) -> bool:
    status = Path("/proc/self/status").read_text()
    (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_a_head_that_never_starts_is_waited_for_no_longer() -> None:
    address = f"127.0.0.1:{free_port()}"
    began = time.monotonic()
    with pytest.raises(ClusterError, match=f"{address}: no Ray answers there"):
        wait_for_nodes(address, 1, 2)
    assert 2 <= time.monotonic() - began < 10
