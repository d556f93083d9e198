"""A cluster of one CPU that Ray's own autoscaler adds nodes to, and takes them from."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import ray

from study.executor import driver
from study.executor.cluster import LiveNodes, join
from study.launch import LaunchOptions
from study.progress import Progress
from tests.ray_nodes import Growth, environment_with_token, head_node
from tests.study.executor.noop import Log
from tests.study.executor.plans import plan, trial
from tests.study.executor.small_study import launch_small
from tests.study.executor.test_execution import results

pytestmark = pytest.mark.cluster

MOST = 2
"""Nodes that are added."""


class Watcher(Log):
    """Remembers how many units ran and how many nodes there were at once, and how few since."""

    at_once = nodes = 0
    left = 99

    def changed(self, progress: Progress) -> None:
        self.at_once = max(self.at_once, len(progress.running))
        there = sum(node["Alive"] for node in ray.nodes())  # type: ignore[no-untyped-call]
        self.nodes, self.left = max(self.nodes, there), there if there < self.nodes else self.left


def test_nodes_come_for_what_is_ready_and_go_when_nothing_more_can_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many short trials, which ask for more nodes than there can be, and a long one, which ends alone on its own."""
    monkeypatch.setattr(driver, "IDLE_SECONDS", 3.0)
    long = trial("f0", "long", epochs=400)
    of = plan(long, *(trial(f"{i:02x}", epochs=20) for i in range(1, 17)))
    with head_node(1, environment_with_token(tmp_path), grows=Growth(folder=tmp_path, most=MOST, idle_seconds=2)) as at:
        _wait_until_it_grows(at)
        log = Watcher([])
        result = launch_small(of, tmp_path / "grown", log, LaunchOptions(address=at))
        assert result.status == "complete"
        assert (log.at_once, log.nodes) == (1 + MOST, 1 + MOST)
        assert log.left < 1 + MOST, "a node went while the long trial ran"
        alone = replace(LaunchOptions(address=at), max_concurrent=1)
        assert launch_small(plan(*of.trials[1:4]), tmp_path / "alone", Log([]), alone).status == "complete"
    ids = {one.trial_id for one in of.trials[1:4]}
    for name, table in results(tmp_path / "alone").items():
        grown = [row for row in results(tmp_path / "grown")[name].to_pylist() if row["trial_id"] in ids]
        assert grown == table.to_pylist()


def test_a_launch_asks_for_the_first_node(tmp_path: Path) -> None:
    """As where `study cluster template` was given --min-workers 0: the head has room for nothing."""
    with head_node(0, environment_with_token(tmp_path), grows=Growth(folder=tmp_path, most=1, idle_seconds=60)) as at:
        _wait_until_it_grows(at)
        result = launch_small(plan(trial("01", epochs=1)), tmp_path / "store", Log([]), LaunchOptions(address=at))
        assert result.status == "complete"


def _wait_until_it_grows(address: str) -> None:
    """Until the autoscaler has told of itself."""
    deadline = time.monotonic() + 30
    join(address, {"address": address})
    try:
        while not LiveNodes(local=False).now().grows:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        ray.shutdown()
