"""The notice that a spot machine is about to be taken away, waited for as the YAMLs of `study cluster template` say.

A worker's commands are run as Ray runs them, but for ssh and docker, beside a server on loopback that answers as the
clouds' metadata servers do, and a `ray` that says what it was called with and stays until it is told to end.
"""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
import yaml
from ray.autoscaler._private.command_runner import _with_environment_variables, _with_interactive
from ray.autoscaler._private.docker import with_docker_exec
from ray.autoscaler._private.util import with_head_node_ip

from tests import fake_commands
from tests.study.cli.conftest import Type
from tests.study.cli.test_cluster import MADE

pytestmark = pytest.mark.slow

FAKES = {
    "docker": 'shift 3; exec "$@"',  # exec -it study
    "ray": """
        echo "$$" >>"$HOME/rays"
        echo "$RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S $*" >>"$HOME/called"
        trap 'echo TERM >>"$HOME/ended"; exit 0' TERM
        [[ ! -e $HOME/broken ]] || { echo "no head there"; exit 1; }
        echo "Ray runtime started."
        while :; do /bin/sleep 0.02; done
    """,
    "sleep": "exec /bin/sleep 0.02",
}
TOKEN = "a-token"
CLOUDS = {"ray-aws": ("aws, S3, spot", 90), "ray-gcp": ("gcp, GCS, spot", 20)}


@dataclass
class Metadata:
    """What the machine is told of itself."""

    url: str
    taken: bool = False
    broken: bool = False
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    class Answer(BaseHTTPRequestHandler):
        def answered(self, status: int, text: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_PUT(self) -> None:
            lasts = self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
            granted = self.path == "/api/token" and lasts is not None and 1 <= int(lasts) <= 21600
            self.answered(*((200, TOKEN) if granted else (400, "")))

        def do_GET(self) -> None:
            told.asked.append(self.path)
            if told.broken:
                self.answered(503)
            elif self.path == "/meta-data/spot/instance-action":
                known = self.headers["X-aws-ec2-metadata-token"] == TOKEN
                notice = (200, '{"action": "terminate", "time": "2026-01-01T00:00:00Z"}') if told.taken else (404, "")
                self.answered(*(notice if known else (401, "")))
            elif self.path == "/instance/preempted":
                known = self.headers["Metadata-Flavor"] == "Google"
                self.answered(*((200, "TRUE" if told.taken else "FALSE") if known else (403, "")))
            else:
                self.answered(404)

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        told = Metadata(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield told
        server.shutdown()
        thread.join()


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A worker's, and what was run there."""

    home: Path
    metadata: Metadata

    def starts(self, command: str) -> "subprocess.CompletedProcess[str]":
        """What Ray would run on the machine for one of a worker's commands."""
        (command,) = with_head_node_ip([command], "10.0.0.1")
        command = _with_environment_variables(command, {"RAY_OVERRIDE_RESOURCES": {"CPU": 8}})
        words = " ".join(_with_interactive(command))
        (inside,) = with_docker_exec([words], container_name="study", docker_cmd="docker", with_interactive=True)
        environment = {
            **os.environ, "HOME": str(self.home), "PATH": f"{self.home}/bin:{os.environ['PATH']}",
            "METADATA": self.metadata.url,
        }  # fmt: skip
        return subprocess.run(
            ["bash", "-c", inside], env=environment, stdin=subprocess.DEVNULL, start_new_session=True, timeout=60,
            capture_output=True, text=True,
        )  # fmt: skip

    def lines(self, name: str) -> list[str]:
        path = self.home / name
        return path.read_text().splitlines() if path.exists() else []

    @property
    def family(self) -> list[psutil.Process]:
        """Ray, and what waits for the notice beside it."""
        rays = [psutil.Process(int(pid)) for pid in self.lines("rays") if psutil.pid_exists(int(pid))]
        return [one for ray in rays for one in (ray, *ray.children(recursive=True))]


@pytest.fixture
def machine(tmp_path: Path, metadata: Metadata) -> Iterator[Machine]:
    fake_commands.write(tmp_path / "bin", FAKES)
    (tmp_path / ".bashrc").write_text(f"export PATH={tmp_path}/bin:$PATH\n")  # after /etc/profile, as in Ray's images
    machine = Machine(home=tmp_path, metadata=metadata)
    yield machine
    for process in machine.family:
        process.kill()


def start_command(study: Type, kind: str) -> str:
    answer = study("cluster", "template", *MADE[CLOUDS[kind][0]])
    assert answer.exit_code == 0, answer.stderr
    commands: list[str] = yaml.safe_load(answer.stdout)["worker_start_ray_commands"]
    assert commands[0] == "ray stop"
    assert len(commands) == 2
    return commands[1]


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("kind", CLOUDS)
def test_ray_is_told_of_the_notice_and_not_before(study: Type, machine: Machine, kind: str) -> None:
    started = machine.starts(start_command(study, kind))
    assert started.returncode == 0, started.stdout + started.stderr
    (called,) = machine.lines("called")
    seconds = CLOUDS[kind][1]
    options = "--block --address=10.0.0.1:6379 --object-manager-port=8076 --disable-usage-stats"
    assert called == f"{seconds} start {options}"
    until(lambda: len(machine.metadata.asked) >= 5)
    machine.metadata.broken = True
    until(lambda: len(machine.metadata.asked) >= 10)
    assert not machine.lines("ended")
    family = machine.family
    assert family
    machine.metadata.broken, machine.metadata.taken = False, True
    until(lambda: machine.lines("ended"))
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    assert machine.lines("ended") == ["TERM"]


@pytest.mark.parametrize("kind", CLOUDS)
def test_a_machine_that_has_the_notice_does_not_join(study: Type, machine: Machine, kind: str) -> None:
    """Ray's autoscaler starts Ray again where it has ended."""
    machine.metadata.taken = True
    started = machine.starts(start_command(study, kind))
    assert started.returncode == 1
    assert "This machine is about to be taken away" in started.stdout
    assert not machine.lines("called")


@pytest.mark.parametrize("kind", CLOUDS)
def test_a_ray_that_does_not_start_is_told_of(study: Type, machine: Machine, kind: str) -> None:
    (machine.home / "broken").touch()
    started = machine.starts(start_command(study, kind))
    assert started.returncode == 1
    assert "no head there" in started.stdout
    assert not machine.lines("ended")


@pytest.mark.parametrize("kind", CLOUDS)
def test_nothing_waits_for_a_notice_where_ray_has_ended(study: Type, machine: Machine, kind: str) -> None:
    machine.starts(start_command(study, kind))
    until(lambda: len(machine.family) >= 2)
    ray, *others = machine.family
    ray.kill()
    _, alive = psutil.wait_procs(others, timeout=10)
    assert not alive


@pytest.mark.parametrize("name", ["aws, NFS, on demand", "gcp, Filestore, on demand"])
def test_machines_that_stay_wait_for_no_notice(study: Type, name: str) -> None:
    commands = yaml.safe_load(study("cluster", "template", *MADE[name]).stdout)["worker_start_ray_commands"]
    assert [one.removeprefix("ulimit -n 65536; ")[:9] for one in commands] == ["ray stop", "ray start"]
    assert "--block" not in commands[1]
