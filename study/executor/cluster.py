"""Ray, started here or joined elsewhere: authentication, shipped code, slots, and whether its nodes share the store."""

import contextlib
import json
import logging
import os
import re
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Never, TypeVar

import psutil
import ray
import torch
from ray._private import parameter as ray_parameter
from ray._private import services as ray_services
from ray._private import worker as ray_worker
from ray._private.ray_constants import DEBUG_AUTOSCALING_STATUS
from ray._raylet import (  # type: ignore[attr-defined]
    AuthenticationMode,
    AuthenticationTokenLoader,
    Config,
    GcsClient,
    get_authentication_mode,
)
from ray.autoscaler.v2.sdk import get_cluster_status
from ray.autoscaler.v2.utils import is_autoscaler_v2
from ray.exceptions import (
    AuthenticationError,
    GetTimeoutError,
    NodeDiedError,
    RayError,
    RayTaskError,
    RpcError,
    RuntimeEnvSetupError,
    TaskUnschedulableError,
    WorkerCrashedError,
)
from ray.experimental import internal_kv
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.executor.libraries import to_install
from study.executor.nodes import Nodes
from study.executor.scratch import scratch
from study.fitting import here
from study.fitting import told as told_of
from study.plan import NOT_CUSTOM, Resources
from study.store import Store
from study.store.errors import StorageError

OBJECT_STORE = 256 * 2**20
"""Bytes of shared memory for a local Ray: units and reports are small, images never go through it."""


LOOK_SECONDS = 5.0
"""How old the picture of the cluster's nodes may be."""

HEAD_SECONDS = 30.0
"""How long the head may be gone: Ray gives it up after 60."""
OWN_LOOK_SECONDS = 1.0
OWN_RAY_GONE = (
    "Ray's processes on this machine were ended from outside, as by a SIGTERM to every process of a service. What was "
    "saved is in the store: the same command goes on from there."
)
AUTOSCALER_SECONDS = 120.0
"""For how long a cluster that was joined is asked whether it has an autoscaler."""
REACH_SECONDS = 10.0
"""How long a cluster's head may take to accept a connection."""
COMING_SECONDS = 1800.0
"""How long a cluster may take to add a node, and to run on it what is run once."""
WORKERS = "--python_worker_command="
"""How a raylet is told what runs its workers."""
LACKING = re.compile(r"No module named '([\w.]+)'")
JOB_CONFIG = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Where Ray tells a job's process what it was submitted with."""
HAVE_TOKEN = "have the cluster's token in ~/.ray/auth_token or in the file that RAY_AUTH_TOKEN_PATH names"
OPEN_TO_ALL = (
    "this cluster asks nobody for a token: whoever reaches its ports runs code as you. Start its nodes with "
    "RAY_AUTH_MODE=token (README, On a cluster)"
)
OPEN_TO_ONE_WITH_TOKEN = (
    f"{OPEN_TO_ALL}. To use it as it is, launch with RAY_AUTH_MODE=disabled: here a token is asked for, so that its "
    "workers could not answer"
)
AUTHENTICATION = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


EXCLUDES = ["**/__pycache__"]
"""What of the packages is not shipped."""
ROTATION = {"RAY_ROTATION_MAX_BYTES": str(8 * 2**20), "RAY_ROTATION_BACKUP_COUNT": "2"}
"""How long a log file of a local Ray, or what a worker prints, may get, and how many older ones are kept of each. Where
nothing is said, Ray lets what workers print grow without end."""


T = TypeVar("T")


class ClusterError(ValueError):
    """A cluster that cannot run the study; says why and what to do."""


class TokenError(ClusterError):
    """The cluster and this process do not have the same token, or only one of them asks for one."""


