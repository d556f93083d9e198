"""Execution on a real Ray: workers killed idle and busy, trials that raise, two resource shapes, two launches."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from study.executor.cluster import ClusterError
from study.launch import LaunchOptions, launch_plan
from study.plan import Plan, Resources
from study.progress import Progress
from study.store import HeldError, Owner, Store
from study.store.logbook import newest_sitting, read_end
from study.store.submissions import Submission, announce, ask_not_to_begin
from tests.study.executor.noop import Greedy, Log, NoOp, Raising
from tests.study.executor.plans import plan, trial
from tests.study.executor.small_study import IMAGES, family, launch_small, work_through

pytestmark = pytest.mark.ray

TABLES = ("trials", "epochs", "evaluations", "predictions")


def results(store: Path) -> dict[str, pa.Table]:
    """The result tables, in the order of their keys."""
    opened = Store.open(store, create=False)
    return {name: opened.read(name) for name in TABLES}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    return results_here(family(8, 4), tmp_path_factory.mktemp("undisturbed"))


def results_here(of: Plan, store: Path) -> dict[str, pa.Table]:
    """Of every unit, one after another in this process."""
    work_through(of, store)
    return results(store)


def launch_in_process(
    store: Path, address: str, trials: int = 8, epochs: int = 4, workers: int = 2
) -> subprocess.Popen[bytes]:
    typed = (str(store), address, str(trials), str(epochs), "", "", str(workers))
    return subprocess.Popen([sys.executable, "-m", "tests.study.executor.small_study", *typed])


def workers() -> list[psutil.Process]:
    """The processes of warm workers."""
    return [
        process for process in psutil.process_iter(["cmdline"])
        if any("NoOp" in part or "Raising" in part for part in process.info["cmdline"] or ())
        and any(part.startswith("ray::") for part in process.info["cmdline"] or ())
    ]  # fmt: skip


def test_a_study_runs_once_and_the_second_launch_does_nothing(
    cluster: str, tmp_path: Path, undisturbed: dict[str, pa.Table]
) -> None:
    log = Log([])
    first = launch_small(family(8, 4), tmp_path, log, LaunchOptions(address=cluster))
    assert first.status == "complete"
    assert [event.change for event in log.events].count("done") == 8
    assert results(tmp_path) == undisturbed
    again = Log([])
    assert launch_small(family(8, 4), tmp_path, again, LaunchOptions(address="127.0.0.1:1")).status == "complete"
    assert again.events == []


def test_a_trial_that_raises_fails_alone(cluster: str, tmp_path: Path) -> None:
    parents = [trial(f"{i:02x}", label=f"L{i}") for i in range(1, 7)]
    children = [trial(f"1{i}", label="children", parent=f"{i:02x}") for i in range(1, 7)]
    log = Log([])
    result = launch_small(plan(*parents, *children), tmp_path, log, LaunchOptions(address=cluster), Raising)
    assert result.status == "incomplete"
    assert set(result.failures) == {"01", "03", "05"}
    assert all("no luck with replicate" in failure.error for failure in result.failures.values())
    blocked_by_parent = {"11", "13", "15"}
    assert set(result.blocked) == blocked_by_parent
    attempts = Store.open(tmp_path).read("attempts").to_pylist()
    assert {row["trial_id"] for row in attempts if row["status"] == "failed"} == {"01", "03", "05"}
    assert all("ArithmeticError" in row["traceback"] for row in attempts if row["status"] == "failed")

    alone = LaunchOptions(address=cluster, max_concurrent=1)
    again = launch_small(plan(*parents, *children), tmp_path, Log([]), alone, Raising)
    assert set(again.failures) == set(result.failures)
    mended = replace(alone, retry="failed")
    assert launch_small(plan(*parents, *children), tmp_path, Log([]), mended, NoOp).status == "complete"


def test_a_worker_killed_at_work_or_idle_costs_no_trial(
    cluster: str, tmp_path: Path, undisturbed: dict[str, pa.Table]
) -> None:
    luck = random.Random(20)
    killed = []

    class Killer(Log):
        def changed(self, progress: object) -> None:
            if luck.random() < 0.2 and len(killed) < 4 and (alive := workers()):
                victim = luck.choice(alive)
                killed.append(victim.pid)
                victim.kill()

    log = Killer([])
    result = launch_small(family(8, 4), tmp_path, log, LaunchOptions(address=cluster))
    assert killed
    assert result.status == "complete"
    assert results(tmp_path) == undisturbed


def test_the_attempt_of_a_killed_worker_is_recorded_as_lost(cluster: str, tmp_path: Path) -> None:
    killed: list[int] = []

    class Killer(Log):
        def changed(self, progress: Progress) -> None:
            if not killed and any(one.epoch > 5 for one in progress.running):
                killed.extend(process.pid for process in workers())
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)

    result = launch_small(family(1, 20), tmp_path, Killer([]), LaunchOptions(address=cluster, max_concurrent=1))
    assert result.status == "complete"
    lost = [row for row in Store.open(tmp_path).read("attempts").to_pylist() if row["status"] == "lost"]
    assert [(row["trial_id"], row["unit"], row["failure_class"]) for row in lost] == [("01", "train", "infrastructure")]
    assert lost[0]["error"]
    assert lost[0]["images"] >= 500
    assert lost[0]["attempt"].startswith("lost-0001-")


@pytest.mark.slow
def test_two_resource_shapes_both_end_and_keep_their_workers_warm(cluster: str, tmp_path: Path) -> None:
    small = [trial(f"{i:02x}", "small", resources=Resources(cpus=1)) for i in range(1, 11)]
    large = [trial(f"2{i}", "large", resources=Resources(cpus=2)) for i in range(10)]
    log = Log([])
    began: set[int] = set()

    class Watcher(Log):
        def changed(self, progress: object) -> None:
            began.update(process.pid for process in workers())

    log = Watcher([])
    result = launch_small(plan(*small, *large), tmp_path, log, LaunchOptions(address=cluster))
    assert result.status == "complete"
    assert len(began) <= 5, "two shapes on two CPUs need three workers, one or two more while they change over"


def test_a_worker_takes_no_more_memory_than_it_may(cluster: str, tmp_path: Path) -> None:
    """The trial that asks for more fails, after a second try; its worker stays, and so does all else on the node."""
    small = Resources(memory=2 * 2**30)
    of = plan(*(trial(f"{i:02x}", f"L{i}", resources=small) for i in range(1, 5)))
    result = launch_small(of, tmp_path, Log([]), LaunchOptions(address=cluster, max_concurrent=1), Greedy)
    assert set(result.failures) == {"01", "03"}
    for failure in result.failures.values():
        assert failure.failure == "out_of_memory"
        assert "it needs more than the 2 GiB of the host's memory that resources.memory lets a worker" in failure.error
    rows = Store.open(tmp_path).read("attempts").to_pylist()
    failed = [row for row in rows if row["status"] == "failed"]
    assert len(failed) == 4
    assert max(row["peak_memory"] for row in rows) < 2 * 2**30


def test_a_store_that_the_nodes_do_not_share_is_refused(cluster: str) -> None:
    """A store in memory is each process's own, as a folder on a node's own disk is each node's."""
    with pytest.raises(ClusterError, match=r"is not one folder on every node: .* cannot see what this machine writes"):
        launch_plan(family(2, 1), "", IMAGES, Store.open("memory://apart"), LaunchOptions(address=cluster), Log([]))


