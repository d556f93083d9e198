"""A cluster made for the purpose: a head and two nodes of one CPU each, started as a user would, with `ray start`.

Where they are to be cut off from one another, each node is a host of its own: its network, process numbers and host
name are in namespaces, joined to a bridge that the head's address is on.
"""

import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from study.chaos.errors import ChaosError
from study.chaos.launching import END_SECONDS, GUARD
from study.executor.cluster import AUTHENTICATION, ClusterError, set_environment, wait_for_nodes
from study.executor.scratch import owned, sweep
from study.store import Owner

Need = Literal["own Ray", "nodes", "hosts"]
"""`nodes` are processes of this machine, `hosts` have a network and process numbers of their own."""

RAY_COMMAND = (sys.executable, "-m", "ray.scripts.scripts")
RAY = "ray-chaos"
"""Begins the names of Ray's folders."""
RAY_PLACE = Path("/tmp")
"""Where they are: they hold sockets, whose paths must be short."""
START_SECONDS = 120.0
OBJECT_STORE = 150 * 2**20
NODES = 2
DEATH_SECONDS = 8.0
"""Until the head has noticed, by HEALTH, that a node is gone."""
HEALTH = {"health_check_initial_delay_ms": 2000, "health_check_period_ms": 1000, "health_check_timeout_ms": 2000,
          "health_check_failure_threshold": 3}  # fmt: skip
"""A node that answers nothing counts as dead after some 5 seconds, not Ray's 30: runs are short."""
MARK = "chaos"
"""Begins the names of bridges and namespaces; the process that made them follows."""
NETWORK = "198.18"
"""RFC 2544's, for tests of networks: nobody's addresses."""
WORKER = "StudyTrainable"
"""In the title of a worker's process."""


@dataclass
class Node:
    """One node. Its processes are below `process`."""

    number: int
    command: Sequence[str]
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Up soon, and joining; nothing if it is up."""
        if self.process is None:
            self.process = subprocess.Popen(
                [*GUARD, *self.command], env=dict(self.environment), stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL for all of it."""
        if self.process is None:
            return
        family = self.below()
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, END_SECONDS)
        self.process.wait(END_SECONDS)
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process = None

    def send(self, number: signal.Signals) -> None:
        """A signal for all of it."""
        for one in self.below():
            with suppress(psutil.NoSuchProcess):
                one.send_signal(number)

    def below(self) -> list[psutil.Process]:
        """Its processes, but for the guard that looks after them."""
        with suppress(psutil.NoSuchProcess):
            if self.process is not None:
                return list(psutil.Process(self.process.pid).children(recursive=True))
        return []


