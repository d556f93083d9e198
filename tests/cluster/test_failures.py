"""What befalls clusters, for real: processes, nodes, links and disks. The study that suffered it is as one that
was left alone.

A head and two nodes; each node is a host of its own, in network and process namespaces.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psutil
import pytest

from study.chaos import mounts
from study.chaos.nodes import Cluster, Node, title
from study.chaos.verdict import CutShort, faults_of, left_running
from study.chaos.watching import Committed, UnitUnderWay, committed, is_superseded, under_way
from study.executor.cluster import AUTHENTICATION, set_environment
from study.executor.session import OpenSessions
from study.launch import LaunchOptions
from study.progress import Event, Progress
from study.store import Store
from tests.study.executor.noop import Log
from tests.study.executor.small_study import family, launch_small

pytestmark = pytest.mark.cluster

STUDY = family(8, 20)
"""Trials of a second."""
TTL = 6.0
"""Seconds: of a trial's lease, so that a test need not wait a minute for it."""
GRACE_SECONDS = 5.0
"""From when a fault is over until the last process that it killed has written its last byte."""

Killed = Collection[UnitUnderWay]
"""What workers held that are gone without having tidied after themselves: nobody else may leave anything."""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """This process's environment is set up to join it."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("hosts with a network of their own need root and iproute2")
    before = {name: os.environ.get(name) for name in AUTHENTICATION}
    cluster = Cluster(apart=True, folder=tmp_path_factory.mktemp("hosts") / "token")
    cluster.start()
    set_environment({**dict.fromkeys(AUTHENTICATION), **cluster.environment})
    try:
        yield cluster
    finally:
        set_environment(before)
        cluster.end()


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.launch.OpenSessions", partial(OpenSessions, ttl=TTL))


@pytest.fixture(scope="module")
def undisturbed(hosts: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Store:
    place = tmp_path_factory.mktemp("undisturbed")
    assert launch_small(STUDY, place, Log([]), LaunchOptions(address=hosts.address)).status == "complete"
    return Store.open(place)


class Striker(Log):
    """Acts once, in the middle of a training, when two trials are done."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__([])
        self.act = act
        self.struck = False
        self.at = 0.0
        """When; seconds since 1970."""

    def changed(self, progress: Progress) -> None:
        super().changed(progress)
        under_way = any(unit.phase == "train" and 3 < unit.epoch < 15 for unit in progress.running)
        if not self.struck and progress.trials_done >= 2 and under_way:
            self.struck, self.at = True, time.time()
            self.act()


@dataclass(frozen=True)
class AtWork:
    """A worker that trains."""

    node: Node
    process: psutil.Process
    unit: UnitUnderWay


@dataclass
class Scene:
    """Launches of the study that a fault strikes, and what must hold afterwards."""

    hosts: Cluster
    undisturbed: Store
    place: Path
    before: dict[str, Committed] = field(default_factory=dict)
    """What was committed when the fault struck."""

    def suffers(
        self, act: Callable[[], Killed], here: bool = False, seconds: float = 0.0, refuses_deletions: bool = False
    ) -> list[Event]:
        """What a launch tells that survives it; on the hosts, or with a Ray of its own `here`."""
        self.hosts.renew()
        killed: list[UnitUnderWay] = []

        def strike() -> None:
            self.before = committed(self.store)
            killed.extend(act())

        striker = Striker(strike)
        address = None if here else self.hosts.address
        result = launch_small(STUDY, self.place, striker, LaunchOptions(address=address))
        assert striker.struck
        assert result.status == "complete", result.failures
        self.holds(
            CutShort(
                until=striker.at + seconds + GRACE_SECONDS,
                files=bool(killed) or refuses_deletions,
                holds=lambda owner: owner in {one.owner for one in killed},
                wrote=lambda attempt: attempt in {(one.trial_id, one.generation) for one in killed},
            )
        )
        return striker.events

    @property
    def store(self) -> Store:
        return Store.open(self.place, create=False)

    def holds(self, cut_short: CutShort) -> None:
        def left() -> int:
            return len(workers(self.hosts))

        assert [
            *faults_of(self.store, self.undisturbed, STUDY, self.before, left, cut_short),
            *left_running(self.store, STUDY.study),
        ] == []

    def at_work(self) -> AtWork:
        training = [unit for unit in under_way(self.store) if not self.store.is_trained(unit.trial_id)]
        found = self.worker(training[0])
        assert found is not None
        return found

    def worker(self, unit: UnitUnderWay) -> AtWork | None:
        found = self.hosts.process_of(unit.owner)
        return None if found is None else AtWork(*found, unit)

    def workers_on(self, node: Node) -> Killed:
        """Those that hold a trial."""
        found = [self.worker(unit) for unit in under_way(self.store)]
        return [one.unit for one in found if one is not None and one.node is node]

    def rows(self) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = self.store.read("attempts").sort_by("started").to_pylist()
        return rows