def test_ctrl_c_keeps_what_is_done(cluster: str, tmp_path: Path) -> None:
    of = family(3, 25)

    class Interrupter(Log):
        def changed(self, progress: object) -> None:
            self.count = getattr(self, "count", 0) + 1
            if self.count == 8:
                os.kill(os.getpid(), signal.SIGINT)

    stopped = launch_small(of, tmp_path, Interrupter([]), LaunchOptions(address=cluster))
    assert stopped.status == "stopped"
    store = Store.open(tmp_path)
    assert store.leases() == ()
    assert [role for _, role in store.list_checkpoints("01")] == ["last"]
    assert {row["status"] for row in store.read("attempts").to_pylist()} == {"stopped"}
    alone = LaunchOptions(address=cluster, max_concurrent=1)
    assert launch_small(of, tmp_path, Log([]), alone).status == "complete"
    assert results(tmp_path) == results_here(of, tmp_path.with_name("undisturbed"))


def test_a_launch_that_was_asked_to_stop_before_it_began_trains_nothing(
    cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path)
    owner, now = Owner.here("study launch --submit"), datetime.now(UTC)
    submission = Submission(study="small", job="study-small-1", address="http://head:8265", at=now, owner=owner)
    announce(store.objects, submission)
    ask_not_to_begin(store.objects, submission, "ana on laptop, with study stop")
    monkeypatch.setattr("study.launch.own_job", lambda: "study-small-1")
    log = Log([])
    result = launch_small(family(3, 2), tmp_path, log, LaunchOptions(address=cluster))
    assert (result.status, result.stopped_by) == ("stopped", "ana on laptop, with study stop")
    assert not {"started", "done"} & {event.change for event in log.events}
    assert store.objects.beneath("studies/small/submitted") == ()
    sitting = newest_sitting(store.objects, "small")
    assert sitting is not None
    assert sitting.job == "study-small-1"
    end = read_end(store.objects, sitting)
    assert end is not None
    assert end.message.endswith("by ana on laptop, with study stop")


