"""`study ui`: MLflow's own server over the store's database, in the foreground until Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import webbrowser
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import urlencode

from study.cli.errors import CommandError
from study.cli.places import newest, open_store, store_suffix
from study.cli.stopping import stoppable
from study.cli.terminal import Terminal
from study.cli.tracking import synced, told
from study.store import HeldError, Store
from study.tracking.place import Place, place_of
from study.tracking.records import TrackingError
from study.tracking_uri import LOOPBACK, VARIABLE

START_SECONDS = 90.0
STOP_SECONDS = 5.0
LOOK_SECONDS = 0.2
ANSWER_SECONDS = 5.0
PAGE = "workflowType=machine_learning"
"""The page of runs without the pages about language models."""
SORTED = "orderByKey=metrics.%60test.clean%60&orderByAsc=false"
"""All trials in one list, not folded below the study's run."""
VIEW = "study"
"""Of the shared view that shows columns too: MLflow takes none from an address that names an order."""
LOG_LINES = 5
"""Of the server's own words, shown where it does not start."""
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The server is on this machine, where no proxy reaches it."""


def serve(given: str | None, host: str, port: int, terminal: Terminal) -> None:
    """The whole command."""
    store = open_store(given)
    places = {study: place_of(store, newest(store, study)) for study in store.studies()}
    own = {study: place for study, place in places.items() if place.folder is not None}
    for study, place in places.items():
        if study not in own:
            terminal.print("\n".join(terminal.wrap(f"{study} is tracked elsewhere: {place}")))
    if not own:
        return
    check_free(host, port)
    for study, place in own.items():
        _bring(store, study, place, terminal, store_suffix(given))
    _serve(next(iter(own.values())), list(own), host, port, terminal)


def check_free(host: str, port: int) -> None:
    """Raises CommandError if nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"nothing can listen on {host}:{port} ({error.strerror or error}); name another port: "
                f"study ui --port {port % 65535 + 1}"
            ) from None


def _bring(store: Store, study: str, place: Place, terminal: Terminal, suffix: str) -> None:
    """Bring a study up to date first; one that cannot be is shown as it is."""
    try:
        tally = synced(store, study, place)
    except HeldError as held:
        terminal.print("\n".join(terminal.wrap(f"{study} is being brought up to date by {held.owner}")))
    except TrackingError as error:
        terminal.print("\n".join(terminal.wrap(f"{study} is shown as it was: {error}.  study track {study}{suffix}")))
    else:
        terminal.print("\n".join(terminal.wrap(f"{study}: {told(tally)}")))


def _serve(place: Place, studies: Sequence[str], host: str, port: int, terminal: Terminal) -> None:
    address = f"http://{reached_at(host)}:{port}"
    assert place.folder is not None
    with tempfile.TemporaryFile() as log, _server(place, host, port, log) as process:
        _await(process, address, log)
        print_address(address, [(study, link(address, study)) for study in studies], host, terminal)
        if terminal.live and has_browser(os.environ):
            webbrowser.open(address)
        with suppress(KeyboardInterrupt):
            process.wait()
            raise CommandError(f"MLflow's server ended by itself: {_last_lines(log)}")


def reached_at(host: str) -> str:
    """The host as an address names it, where the server listens on `host`."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def print_address(address: str, links: Sequence[tuple[str, str]], host: str, terminal: Terminal) -> None:
    terminal.print(f"MLflow at {address}    Ctrl-C ends it")
    for study, place in links:
        terminal.print(f"  {study}    {place}")
    if host not in LOOPBACK:
        warning = f"Whoever can reach {host} can read, change and delete runs: MLflow asks for no password."
        terminal.print("\n".join(terminal.wrap(warning)))


def link(address: str, study: str) -> str:
    """The page of a study's experiment; the first page if it has none yet."""
    asked = f"{address}/api/2.0/mlflow/experiments/get-by-name?{urlencode({'experiment_name': study})}"
    try:
        experiment = _asked(asked)["experiment"]["experiment_id"]
    except OSError:
        return address
    page = f"{address}/#/experiments/{experiment}/runs?{PAGE}"
    try:
        _share_view(f"{address}/api/2.0/mlflow", experiment)
    except OSError:
        return f"{page}&{SORTED}"
    return f"{page}&viewStateShareKey={VIEW}"