@pytest.fixture
def scene(hosts: Cluster, undisturbed: Store, tmp_path: Path) -> Scene:
    return Scene(hosts, undisturbed, tmp_path / "disturbed")


def workers(hosts: Cluster) -> list[psutil.Process]:
    below = [*psutil.Process().children(recursive=True), *(process for node in hosts.nodes for process in node.below())]
    return [process for process in below if "NoOp" in title(process)]


def later(seconds: float, act: Callable[[], None]) -> None:
    threading.Timer(seconds, act).start()


def test_a_worker_is_killed(scene: Scene) -> None:
    def act() -> Killed:
        worker = scene.at_work()
        worker.process.kill()
        return [worker.unit]

    scene.suffers(act)
    assert [row["status"] for row in scene.rows()].count("lost") == 1


def test_a_raylet_is_killed(scene: Scene) -> None:
    def act() -> Killed:
        node = scene.at_work().node
        killed = scene.workers_on(node)
        for process in node.below():
            if process.name() == "raylet":
                process.kill()
        return killed

    scene.suffers(act)
    assert [row["status"] for row in scene.rows()].count("lost") == 1


def test_a_node_is_cut_off_for_a_moment(scene: Scene) -> None:
    def act() -> Killed:
        node = scene.at_work().node
        scene.hosts.cut(node, frozen=False)
        later(2.0, lambda: scene.hosts.heal(node))
        return []

    scene.suffers(act)
    assert {row["status"] for row in scene.rows()} == {"done"}, "nobody was taken for dead"


def test_a_partition_heals_when_another_has_the_trial(scene: Scene) -> None:
    """The node stands still until another takes its trial up; then both train it, and the first finds out by itself,
    before it is reached again."""
    both: list[bool] = []
    awake: list[bool] = []

    def act() -> Killed:
        worker = scene.at_work()
        scene.hosts.cut(worker.node, frozen=True)

        def wake() -> None:
            while not is_superseded(scene.store, worker.unit):
                time.sleep(0.02)
            worker.node.send(signal.SIGCONT)
            both.append(not scene.store.is_trained(worker.unit.trial_id))
            time.sleep(1.0)
            awake.append(worker.process.is_running() and worker.process.status() != psutil.STATUS_ZOMBIE)
            later(5.0, lambda: scene.hosts.heal(worker.node))

        later(TTL, wake)
        return [worker.unit]  # by its raylet, which hears that it counts as dead

    scene.suffers(act)
    assert both == [True], "two had the same trial"
    assert awake == [True], "the first holder was at work again"
    lost = [row for row in scene.rows() if row["status"] == "lost"]
    assert len(lost) == 1
    finished = [row for row in scene.rows() if (row["unit"], row["trial_id"]) == ("train", lost[0]["trial_id"])]
    assert [row["status"] for row in finished].count("done") == 1


def test_storage_refuses_writes_for_a_while(scene: Scene) -> None:
    parts = [scene.place / part for part in ("trials", "results", "leases")]
    for part in parts:
        part.mkdir(parents=True)

    def set_writable(writable: bool) -> None:
        for part in parts:
            mounts.set_writable(part, writable)

    def act() -> Killed:
        set_writable(False)
        later(4.0, lambda: set_writable(True))
        return []

    with mounts.over_itself(parts[0]), mounts.over_itself(parts[1]), mounts.over_itself(parts[2]):
        told = retries(scene.suffers(act, here=True, seconds=4.0, refuses_deletions=True))
    assert told
    assert all("infrastructure: OSError: [Errno 30] Read-only file system" in one for one in told)


def test_the_disk_is_full_at_a_checkpoint(scene: Scene) -> None:
    def act() -> Killed:
        mounts.fill(scene.place)
        later(4.0, lambda: mounts.free(scene.place))
        return []

    with mounts.small(scene.place, 64 * 2**20):
        told = retries(scene.suffers(act, here=True, seconds=4.0))
    assert told
    assert all("infrastructure: OSError: [Errno 28] No space left on device" in one for one in told)


def retries(events: list[Event]) -> list[str]:
    """Why units were issued again."""
    return [event.message for event in events if event.change == "retrying"]


