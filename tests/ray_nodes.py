"""Ray nodes for tests: started as a user would, with `ray start`, and ended by their process ids."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID

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
    start = [python, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
    return subprocess.Popen(
        [*start, "--include-log-monitor=false", *arguments],
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


GROWING = {
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "RAY_FAKE_CLUSTER": "1",
    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID,
}


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What Ray's autoscaler adds to a cluster and takes away: real raylets, on this machine."""

    folder: Path
    most: int
    """Nodes, of one CPU each."""
    idle_seconds: float

    def written(self, address: str, cpus: int) -> Path:
        """The autoscaler's configuration, in a file."""
        nothing: dict[str, list[str]] = {
            f"{what}_commands": [] for what in ("initialization", "setup", "head_setup", "worker_setup",
                                                "head_start_ray", "worker_start_ray")
        }  # fmt: skip
        told = {
            "cluster_name": "grows", "max_workers": self.most, "upscaling_speed": 1.0, "docker": {}, "auth": {},
            "idle_timeout_minutes": self.idle_seconds / 60,
            "provider": {
                "type": "fake_multinode", "gcs_address": address, "use_node_id_as_ip": True,
                "disable_node_updaters": True, "disable_launch_config_check": True,
            },
            "available_node_types": {
                "ray.head.default": {"resources": {"CPU": cpus}, "node_config": {}, "max_workers": 0},
                "one_cpu": {
                    "resources": {"CPU": 1, "object_store_memory": 80_000_000}, "node_config": {}, "min_workers": 0,
                    "max_workers": self.most,
                },
            },
            "head_node_type": "ray.head.default", "file_mounts": {}, "cluster_synced_files": [],
            "file_mounts_sync_continuously": False, "rsync_exclude": [], "rsync_filter": [], **nothing,
        }  # fmt: skip
        path = self.folder / "autoscaler.yaml"
        path.write_text(json.dumps(told))
        return path


@contextmanager
def head_node(
    cpus: int,
    environment: Mapping[str, str],
    dashboard: int | None = None,
    python: str = sys.executable,
    grows: Growth | None = None,
    labels: str = "",
) -> Iterator[str]:
    """The address of a running head, its dashboard at a port if one is given; this process's environment is set up to
    join it."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    shown = [
        "--include-dashboard=true", "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}",
        f"--dashboard-agent-listen-port={free_port()}",
    ] if dashboard is not None else ["--include-dashboard=false"]  # fmt: skip
    if grows is None:
        shown.append("--no-monitor")
    else:
        shown.append(f"--autoscaling-config={grows.written(address, cpus)}")
        environment = {**environment, **GROWING}
    head = start_node(
        ["--head", f"--port={port}", "--node-ip-address=127.0.0.1", f"--num-cpus={cpus}",
         *shown, f"--labels={labels}",
         "--object-store-memory=200000000", f"--temp-dir=/tmp/ray-{os.getpid()}-{port}"],
        {**environment, "RAY_prestart_worker_first_driver": "0"}, python,
    )  # fmt: skip
    before = {name: os.environ.get(name) for name in AUTHENTICATION}
    set_environment({name: environment.get(name) for name in AUTHENTICATION})
    try:
        for one in (port, dashboard):
            if one is not None:
                _wait_for(one)
        yield address
    finally:
        set_environment(before)
        end_node(head)


def _wait_for(port: int) -> None:
    """Until the head listens; who joins waits for the rest."""
    deadline = time.monotonic() + 90
    while True:
        with suppress(OSError):
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        assert time.monotonic() < deadline, "Ray did not come up within 90 seconds"
        time.sleep(0.1)
