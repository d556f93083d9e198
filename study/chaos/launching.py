"""`study launch` as a process of its own, with all that it starts: to be killed, waited for and looked for."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from study.tracking_uri import VARIABLE

MARK = "STUDY_CHAOS"
"""Environment variable that everything a run starts on this machine inherits, with the run's own value."""
GUARD = (sys.executable, "-m", "study.cli.guard")
"""Ends what it runs when this process is gone, however it went."""
END_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Command:
    """What is launched, again and again."""

    typed: Sequence[str]
    """`study launch`'s arguments but for the store and the cluster: a spec and its overrides."""
    environment: Mapping[str, str]
    address: str | None
    store: str
    log: Path
    """Where all that it prints is appended."""
    mark: str = field(default_factory=lambda: secrets.token_hex(8))


class Launch:
    """A launch under way, or ended."""

    def __init__(self, command: Command) -> None:
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}  # nobody's MLflow server
        to = () if command.address is None else ("--address", command.address)
        with command.log.open("ab") as log:
            self._guard = subprocess.Popen(
                [*GUARD, sys.executable, "-m", "study.cli", "launch", *command.typed, "--store", command.store, *to],
                env={**environment, **command.environment, MARK: command.mark},
                stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def status(self) -> int | None:
        """As a shell tells it; None while it runs."""
        return self._guard.poll()

    def kill(self, with_ray: bool) -> int:
        """SIGKILL for the launch, and for all processes of its Ray if `with_ray`; how many were killed."""
        victims = self._processes()
        for one in victims if with_ray else victims[:1]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self._guard.wait(END_SECONDS)
        return len(victims) if with_ray else 1

    def _processes(self) -> list[psutil.Process]:
        """The launch, then what it has started."""
        with suppress(psutil.NoSuchProcess):
            for launch in psutil.Process(self._guard.pid).children():
                return [launch, *launch.children(recursive=True)]
        return []

    def end(self) -> None:
        """Nothing of it is left."""
        family = self._processes()
        if self._guard.poll() is None:
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            self._guard.wait(END_SECONDS)
        assert self._guard.stdin is not None
        self._guard.stdin.close()


def marked(mark: str) -> list[psutil.Process]:
    """What runs on this machine and was started, at however many removes, by launches of this mark."""
    return [one for one in psutil.process_iter() if _mark(one) == mark]


def _mark(process: psutil.Process) -> str | None:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        environment: dict[str, str] = process.environ()
    except (psutil.Error, OSError):
        return None
    return environment.get(MARK)