class LiveNodes:
    """The cluster as it is: nodes come and go while a study runs."""

    def __init__(self, local: bool) -> None:
        self.local = local
        self.cluster = None if local else str(ray.get_runtime_context().gcs_address)
        """`host:port` of the head; None of a Ray of our own."""
        self._joined = time.monotonic()
        self._grows = False
        self._known = self._look()
        self._looked = time.monotonic()

    def now(self) -> Nodes:
        """What the cluster offers, at most LOOK_SECONDS ago; once disconnected, what it offered last."""
        if time.monotonic() - self._looked > LOOK_SECONDS and ray.is_initialized():
            self._known, self._looked = self._look(), time.monotonic()
        return self._known

    def _look(self) -> Nodes:
        leaving = ray._private.state.state.get_draining_nodes()
        return Nodes(
            resources=tuple(_offer(node) for node in _alive() if node["NodeID"] not in leaving),
            local=self.local,
            grows=self._has_autoscaler(),
        )

    def _has_autoscaler(self) -> bool:
        """One that starts with the cluster tells of itself some seconds later; none comes or goes after that."""
        if self.cluster is not None and not self._grows and time.monotonic() - self._joined < AUTOSCALER_SECONDS:
            self._grows = _autoscaled(self.cluster)
        return self._grows


def _autoscaled(cluster: str) -> bool:
    """Whether an autoscaler looks after the cluster, rather than only watching it: it calls nodes by the kinds of its
    configuration, where Ray's own watch calls each by its id."""
    named = {f"node_{node['NodeID']}" for node in ray.nodes()}  # type: ignore[no-untyped-call]
    return bool(_node_types(cluster) - named)


def _node_types(cluster: str) -> set[str]:
    """What the cluster's monitor calls the kinds of its nodes; none where it has not said yet."""
    if is_autoscaler_v2():
        status = get_cluster_status(cluster)
        return {node.ray_node_type_name for node in (*status.active_nodes, *status.idle_nodes)}
    told = internal_kv._internal_kv_get(DEBUG_AUTOSCALING_STATUS)
    report = (json.loads(told).get("autoscaler_report") or {}) if told else {}
    return {*report.get("active_nodes", ()), *(report.get("idle_nodes") or ())}


def _offer(node: Mapping[str, Any]) -> Resources:
    """What a node offers to trials, as Ray tells of it."""
    there: dict[str, float] = node["Resources"]
    custom = {name: amount for name, amount in there.items() if name not in NOT_CUSTOM and not name.startswith("node:")}
    return Resources(
        cpus=there.get("CPU", 0.0),
        gpus=there.get("GPU", 0.0),
        memory=int(there.get("memory", 0)),
        custom=tuple(sorted(custom.items())),
        labels=tuple((name, (value,)) for name, value in sorted(node.get("Labels", {}).items())),
    )


def offered(address: str | None) -> Nodes:
    """What a launch would have, with nothing started or shipped; raises ClusterError where no Ray answers."""
    if address is None:
        return Nodes(resources=(here(),), local=True)
    _check_spelled(address)
    with own_handler():
        join(address, {"address": address})
        try:
            return LiveNodes(local=False).now()
        finally:
            ray.shutdown()