def test_a_node_is_preempted_with_notice(scene: Scene) -> None:
    def act() -> Killed:
        starter = next(one for one in scene.at_work().node.below() if "ray.scripts" in " ".join(one.cmdline()[:4]))
        starter.send_signal(signal.SIGTERM)
        return []

    scene.suffers(act)
    rows = scene.rows()
    preempted = [row for row in rows if row["failure_class"] == "preempted"]
    assert [(row["unit"], row["status"]) for row in preempted] == [("train", "failed")]
    own = [row for row in rows if (row["unit"], row["trial_id"]) == ("train", preempted[0]["trial_id"])]
    assert preempted[0]["images"]
    assert sum(row["images"] for row in own) <= 2000, "no epoch is trained twice"
    assert not [row for row in rows if row["status"] == "lost"]


def launched(scene: Scene) -> "subprocess.Popen[str]":
    """A launch of its own process, in the middle of a training, two trials done."""
    scene.hosts.renew()
    command = [
        sys.executable,
        "-m",
        "tests.study.executor.small_study",
        str(scene.place),
        scene.hosts.address,
        "8",
        "20",
    ]
    launch = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 90
    trained, begun = "results/trials/*.parquet", "trials/*/*/last.ckpt"
    while len(list(scene.place.glob(trained))) < 2 or not list(scene.place.glob(begun)):
        assert launch.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    scene.before = committed(scene.store)
    return launch


def goes_on(scene: Scene) -> None:
    """All that the launch before this one had at work was killed with it, or left where it could tell nobody."""
    nobody_else = CutShort(until=time.time(), files=True, holds=lambda _: True, wrote=lambda _: True)
    again = launch_small(STUDY, scene.place, Log([]), LaunchOptions(address=scene.hosts.address))
    assert again.status == "complete"
    scene.holds(nobody_else)


def test_the_launch_is_killed(scene: Scene) -> None:
    launch = launched(scene)
    launch.kill()
    launch.communicate()
    goes_on(scene)


def test_the_head_is_killed_and_started_again(scene: Scene) -> None:
    launch = launched(scene)
    assert scene.hosts.head is not None
    scene.hosts.head.kill()
    _, told = launch.communicate(timeout=100)
    assert launch.returncode == 1
    assert (
        f"Ray's head at {scene.hosts.address} has not answered for 30 seconds. What was saved is in the store" in told
    )
    scene.hosts.restart()
    goes_on(scene)


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*right)(clockid_t, struct timespec *);
    Dl_info caller;
    if (!right) right = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = right(clock, now);
    if (failed || clock != CLOCK_REALTIME || !dladdr(__builtin_return_address(0), &caller)) return failed;
    const char *name = strrchr(caller.dli_fname, '/');
    name = name ? name + 1 : caller.dli_fname;
    if (!strncmp(name, "python", 6) || !strncmp(name, "libpython", 9))
        now->tv_sec += atol(getenv("CLOCK_AHEAD_SECONDS"));
    return 0;
}
"""
"""What Python takes for the time. Of Ray's own processes, which wait for moments of the kernel's clock, it is right."""


@contextmanager
def clocks(hosts: Cluster, folder: Path, hours: Sequence[int]) -> Iterator[None]:
    """The nodes are started again, their clocks so many hours ahead, and with right ones when they are next needed."""
    if (compiler := shutil.which("cc")) is None:
        pytest.skip("another clock for some processes needs a C compiler")
    (folder / "clock.c").write_text(CLOCK)
    library = folder / "clock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "clock.c", "-ldl"], check=True)
    before = [node.environment for node in hosts.nodes]
    for node, ahead in zip(hosts.nodes, hours, strict=True):
        node.kill()
        node.environment = {
            **node.environment, "LD_PRELOAD": str(library), "CLOCK_AHEAD_SECONDS": str(3600 * ahead),
        }  # fmt: skip
    try:
        yield
    finally:
        for node, environment in zip(hosts.nodes, before, strict=True):
            node.kill()
            node.environment = environment


def test_the_clocks_of_nodes_are_hours_apart(scene: Scene, tmp_path: Path) -> None:
    """A node that dies leaves leases of another hour, which count by their signs of life and not by the clock."""

    def act() -> Killed:
        node = scene.at_work().node
        killed = scene.workers_on(node)
        node.kill()
        return killed

    with clocks(scene.hosts, tmp_path, (3, -3)):
        scene.suffers(act)
    done = [row["started"] for row in scene.rows() if row["status"] == "done"]
    assert {round((started - datetime.now(UTC)).total_seconds() / 3600) for started in done} == {3, -3}
