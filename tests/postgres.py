"""A real PostgreSQL and the MLflow server over it, each a process of a test's own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.ray_nodes import free_port

PASSWORD = "pw-of-the-database"
START_SECONDS = 60.0
UNPRIVILEGED = ("postgres", "nobody")
"""Whom the server runs as where the tests are root's: it refuses root."""


def binaries() -> Path | None:
    """The folder of `initdb` and `postgres`, which Debian keeps off the PATH; None where they are not installed."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


class PostgreSQL:
    """On loopback, with a password, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        place = binaries()
        assert place is not None
        self.binaries, self.folder, self.port = place, folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.user = _unprivileged() if os.getuid() == 0 else None
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if self.user is not None:
            for path in (folder, secret):
                os.chown(path, self.user.pw_uid, self.user.pw_gid)
        self._run(
            "initdb", "-D", str(folder / "data"), "-U", "study", "-E", "UTF8", "--locale=C", "--no-sync",
            "--auth=scram-sha-256", f"--pwfile={secret}",
        )  # fmt: skip

    @property
    def uri(self) -> str:
        return f"postgresql://study:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def _owner(self) -> dict[str, int]:
        return {} if self.user is None else {"user": self.user.pw_uid, "group": self.user.pw_gid}

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **self._owner())
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        command = [
            str(self.binaries / "postgres"), "-D", str(self.folder / "data"), "-h", "127.0.0.1", "-p", str(self.port),
            "-k", str(self.folder), "-c", "fsync=off",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **self._owner())
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.1)

    def _answers(self) -> bool:
        ready = [str(self.binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def dump(self) -> str:
        """All that is in it."""
        command = [str(self.binaries / "pg_dump"), "--data-only", "--dbname", self.uri]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def stop(self) -> None:
        """At once, as a power cut does: it recovers when it starts."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None


def _unprivileged() -> pwd.struct_passwd:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return pwd.getpwnam(next(name for name in UNPRIVILEGED if name in names))


@contextmanager
def postgresql() -> Iterator[PostgreSQL]:
    """Running; in a folder that its user may enter, as pytest's own may not be."""
    folder = Path(tempfile.mkdtemp(prefix="study-postgres-"))
    server = PostgreSQL(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


class MlflowServer:
    """An `mlflow server` on loopback, in a session of its own, over any database."""

    def __init__(self, folder: Path, database: str, *options: str) -> None:
        self.folder, self.database, self.options, self.port = folder, database, options, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        command = [
            sys.executable, "-m", "mlflow", "server", "--backend-store-uri", self.database, "--artifacts-destination",
            str(self.folder / "files"), "--port", str(self.port), "--workers", "1", *self.options,
        ]  # fmt: skip
        settings = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **settings, **(environment or {})},
            )  # fmt: skip
        deadline = time.monotonic() + 2 * START_SECONDS
        while not self.answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.2)

    def answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.address}/health", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def signal(self, number: signal.Signals) -> None:
        """To all of its processes."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """As a machine that loses its power."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.signal(signal.SIGKILL)
            self.process.wait(30)
            self.process = None


class Gate:
    """A port that leads to another one, and that can be shut: nobody listens then, or somebody who says nothing."""

    def __init__(self, to: int) -> None:
        self.to, self.port, self.silent = to, free_port(), False
        self.listening: socket.socket | None = None
        self.sockets: list[socket.socket] = []
        self.open()

    def open(self) -> None:
        self.silent = False
        if self.listening is None:
            self.listening = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self._accept, args=(self.listening,), daemon=True).start()

    def shut(self) -> None:
        """Connections are cut, and refused from now on."""
        if self.listening is not None:
            self.listening.shutdown(socket.SHUT_RDWR)
            self.listening.close()
            self.listening = None
        for one in self.sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.sockets.clear()

    def hush(self) -> None:
        """Connections are cut; new ones are taken, and nothing is answered."""
        self.shut()
        self.open()
        self.silent = True

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near = listening.accept()[0]
                self.sockets.append(near)
                if self.silent:
                    continue
                far = socket.create_connection(("127.0.0.1", self.to))
                self.sockets.append(far)
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