def _share_view(api: str, experiment: str) -> None:
    """Keep with the experiment how its table is to open."""
    runs = _asked(f"{api}/runs/search", {"experiment_ids": [experiment], "max_results": 1000}).get("runs", ())
    metrics = {one["key"] for run in runs for one in run["data"].get("metrics", ())}
    tag = {"experiment_id": experiment, "key": f"mlflow.sharedViewState.{VIEW}", "value": json.dumps(view(metrics))}
    _asked(f"{api}/experiments/set-experiment-tag", tag)


def view(metrics: Collection[str]) -> dict[str, object]:
    """MLflow's own words for: sorted by clean accuracy, with the hyperparameters and the practical accuracies."""
    shown = sorted(one for one in metrics if one == "test.clean" or one.startswith("hp.") or one.endswith(".practical"))
    return {
        "searchFilter": "", "orderByKey": "metrics.`test.clean`", "orderByAsc": False, "startTime": "ALL",
        "lifecycleFilter": "Active", "datasetsFilter": [], "modelVersionFilter": "All Runs",
        "selectedColumns": [f"metrics.`{one}`" for one in shown],
    }  # fmt: skip


def _asked(url: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
    """What the server answers to a GET, or to a POST of `body`; raises OSError."""
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, sent, {"Content-Type": "application/json"})
    with DIRECT.open(request, timeout=ANSWER_SECONDS) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def _server(place: Place, host: str, port: int, log: IO[bytes]) -> Iterator["subprocess.Popen[bytes]"]:
    """MLflow's server, in a session of its own, gone with all its workers at the end, whatever this process dies of."""
    with stoppable():
        process = subprocess.Popen(
            [sys.executable, "-m", "study.cli.guard", *server_command(place, host, port)],
            env=server_environment(os.environ), stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            _end(process)


def server_command(place: Place, host: str, port: int) -> list[str]:
    """`mlflow server` over a store's own database."""
    assert place.artifacts is not None
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", place.uri, "--default-artifact-root",
        place.artifacts, "--host", host, "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    if host in LOOPBACK:
        return command
    names = {host, socket.gethostname(), socket.getfqdn(), "localhost", "127.0.0.1"} - {"0.0.0.0", "::"}
    return [*command, "--allowed-hosts", ",".join(sorted({one for name in names for one in (name, f"{name}:{port}")}))]


def server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Without telemetry, and without jobs that nobody asked for; other settings of MLflow's are the user's."""
    own = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return {**own, **{name: value for name, value in environment.items() if name != VARIABLE}}


def _end(process: "subprocess.Popen[bytes]") -> None:
    for asked in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, asked)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    assert process.stdin is not None
    process.stdin.close()


def _await(process: "subprocess.Popen[bytes]", address: str, log: IO[bytes]) -> None:
    """Return once the server answers; raises CommandError if it ends, or does not answer in START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while not _answers(address):
        if process.poll() is not None or time.monotonic() > deadline:
            raise CommandError(f"MLflow's server does not start at {address}: {_last_lines(log)}")
        time.sleep(LOOK_SECONDS)


def _answers(address: str) -> bool:
    try:
        with DIRECT.open(f"{address}/health", timeout=ANSWER_SECONDS) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def _last_lines(log: IO[bytes]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    return "\n".join(lines[-LOG_LINES:]) or "it said nothing"


def has_browser(environment: Mapping[str, str]) -> bool:
    """Whether a browser that is opened here would be seen: not over SSH, nor where there is no display."""
    if "SSH_CONNECTION" in environment:
        return False
    return sys.platform == "darwin" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