@contextlib.contextmanager
def own_handler() -> Iterator[None]:
    """SIGTERM is handled afterwards as before: Ray does it in its own way, and when it is shut down, leaves no handler
    but the kernel's, behind Python's back."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():  # None: not from Python
            signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def connected(address: str | None, store: Store, install: bool = False) -> Iterator[LiveNodes]:
    """Ray for the time of a launch: an own one on this machine, or the cluster at `address` (`auto`, `host:port`).

    The packages that run are snapshotted here and shipped, so that workers run the code that was launched; `install`:
    so are the names and versions of libraries, and each node installs them. Raises ClusterError.
    """
    _check_spelled(address)
    with contextlib.ExitStack() as own:
        if address is None:
            own.enter_context(_authenticated())
            own.enter_context(_bounded_logs())
        with _groups_of_their_own(), _few_processes():
            _start(address, install)
        own.callback(ray.shutdown)
        if address is not None:
            check_common_storage(store)
        own.enter_context(_head_watched(ray.get_runtime_context().gcs_address, address is None))
        yield LiveNodes(local=address is None)


@contextlib.contextmanager
def _head_watched(address: str, local: bool) -> Iterator[None]:
    """While this lasts, a head that is gone for HEAD_SECONDS ends this process with a word on it.

    Ray would end it as well, later and with a line of its log: nothing that waits for Ray can be brought back. A Ray
    of our own is gone as soon as nobody listens any more: none but this process would start it again.
    """
    over = threading.Event()
    watch = threading.Thread(target=_watch_head, args=(address, local, over), name="Ray's head", daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch_head(address: str, local: bool, over: threading.Event) -> None:
    host, _, port = address.rpartition(":")
    seen = time.monotonic()
    while not over.wait(OWN_LOOK_SECONDS if local else LOOK_SECONDS):
        try:
            socket.create_connection((host, int(port)), timeout=LOOK_SECONDS).close()
            seen = time.monotonic()
        except ConnectionRefusedError:
            if local:
                _leave(OWN_RAY_GONE)
        except OSError:
            pass
        if time.monotonic() - seen > HEAD_SECONDS:
            _leave(
                f"Ray's head at {address} has not answered for {HEAD_SECONDS:g} seconds. What was saved is in the "
                "store: start the head again, and the same command goes on from there."
            )


def _leave(why: str) -> Never:
    """End this process at once: its threads wait for a Ray that is gone."""
    sys.stderr.write(f"\n{why}\n")
    sys.stderr.flush()
    os._exit(1)


def gpu_name(node: Resources) -> str:
    """What kind of GPU a node has: by Ray's label, or, of this machine, by its driver."""
    labelled = dict(node.labels).get("ray.io/accelerator-type")
    return labelled[0] if labelled else torch.cuda.get_device_name(0) if torch.cuda.is_available() else "GPU"


def run_once(
    address: str, store: Store, need: Resources, function: Callable[..., T], *given: object, node: str | None = None,
    install: bool = False,
) -> T:  # fmt: skip
    """What `function` returns on a node that has what `need` says, on `node` if one is named by its id; raises
    ClusterError, also where there is no such node for COMING_SECONDS, and what `function` raises."""
    with own_handler(), connected(address, store, install):
        task = ray.remote(num_cpus=need.cpus, num_gpus=need.gpus, resources=dict(need.custom), max_retries=0)(_called)
        there = None if node is None else NodeAffinitySchedulingStrategy(node, soft=False)
        further = {"memory": need.memory, "label_selector": label_selector(need), "scheduling_strategy": there}
        asked = task.options(**{name: value for name, value in further.items() if value}).remote(function, *given)
        try:
            answer: T = ray.get(asked, timeout=COMING_SECONDS)
        except RayTaskError as error:
            raise error.cause from None
        except GetTimeoutError:
            ray.cancel(asked, force=True)
            minutes = COMING_SECONDS / 60
            raise ClusterError(f"no node that has {told_of(need)} free has come within {minutes:g} minutes") from None
        except RayError as error:
            raise ClusterError(f"the node that was to measure a GPU is gone ({error}); launch again") from None
        return answer


def _called(function: Callable[..., T], *given: object) -> T:
    return function(*given)


def label_selector(need: Resources) -> dict[str, str]:
    """Labels as Ray is asked for them."""
    return {name: values[0] if len(values) == 1 else f"in({','.join(values)})" for name, values in need.labels}


def _check_spelled(address: str | None) -> None:
    if address is not None and address.startswith("ray://"):
        raise ClusterError(
            f"--address {address}: a ray:// connection would move the driver's state to the head; "
            "give host:port from a machine of the cluster, or `auto` on one of its nodes"
        )
    if address is not None and "://" in address:
        raise ClusterError(
            f"--address {address}: that is the address of a page; --submit takes that of Ray's dashboard, --address "
            "Ray's own, as in head:6379, or `auto` on a node of the cluster"
        )
    host, _, port = (address or "").rpartition(":")
    if address not in (None, "auto") and not (host and port.isdecimal()):
        raise ClusterError(
            f"--address {address}: an address is HOST:PORT, as in head:6379, or `auto` on a node of the cluster"
        )