def test_the_second_of_two_launches_is_told_who_runs_it(cluster: str, tmp_path: Path) -> None:
    first = launch_in_process(tmp_path, cluster, trials=1, epochs=30)
    deadline = time.monotonic() + 60
    while not Store.open(tmp_path).leases("study"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with pytest.raises(HeldError, match=str(first.pid)):
        launch_small(family(1, 30), tmp_path, Log([]), LaunchOptions(address=cluster))
    assert first.wait(timeout=120) == 0


@pytest.mark.slow
def test_two_studies_that_share_trials_train_them_once(cluster: str, tmp_path: Path) -> None:
    one, other = family(6, 10), replace(family(6, 10), study="other")
    results_of: dict[str, str] = {}

    def run(of: Plan) -> None:
        results_of[of.study] = launch_in_thread(of, tmp_path, cluster)

    first = subprocess.Popen(
        [sys.executable, "-m", "tests.study.executor.small_study", str(tmp_path), cluster, "6", "10"]
    )
    run(other)
    assert first.wait(timeout=120) == 0
    assert results_of["other"] == "complete"
    trained = [
        row["trial_id"] for row in Store.open(tmp_path).read("attempts").to_pylist()
        if row["unit"] == "train" and row["images"]
    ]  # fmt: skip
    assert sorted(trained) == sorted(trial.trial_id for trial in one.trials)


def launch_in_thread(of: Plan, store: Path, address: str) -> str:
    return launch_small(of, store, Log([]), LaunchOptions(address=address, max_concurrent=1)).status


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "slots"), [(3, 2), (20, 1)])
def test_a_launch_killed_at_random_moments_ends_as_an_undisturbed_one(
    cluster: str, tmp_path: Path, kills: int, slots: int
) -> None:
    """Every kill meets units at work, and leaves some to do."""
    luck = random.Random(kills)
    trials, epochs = 1, 30
    store = Store.open(tmp_path / "disturbed")
    for _ in range(kills):
        trials = max(trials, _trained(store) + 8)  # more than are trained until the kill, however fast the machine
        launched = launch_in_process(tmp_path / "disturbed", cluster, trials, epochs, slots)
        _wait_for_work(store, launched)
        time.sleep(luck.uniform(0, 1.2))
        assert launched.poll() is None, "there is work left"
        launched.kill()
        launched.wait()
        if luck.random() < 0.5 and (alive := workers()):
            luck.choice(alive).kill()
    assert launch_in_process(tmp_path / "disturbed", cluster, trials, epochs, slots).wait(timeout=120) == 0
    assert results(tmp_path / "disturbed") == results_here(family(trials, epochs), tmp_path / "undisturbed")


def _trained(store: Store) -> int:
    return len(store.read("trials"))


def _wait_for_work(store: Store, launched: subprocess.Popen[bytes]) -> None:
    """Until a worker of this launch holds a trial."""
    before = {held.name for held in store.leases("trial")}
    deadline = time.monotonic() + 60
    while not {held.name for held in store.leases("trial")} - before:
        assert launched.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_no_thread_is_left_behind() -> None:
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lease on ")]
