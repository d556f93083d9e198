"""Ray nodes for tests: started as a user would, with `ray start`, and ended by their process ids."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from study.executor.cluster import AUTHENTICATION, set_environment


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def start_node(
    arguments: list[str], environment: Mapping[str, str], python: str = sys.executable
) -> subprocess.Popen[bytes]:
    """`ray start --block …` in its own process group; its processes are its children."""
    return subprocess.Popen(
        [python, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats", *arguments],
        env=dict(environment),
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


def environment_with_token(folder: Path) -> dict[str, str]:
    """This process's environment with token authentication, the token in `folder`."""
    token = folder / "token"
    token.write_text(secrets.token_hex(32))
    token.chmod(0o600)
    return os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}


@contextmanager
def head_node(
    cpus: int, environment: Mapping[str, str], dashboard: int | None = None, python: str = sys.executable
) -> Iterator[str]:
    """The address of a running head, its dashboard at a port if one is given; this process's environment is set up to
    join it."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    shown = [
        "--include-dashboard=true", "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}",
        f"--dashboard-agent-listen-port={free_port()}",
    ]  # fmt: skip
    head = start_node(
        ["--head", f"--port={port}", "--node-ip-address=127.0.0.1", f"--num-cpus={cpus}",
         *(shown if dashboard is not None else ["--include-dashboard=false"]),
         "--object-store-memory=200000000", f"--temp-dir=/tmp/ray-{os.getpid()}-{port}"],
        {**environment, "RAY_prestart_worker_first_driver": "0"}, python,
    )  # fmt: skip
    before = {name: os.environ.get(name) for name in AUTHENTICATION}
    set_environment({name: environment.get(name) for name in AUTHENTICATION})
    try:
        _wait_for(address, environment)
        yield address
    finally:
        set_environment(before)
        end_node(head)


def _wait_for(address: str, environment: Mapping[str, str]) -> None:
    deadline = time.monotonic() + 90
    status = [sys.executable, "-m", "ray.scripts.scripts", "status", "--address", address]
    while subprocess.run(status, env=dict(environment), capture_output=True).returncode != 0:
        assert time.monotonic() < deadline, "Ray did not come up within 90 seconds"
        time.sleep(0.5)