@dataclass
class Cluster:
    """A head without CPUs, and nodes that work."""

    apart: bool
    """Whether each node is a host of its own."""
    folder: Path
    """Of its token, not there yet."""
    environment: dict[str, str] = field(default_factory=dict)
    """What a launch needs to join."""
    address: str = ""
    head: Node | None = None
    nodes: list[Node] = field(default_factory=list)
    network: "Network | None" = None
    _ray: Path = Path()

    def start(self) -> None:
        """All nodes have joined when this returns; raises ChaosError if they have not in START_SECONDS."""
        self.folder.mkdir(parents=True)
        token = self.folder / "token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(32))
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        self.network = Network(NODES) if self.apart else None
        host, port = (self.network.head if self.network else "127.0.0.1"), _free_port()
        self.address = f"{host}:{port}"
        self._ray = RAY_PLACE / f"{owned(RAY)}-{port}"
        told = ",".join(f'"{name}":{value}' for name, value in HEALTH.items())
        self.head = self._node(0, host, [
            "--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false", "--no-monitor",
            f"--system-config={{{told}}}", f"--temp-dir={self._ray}",
        ])  # fmt: skip
        for number in range(1, NODES + 1):
            own = self.network.host(number) if self.network else host
            self.nodes.append(self._node(number, own, [f"--address={self.address}", "--num-cpus=1"]))
        self.restart()

    def restart(self) -> None:
        """All of it, anew, at the same address."""
        assert self.head is not None
        for node in (*self.nodes, self.head):
            node.kill()
        self.head.start()
        self._wait(f"the head at {self.address}", lambda: _answers(self.address))
        for number, node in enumerate(self.nodes, start=1):
            node.start()
            self._join(1 + number)  # one after another: two that start at once take the same names for their sockets

    def _join(self, nodes: int) -> None:
        """Until so many are of the cluster, the head included."""
        before = {name: os.environ.get(name) for name in AUTHENTICATION}
        set_environment({**dict.fromkeys(AUTHENTICATION), **self.environment})
        try:
            wait_for_nodes(self.address, nodes, START_SECONDS)
        except ClusterError as error:
            self.end()
            raise ChaosError(f"the cluster made for chaos does not come up: {error}") from error
        finally:
            set_environment(before)

    def _node(self, number: int, address: str, arguments: Sequence[str]) -> Node:
        start = [*RAY_COMMAND, "start", "--block", "--disable-usage-stats", "--include-log-monitor=false",
                 f"--node-ip-address={address}",
                 f"--object-store-memory={OBJECT_STORE}", *arguments]  # fmt: skip
        command = self.network.inside(number, start) if self.network and number else start
        environment = {**os.environ, **self.environment, "RAY_prestart_worker_first_driver": "0"}
        return Node(number, command, environment)

    def _wait(self, what: str, there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not there():
            if time.monotonic() > deadline:
                self.end()
                raise ChaosError(f"{what} of the cluster for chaos did not start within {START_SECONDS:g} seconds")
            time.sleep(0.2)

    def node_of(self, owner: Owner) -> Node | None:
        """Where this process is; None if it has gone."""
        found = self.process_of(owner)
        return None if found is None else found[0]

    def process_of(self, owner: Owner) -> tuple[Node, psutil.Process] | None:
        """A worker, and its node; None if it has gone."""
        found = ((node, process) for node in self.nodes for process in node.below() if _is(process, owner))
        return next(found, None)

    def cut(self, node: Node, frozen: bool) -> None:
        """Nothing reaches it; `frozen`: nor does it do anything."""
        assert self.network is not None
        self.network.cut(node.number)
        if frozen:
            node.send(signal.SIGSTOP)

    def heal(self, node: Node) -> None:
        """It is reached again, and goes on; Ray, which has given it up, ends it, and it is started anew."""
        assert self.network is not None
        self.network.heal(node.number)
        node.send(signal.SIGCONT)

    def renew(self) -> None:
        """Every node is up: those that Ray gave up are started again."""
        gone = [node for node in self.nodes if not _has_raylet(node)]
        for node in gone:
            node.kill()
        time.sleep(DEATH_SECONDS if gone else 0.0)
        for number, node in enumerate(gone, start=1):
            node.start()
            self._join(1 + NODES - len(gone) + number)

    def workers(self) -> int:
        """Processes that train or evaluate."""
        return sum(WORKER in title(process) for node in self.nodes for process in node.below())

    def end(self) -> None:
        """Nothing of it is left."""
        for node in (*self.nodes, *([self.head] if self.head else [])):
            node.kill()
        if self.network is not None:
            self.network.end()
        shutil.rmtree(self._ray, ignore_errors=True)


class Network:
    """A bridge, and network namespaces that each have one address on it. Needs root."""

    def __init__(self, hosts: int) -> None:
        self.name = f"{MARK}{os.getpid()}"
        self.prefix = f"{NETWORK}.{_unused()}"
        self.head = f"{self.prefix}.1"
        self.hosts = hosts
        _ip("link", "add", self.name, "type", "bridge")
        _ip("addr", "add", f"{self.head}/24", "dev", self.name)
        _ip("link", "set", self.name, "up")
        for number in range(1, hosts + 1):
            self._add(number)

    def _add(self, number: int) -> None:
        space, outer = self.space(number), self.link(number)
        _ip("netns", "add", space)
        _ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("link", "set", outer, "master", self.name)
        _ip("link", "set", outer, "up")
        for step in (("addr", "add", f"{self.host(number)}/24", "dev", "eth0"), ("link", "set", "eth0", "up"),
                     ("link", "set", "lo", "up")):  # fmt: skip
            _ip("-n", space, *step)

    def space(self, number: int) -> str:
        return f"{self.name}-{number}"

    def link(self, number: int) -> str:
        return f"{self.name}.{number}"

    def host(self, number: int) -> str:
        """Its address."""
        return f"{self.prefix}.{number + 1}"

    def inside(self, number: int, command: Sequence[str]) -> list[str]:
        """The command as it is run there, as the first process of process numbers of its own."""
        script = f"hostname node-{number} && exec {shlex.join(command)}"
        spaces = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "sh", "-c", script]
        return ["ip", "netns", "exec", self.space(number), *spaces]

    def cut(self, number: int) -> None:
        """Nothing goes to it or comes from it."""
        _ip("link", "set", self.link(number), "down")

    def heal(self, number: int) -> None:
        """It is reached again."""
        _ip("link", "set", self.link(number), "up")

    def end(self) -> None:
        """None of it is left."""
        for number in range(1, self.hosts + 1):
            _ip("netns", "del", self.space(number))
        _ip("link", "del", self.name)


def clear_away() -> None:
    """What clusters of processes that were killed have left: Ray's folders, and where there may be any, networks."""
    sweep(RAY_PLACE, RAY)
    if os.geteuid() == 0 and shutil.which("ip") is not None:
        _remove_networks()


def _remove_networks() -> None:
    for line in subprocess.run(["ip", "netns"], capture_output=True, text=True).stdout.splitlines():
        found = re.match(rf"{MARK}(\d+)-\d+\b", line)
        if found and not psutil.pid_exists(int(found[1])):
            _ip("netns", "del", found[0])
    for line in subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout.splitlines():
        found = re.search(rf" ({MARK}(\d+)): ", line)
        if found and not psutil.pid_exists(int(found[2])):
            _ip("link", "del", found[1])


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise ChaosError(f"ip {' '.join(arguments)}: {done.stderr.strip()}; hosts of their own need root and iproute2")


def _unused() -> int:
    """The third number of a network that this machine is not in."""
    told = subprocess.run(["ip", "-o", "addr"], capture_output=True, text=True).stdout
    return next(number for number in range(1, 255) if f" {NETWORK}.{number}." not in told)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1.0).close()
    except OSError:
        return False
    return True


def _has_raylet(node: Node) -> bool:
    return any(_name(process) == "raylet" for process in node.below())


def _is(process: psutil.Process, owner: Owner) -> bool:
    """Whether it is the owner, seen from this machine: its own number is that of its namespace."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
        started = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return False
    inner = next((line.split()[-1] for line in status.splitlines() if line.startswith("NSpid:")), str(process.pid))
    return int(inner) == owner.pid and int(started) == owner.process_start


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return ""


def title(process: psutil.Process) -> str:
    """What it calls itself."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""