def own_job(environment: Mapping[str, str] = os.environ) -> str | None:
    """The Ray job that this process was submitted as; None if it was not."""
    job = _submitted(environment).get("metadata", {}).get("job_submission_id")
    return None if job is None else str(job)


def _came_with_code(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is a Ray job that packages were shipped with: workers get the same ones."""
    return bool((_submitted(environment).get("runtime_env") or {}).get("py_modules"))


def _submitted(environment: Mapping[str, str]) -> dict[str, Any]:
    """What Ray tells a job's process of how it was submitted; empty for any other process."""
    given: dict[str, Any] = json.loads(environment.get(JOB_CONFIG, "{}"))
    return given


def wait_for_nodes(address: str, nodes: int, seconds: float) -> Nodes:
    """What the cluster at `address` offers once `nodes` have joined; raises ClusterError if they have not in `seconds`.

    The cluster's head may still be starting.
    """
    _check_spelled(address)
    deadline = time.monotonic() + seconds
    with own_handler():
        _join_until(deadline, address)
        try:
            return _until_joined(deadline, address, nodes, seconds)
        finally:
            ray.shutdown()


def _until_joined(deadline: float, address: str, nodes: int, seconds: float) -> Nodes:
    while True:
        found = LiveNodes(local=False).now()
        if len(found.resources) >= nodes:
            return found
        if time.monotonic() > deadline:
            raise ClusterError(
                f"{found.offered()} joined the cluster at {address} within {seconds / 60:g} minutes, {nodes} were "
                "to; see the others' logs, or wait longer with --minutes"
            )
        time.sleep(1.0)


def _join_until(deadline: float, address: str) -> None:
    """Be of the cluster, with no code to ship; raises ClusterError if it cannot be reached until `deadline`, or its
    token is another."""
    while True:
        try:
            return join(address, {"address": address})
        except TokenError:
            raise
        except ClusterError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1.0)


def _start(address: str | None, install: bool) -> None:
    ray_worker._worker_logs_enabled = False  # Ray would print workers' deaths among the lines of the launch
    options: dict[str, Any] = {"address": address}
    if address is None:
        machine = here()
        options = {
            "address": "local",
            "num_cpus": machine.cpus,
            "_memory": machine.memory,  # Ray would offer what happens to be free
            "object_store_memory": OBJECT_STORE,
            "include_dashboard": False,
            "_system_config": {
                "prestart_worker_first_driver": False
            },  # they could not take up the code that is shipped
        }
    if not _came_with_code():
        installed = to_install() if install else {}
        options["runtime_env"] = {"py_modules": shipped_code(), "excludes": EXCLUDES, **installed}
    join(address, options)


def join(address: str | None, options: Mapping[str, Any]) -> None:
    """Ray as `options` say; raises ClusterError where there is none at `address`."""
    try:
        if address is not None and (head := ray_services.canonicalize_bootstrap_address(address)):
            _check_reachable(head if address == "auto" else address, address)
            _check_token(head)
            options = {**options, "address": head}  # `auto` may find another where there are several
        ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
    except ClusterError:
        raise
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ClusterError(f"no Ray at {address or 'this machine'}: {error}") from error


def _check_token(head: str) -> None:
    """Raises TokenError unless the head at `host:port` and this process are of one mind about tokens.

    Ray itself joins a cluster that asks nobody for one, whatever is set here. But a process that asks for one refuses
    what the head tells it, and the head takes it for dead: each of its actors is ended before it begins.
    """
    place = _token_place() if is_authenticated() else None
    if place is not None and not _has_token():
        raise TokenError(f"RAY_AUTH_MODE is token, but there is no token in {place}: {HAVE_TOKEN}")
    try:
        _greet(head)
    except AuthenticationError:
        shown = f"the one in {place} is another" if place else "it is shown none: export RAY_AUTH_MODE=token"
        raise TokenError(f"{head}: this cluster asks for its token, and {shown}; {HAVE_TOKEN}") from None
    if place is not None and _asks_nobody(head):
        raise TokenError(f"{head}: {OPEN_TO_ONE_WITH_TOKEN}")


