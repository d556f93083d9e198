"""Owners: which process holds a lease, and whether it is still alive."""

import getpass
import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Life = Literal["alive", "dead", "unknown"]

PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class Owner:
    """One process on one machine, told apart from any other that ever had its number."""

    user: str
    host: str
    pid: int
    process_start: int | None
    """Clock ticks from the machine's start to the process's; None where the system does not tell."""
    machine: str
    """The running kernel and, within it, the process namespace: two containers on one machine number their processes
    apart, and a process of one is not to be sought, and declared dead, in the other."""
    what: str
    """What the process is doing: a command, a unit of work."""

    @classmethod
    def here(cls, what: str) -> "Owner":
        """This process."""
        return cls(
            user=_user(),
            host=socket.gethostname(),
            pid=os.getpid(),
            process_start=_process_start(os.getpid()),
            machine=_machine(),
            what=what,
        )

    @property
    def life(self) -> Life:
        """`unknown` for a process of another machine or container: only its heartbeat can tell."""
        if self.machine != _machine():
            return "unknown"
        return "alive" if _runs(self.pid, self.process_start) else "dead"

    def __str__(self) -> str:
        return f"{self.user} on {self.host} (process {self.pid}: {self.what})"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid())


@cache
def _machine() -> str:
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = str((PROC / "self/ns/pid").readlink())
    except OSError:  # no /proc: macOS
        return socket.gethostname()
    return f"{boot} {namespace}"


def _runs(pid: int, process_start: int | None) -> bool:
    if process_start is None:
        return _answers(pid)
    return _process_start(pid) == process_start


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _process_start(pid: int) -> int | None:
    """None if there is no such process, or it has ended and only waits for its parent to notice, or no /proc."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])
