"""Pruning on a real Ray: killed in the middle and launched again, every rung is whole and the best have gone on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from study.launch import LaunchOptions
from study.query import open_tables
from study.store import Store
from tests.study.executor.noop import Log
from tests.study.executor.small_study import family, halving, launch_small

pytestmark = [pytest.mark.ray, pytest.mark.slow]

TRIALS, EPOCHS, FACTOR = 10, 8, 3
"""A parent, and nine points of 8 epochs with rungs after 1 and 3."""
PLAN = halving(family(TRIALS, EPOCHS), FACTOR)


def test_a_study_that_prunes_is_killed_and_goes_on_as_if_it_had_not_been(cluster: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.study.executor.small_study", str(tmp_path), cluster,
               str(TRIALS), str(EPOCHS), "", str(FACTOR)]  # fmt: skip
    killed = subprocess.Popen(command)
    store = Store.open(tmp_path)
    deadline = time.monotonic() + 100
    while len(store.rungs("small")) < 4 and killed.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    before = store.rungs("small").to_pylist()
    log = Log([])
    result = launch_small(PLAN, tmp_path, log, LaunchOptions(address=cluster))
    assert result.status == "complete"
    rungs = store.rungs("small").to_pylist()
    assert [one for one in rungs if one in before] == before
    first = {one["trial_id"]: one["validation_correct"] for one in rungs if one["epochs"] == 1}
    second = {one["trial_id"] for one in rungs if one["epochs"] == FACTOR}
    assert len(first) == TRIALS - 1
    assert len(rungs) == len(first) + len(second)
    best = sorted(first.values(), reverse=True)[: len(first) // FACTOR]
    assert {one for one, value in first.items() if value > best[-1]} <= second
    launch = store.newest_launch("small")
    assert launch is not None
    trained = store.committed().trained
    assert trained == {one.trial_id for one in PLAN.trials} - launch.pruned.keys()
    assert set(launch.pruned.values()) <= {1, FACTOR}
    tally = result.progress.tallies["B"]
    assert (tally.pruned, tally.done, tally.left) == (len(launch.pruned), len(trained) - 1, 0)
    assert result.progress.evaluations == result.progress.evaluations_done == len(trained)
    told = open_tables(store, "small").sql("SELECT trial_id, epochs FROM rungs WHERE pruned").to_pylist()
    assert {one["trial_id"]: one["epochs"] for one in told} == launch.pruned
    again = launch_small(PLAN, tmp_path, Log([]), LaunchOptions(address="ray://nowhere"))
    assert again.status == "complete"