def _has_token() -> bool:
    """Whether one can be read; without, Ray would end this process when it asks anything."""
    try:
        return bool(AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True))
    except AuthenticationError:  # a file that is named, and is not there
        return False


def _token_place() -> str:
    """Where Ray reads this process's token from, in the order in which it looks."""
    return (
        "RAY_AUTH_TOKEN"
        if os.environ.get("RAY_AUTH_TOKEN")
        else (os.environ.get("RAY_AUTH_TOKEN_PATH") or "~/.ray/auth_token")
    )


def _asks_nobody(head: str) -> bool:
    """Whether a stranger, without a token, is answered."""
    before = {name: os.environ.get(name) for name in AUTHENTICATION}
    set_environment({"RAY_AUTH_MODE": "disabled"})
    try:
        _greet(head)
    except AuthenticationError:
        return False
    finally:
        set_environment(before)
    return True


def _greet(head: str) -> None:
    """Ask the head for a sign of life, as a process of its cluster would; raises AuthenticationError and ClusterError.

    What Ray writes on it, past Python's streams, goes nowhere.
    """
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        GcsClient(address=head).check_alive([], timeout=REACH_SECONDS)
    except RpcError as error:
        raise ClusterError(f"no Ray at {head}: {error}") from None
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def is_authenticated() -> bool:
    """Whether this process shows a token to the Ray that it is of."""
    return get_authentication_mode() == AuthenticationMode.TOKEN  # type: ignore[no-any-return]


def _check_reachable(head: str, address: str) -> None:
    """Raises ClusterError unless something listens at the head of what was typed: Ray itself goes on trying for
    minutes."""
    host, _, port = head.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:  # a name that cannot be one, a port above 65535
        where = "there" if head == address else f"at {head}"
        raise ClusterError(
            f"--address {address}: no Ray answers {where} ({error}); give the host:port that `ray start --head` "
            "printed, or `auto` on a node of the cluster"
        ) from None


def shipped_code(everything: bool = False) -> list[str]:
    """The folders of the packages that workers need, or of all, which a launch needs."""
    import study
    import trainables

    workers = [str(Path(package.__path__[0]).resolve()) for package in (study, trainables)]
    others = [str(Path(one.origin).parent.resolve()) for name in ("search_spaces", "dashboards")
              if everything and (one := find_spec(name)) is not None and one.origin]  # fmt: skip
    return workers + others


