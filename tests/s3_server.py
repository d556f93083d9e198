"""A real S3 server for tests, as a process of its own on loopback: moto's, over HTTP, that can be made to misbehave.

`python -m tests.s3_server` prints its port. In front of moto's application stand

* a lock, under which requests that write happen one at a time: moto looks whether an object is there and writes it
  then, in two steps, where S3 does both in one;
* a count of requests by kind;
* faults, drawn by a seed, as `Faults` says.

`tests.s3_server.running()` starts one and gives a `Server`, which `http://127.0.0.1:<port>/_test/…` controls.
"""

import io
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

BUCKET = "robustness"
REGION = "us-east-1"
CONTROL = "/_test/"
ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
XML = [("Content-Type", "application/xml")]


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What goes wrong, each a share of requests in [0, 1]; drawn in the order in which requests come."""

    seed: int = 0
    error: float = 0.0
    """500 InternalError, nothing done."""
    slow_down: float = 0.0
    """503 SlowDown, nothing done."""
    reset: float = 0.0
    """The connection is reset, nothing done."""
    lost: float = 0.0
    """It is done, and the connection is reset before the answer."""
    conflict: float = 0.0
    """409 to requests with a condition, nothing done: what S3 says to writers that race."""
    seconds: float = 0.0
    """Each answer comes so much later."""
    ignores_conditions: bool = False
    """If-None-Match is overlooked, as by storage that does not know it."""
    bare_precondition: bool = False
    """412 does not say which condition failed, as some servers' does not."""
    denied: tuple[str, ...] = ()
    """Methods that are answered with 403 AccessDenied."""


class Application:
    """WSGI: moto's application behind what the module's first lines name."""

    def __init__(self) -> None:
        os.environ.setdefault("MOTO_S3_DEFAULT_KEY_BUFFER_SIZE", str(64 * 2**20))
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self.moto = DomainDispatcherApplication(create_backend_app)
        self.writing = threading.Lock()
        self.counting = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.faults = Faults()
        self.draws = random.Random(0)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(CONTROL):
            return self._control(environ, start)
        fault = self._drawn(environ)
        if environ["REQUEST_METHOD"] in self.faults.denied:
            return _error(start, "403 Forbidden", "AccessDenied", "Access Denied")
        if fault == "error":
            return _error(start, "500 Internal Server Error", "InternalError", "We encountered an internal error.")
        if fault == "slow_down":
            return _error(start, "503 Slow Down", "SlowDown", "Please reduce your request rate.")
        if fault == "conflict" and "HTTP_IF_NONE_MATCH" in environ:
            return _error(start, "409 Conflict", "ConditionalRequestConflict", "A conflicting operation occurred.")
        if fault == "reset":
            return _reset(environ)
        answer = self._answered(environ, start)
        return _reset(environ) if fault == "lost" else answer

    def _drawn(self, environ: Mapping[str, Any]) -> str:
        """Count the request, and draw what happens to it; empty for nothing."""
        faults = self.faults
        with self.counting:
            self.counts[_kind(environ)] += 1
            share = self.draws.random()
        time.sleep(faults.seconds)
        for name in ("error", "slow_down", "reset", "lost", "conflict"):
            share -= getattr(faults, name)
            if share < 0:
                return name
        return ""

    def _answered(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        environ["wsgi.input"] = _Body(environ)
        if self.faults.ignores_conditions:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        if environ["REQUEST_METHOD"] in ("PUT", "POST"):
            with self.writing:
                body = b"".join(self.moto(environ, start))
        else:
            body = b"".join(self.moto(environ, start))
        if self.faults.bare_precondition:
            condition = b"<Condition>If-None-Match</Condition>"
            body = body.replace(condition, b" " * len(condition))
        return [body]

    def _control(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        asked = json.loads(environ["wsgi.input"].read(length) or b"{}")
        match environ["PATH_INFO"].removeprefix(CONTROL):
            case "faults":
                self.faults = Faults(**{**asked, "denied": tuple(asked["denied"])})
                self.draws = random.Random(self.faults.seed)
            case "counts":
                with self.counting:
                    self.counts, told = Counter(), dict(self.counts)
                start("200 OK", [("Content-Type", "application/json")])
                return [json.dumps(told).encode()]
            case "load":
                _load(Path(asked["folder"]), asked["prefix"])
        start("200 OK", [("Content-Type", "application/json")])
        return [b"{}"]


class _Body:
    """The request's body, read to its end at once, so that a connection that is reset after it was written to is."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        chunked = environ.get("HTTP_TRANSFER_ENCODING") == "chunked"
        length = int(environ.get("CONTENT_LENGTH") or 0)
        source = environ["wsgi.input"]
        self._read = io.BytesIO(source.read() if chunked else source.read(length) if length else b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read, name)


def _kind(environ: Mapping[str, Any]) -> str:
    """`PUT`, `PUT if absent`, `GET`, `HEAD`, `DELETE`, `POST`, and `LIST`."""
    method = environ["REQUEST_METHOD"]
    if method == "GET" and "list-type" in parse_qs(environ.get("QUERY_STRING", "")):
        return "LIST"
    return f"{method} if absent" if "HTTP_IF_NONE_MATCH" in environ else str(method)


def _error(start: Callable[..., Any], status: str, code: str, message: str) -> Iterable[bytes]:
    start(status, XML)
    return [ERROR.format(code=code, message=message).encode()]


def _reset(environ: Mapping[str, Any]) -> Iterable[bytes]:
    """Break the connection off, with RST and not with FIN."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    os.close(connection.detach())  # the files that werkzeug made of it would hold it open
    raise ConnectionAbortedError


def _load(folder: Path, prefix: str) -> None:
    """The files of a folder as objects, past HTTP."""
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        backend.put_object(BUCKET, f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def serve() -> None:
    """Print the port and answer until killed, or until stdin is closed."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:
            """Nothing."""

    server = make_server("127.0.0.1", 0, Application(), threaded=True, request_handler=Quiet)
    print(server.server_port, flush=True)  # noqa: T201
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server."""

    port: int
    process: subprocess.Popen[str] = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """As a user says it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing-secret",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def fail(self, faults: Faults) -> None:
        """From now on."""
        self._ask("faults", asdict(faults))

    def counts(self) -> dict[str, int]:
        """Requests by kind since the last call."""
        return dict(sorted(self._ask("counts", {}).items()))

    def load(self, folder: Path, prefix: str) -> None:
        """Make the files of a folder objects below a prefix of the bucket."""
        self._ask("load", {"folder": str(folder), "prefix": prefix})

    def make_bucket(self) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{BUCKET}", method="PUT")
        urllib.request.urlopen(request, timeout=30).close()

    def _ask(self, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
        data = json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{CONTROL}{what}", data, timeout=120) as answer:
            told: dict[str, Any] = json.loads(answer.read())
            return told


@contextmanager
def running() -> Iterator[Server]:
    """A server with an empty bucket, for as long as the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.s3_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        server = Server(port=int(process.stdout.readline()), process=process)
        server.make_bucket()
        yield server
    finally:
        process.stdin.close()
        process.wait(timeout=20)
        process.stdout.close()


if __name__ == "__main__":
    serve()
