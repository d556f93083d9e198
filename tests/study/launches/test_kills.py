"""Killed in the middle of training networks with dropout and momentum, and launched again: as if undisturbed."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from study.launch import LaunchOptions, launch
from study.progress import Progress
from study.store import Store
from tests.study.executor.noop import Log
from tests.study.launches.tiny import LONG, TRAIN_IMAGES, attempts, planned, results, spec

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = 3


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    store = tmp_path_factory.mktemp("undisturbed")
    with process(store) as launched:
        assert launched.wait(timeout=120) == 0
    assert resumed(store) == {}
    return results(store)


@contextmanager
def process(store: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`study launch` with a Ray of its own, ended with all its processes if it is still there."""
    (store / "long.yaml").write_text(LONG)
    command = [sys.executable, "-m", "study.cli", "launch", "long.yaml", "--store", str(store)]
    launched = subprocess.Popen(command, cwd=store, stdout=subprocess.DEVNULL)
    try:
        yield launched
    finally:
        kill_family(launched)


def kill_family(launched: "subprocess.Popen[bytes]") -> None:
    """SIGKILL for the launch and for every process of its Ray, by their ids."""
    if launched.poll() is not None:
        return
    parent = psutil.Process(launched.pid)
    family = [parent, *parent.children(recursive=True)]
    for one in family:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    launched.wait(timeout=20)
    psutil.wait_procs(family, timeout=20)


def unfinished(store: Path) -> set[Path]:
    """The checkpoints of trainings that have begun and are not committed."""
    return set(store.glob("trials/*/*/last.ckpt"))


def wait_for_training(launched: "subprocess.Popen[bytes]", store: Path, besides: set[Path]) -> None:
    """Until a training has saved itself under an attempt of this launch."""
    deadline = time.monotonic() + 90
    while not unfinished(store) - besides:
        assert launched.poll() is None, "the launch ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)


@cache
def whole() -> dict[str, int]:
    """Trial id → images that its whole training works on."""
    return {trial.trial_id: trial.recipe.epochs * TRAIN_IMAGES for trial in planned(LONG).trials}


def finishers(store: Path) -> dict[str, dict[str, Any]]:
    """Trial id → the attempt that finished its training."""
    done = [row for row in attempts(store).values() if (row["unit"], row["status"]) == ("train", "done")]
    assert sorted(row["trial_id"] for row in done) == sorted(whole()), "each training is finished once"
    return {row["trial_id"]: row for row in done}


def resumed(store: Path) -> dict[str, int]:
    """Trial id → generation of the attempt that finished it, where that did not train the whole of it."""
    found = finishers(store)
    assert all(0 < row["images"] <= whole()[trial_id] for trial_id, row in found.items())
    return {
        trial_id: int(row["attempt"].split("-")[0])
        for trial_id, row in found.items()
        if row["images"] < whole()[trial_id]
    }


def test_a_launch_killed_in_mid_epoch_goes_on_as_if_undisturbed(
    tmp_path: Path, undisturbed: dict[str, pa.Table]
) -> None:
    luck = random.Random(4)
    for _ in range(KILLS):
        before = unfinished(tmp_path)
        with process(tmp_path) as launched:
            wait_for_training(launched, tmp_path, besides=before)
            time.sleep(luck.uniform(0.0, 1.0))
            wait_for_training(launched, tmp_path, besides=before)
            kill_family(launched)
        assert unfinished(tmp_path), "killed in the middle of a training"
    with process(tmp_path) as launched:
        assert launched.wait(timeout=120) == 0
    assert results(tmp_path) == undisturbed
    assert not unfinished(tmp_path)
    assert max(resumed(tmp_path).values()) > 1


@dataclass
class Killer(Log):
    """Kills one worker in the middle of a training that has saved itself, whose lease names its process."""

    store: Store = field(kw_only=True)
    killed: list[int] = field(default_factory=list)

    def changed(self, progress: Progress) -> None:
        if self.killed:
            return
        training = [unit.trial.trial_id for unit in progress.running if unit.phase == "train"]
        saved = [trial_id for trial_id in training if self._has_saved(trial_id)]
        held = {lease.name: lease.owner.pid for lease in self.store.leases("trial")}
        for pid in [held[f"trial/{trial_id}"] for trial_id in saved if f"trial/{trial_id}" in held][:1]:
            psutil.Process(pid).kill()
            self.killed.append(pid)

    def _has_saved(self, trial_id: str) -> bool:
        return any(role == "last" for _, role in self.store.list_checkpoints(trial_id))


def test_a_worker_killed_in_mid_epoch_costs_its_last_epoch_only(
    cluster: str, tmp_path: Path, undisturbed: dict[str, pa.Table]
) -> None:
    store = Store.open(tmp_path)
    killer = Killer([], store=store)
    result = launch(spec(LONG), store, LaunchOptions(address=cluster), killer)
    assert len(killer.killed) == 1
    assert result.status == "complete"
    assert [event.change for event in killer.events].count("retrying") == 1
    assert results(tmp_path) == undisturbed
    assert list(resumed(tmp_path).values()) == [2]
    assert [row["status"] for row in attempts(tmp_path).values()].count("lost") == 1