@contextlib.contextmanager
def _authenticated() -> Iterator[None]:
    """Token authentication for a Ray of our own, whose ports cannot be held to loopback.

    The token lies in a folder of this launch alone: not in the store, which several users may share, and never in the
    user's home, where it would switch authentication on for other clusters.
    """
    before = {name: os.environ.get(name) for name in AUTHENTICATION}
    with scratch("token") as private:
        token = private / "ray-token"
        _write_token(token)
        set_environment({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": None, "RAY_AUTH_TOKEN_PATH": str(token)})
        try:
            yield
        finally:
            set_environment(before)


@contextlib.contextmanager
def _groups_of_their_own() -> Iterator[None]:
    """Ray's processes are each started in a process group of their own.

    A SIGTERM to this process's whole group, as schedulers send it, would else end them before workers have finished
    their slices. The kernel still kills them when this process dies, whatever it dies of: Ray asks it to.
    """
    services: Any = ray_services
    popen = services.ConsolePopen
    services.ConsolePopen = partial(popen, process_group=0)
    try:
        yield
    finally:
        services.ConsolePopen = popen


@contextlib.contextmanager
def _few_processes() -> Iterator[None]:
    """A Ray of our own goes without its autoscaler, which nothing feeds, and the reader of its logs, which nobody asks:
    two processes that would take a tenth of what a launch takes to start."""
    parameters: Any = ray_parameter
    every = parameters.RayParams
    parameters.RayParams = partial(every, no_monitor=True, include_log_monitor=False)
    try:
        yield
    finally:
        parameters.RayParams = every


@contextlib.contextmanager
def _bounded_logs() -> Iterator[None]:
    """Ray's log files are rotated, as ROTATION says where the environment does not."""
    unsaid = {name: value for name, value in ROTATION.items() if name not in os.environ}
    set_environment(unsaid)
    try:
        yield
    finally:
        set_environment(dict.fromkeys(unsaid))


def _write_token(path: Path) -> None:
    with open(path, "x", opener=_owner_only) as file:
        file.write(secrets.token_hex(32))


def set_environment(values: Mapping[str, str | None]) -> None:
    """Set or unset variables, and make Ray, which read them when it was imported, read them again."""
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _alive() -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def check_common_storage(store: Store) -> None:
    """Raises ClusterError unless every node has the libraries, and reads what this one writes into the store, and the
    other way round."""
    others = _others(store)
    if not others:
        return
    folder = f"markers/{secrets.token_hex(8)}"
    store.objects.put(f"{folder}/driver", b"here")
    meet = ray.remote(num_cpus=0)(_meet)
    answers = {
        node: meet.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(
            store, folder, node
        )
        for node in others
    }
    try:
        apart = [host for node, host in others.items() if not _met(answers[node], store, f"{folder}/{node}", host)]
    finally:
        for name in store.objects.children(folder):
            store.objects.delete(f"{folder}/{name}")
    if apart:
        raise ClusterError(
            f"{store.location} is not one folder on every node: {', '.join(apart)} cannot see what this machine writes "
            "there; give --store a shared folder or a bucket (s3://…)"
        )


def _others(store: Store) -> dict[str, str]:
    """Node id → host, of those that may see another store than this process, or lack its libraries.

    Workers on its own node see the same folders; a bucket's credentials may be this process's alone.
    """
    own = ray.get_runtime_context().get_node_id()
    alike = store.root is not None and _python_of(own) == sys.executable
    return {node["NodeID"]: node["NodeManagerHostname"] for node in _alive() if not (alike and node["NodeID"] == own)}


def _python_of(node: str) -> str | None:
    """What runs the workers of a node on this machine; None where its raylet cannot be looked at."""
    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or []
        if process.info["name"] == "raylet" and f"--node_id={node}" in words:
            commands = (word.removeprefix(WORKERS) for word in words if word.startswith(WORKERS))
            return next((command.partition(" ")[0] for command in commands), None)
    return None


def _met(answer: ray.ObjectRef[bool], store: Store, marker: str, host: str) -> bool:
    """Whether the two see what each other writes; True of a node that has gone away in this moment. Raises ClusterError
    where the node can do nothing there."""
    try:
        return ray.get(answer) and store.objects.exists(marker)
    except (TaskUnschedulableError, WorkerCrashedError, NodeDiedError):
        return True
    except RuntimeEnvSetupError as error:
        raise ClusterError(f"{host} could not install what --install asks it to: {error}") from error
    except RayTaskError as error:
        if lacking := LACKING.search(str(error.cause)):
            raise ClusterError(
                f"{host} has no {lacking[1]}: launch with --install, which has Ray install there the libraries that "
                "this machine has, or install on every node what `pip install -c constraints.txt .` brings"
            ) from error
        if isinstance(error.cause, StorageError):  # ill, as far as this node can tell: that may pass
            raise StorageError(f"{host}: {error.cause}") from error
        raise ClusterError(
            f"{host} cannot use {store.location}: {error.cause}. Keys in this machine's environment (AWS_ACCESS_KEY_ID "
            "and so on) travel with the launch; files such as ~/.aws, and rights to a folder, every node needs itself"
        ) from error


def _meet(store: Store, folder: str, node: str) -> bool:
    objects = store.objects.unproven()
    objects.put(f"{folder}/{node}", b"here")
    return objects.exists(f"{folder}/driver")
