"""A Ray cluster of one node, started once as a user would, with `ray start`, and ended by its process ids."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from study.executor.cluster import AUTHENTICATION, set_environment

RAY = Path(sys.executable).with_name("ray")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def start_node(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """`ray start --block …` in its own process group; its processes are its children."""
    return subprocess.Popen(
        [str(RAY), "start", "--block", "--disable-usage-stats", *arguments],
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def end_node(node: subprocess.Popen[bytes]) -> None:
    """End the processes that `start_node` started, by their ids."""
    try:
        family = psutil.Process(node.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    node.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=10)
    for process in alive:
        process.kill()
    node.wait(timeout=20)


@pytest.fixture(scope="session")
def ray_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Token authentication with a token of our own."""
    token = tmp_path_factory.mktemp("ray") / "token"
    token.write_text(secrets.token_hex(32))
    token.chmod(0o600)
    return os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}


@pytest.fixture(scope="session")
def cluster(ray_environment: dict[str, str]) -> Iterator[str]:
    """The address of a head with two CPUs; this process's environment is set up to join it."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    head = start_node(
        ["--head", f"--port={port}", "--node-ip-address=127.0.0.1", "--num-cpus=2", "--include-dashboard=false",
         "--object-store-memory=200000000", f"--temp-dir=/tmp/ray-{os.getpid()}"],
        ray_environment,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    status = [str(RAY), "status", "--address", address]
    while subprocess.run(status, env=ray_environment, capture_output=True).returncode != 0:
        assert time.monotonic() < deadline, "Ray did not come up within a minute"
        time.sleep(0.5)
    before = {name: os.environ.get(name) for name in AUTHENTICATION}
    set_environment({name: ray_environment.get(name) for name in AUTHENTICATION})
    yield address
    set_environment(before)
    end_node(head)
