"""A study of 10,000 trials of no work over simulated slots, and 2,000 trials of a plain Ray Tune function.

Tune's own cost grows with the trials it has run: 2,000 are to its advantage.

Each in a process of its own, so that the memory is its own. `python -m tests.benchmarks.scale ours|peer FOLDER ADDRESS
TRIALS` runs one of them and prints what it measured as JSON.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ray import cloudpickle

from study.launch import LaunchOptions, launch_plan
from study.store import Store
from tests.benchmarks import orchestration
from tests.benchmarks.figures import Figure
from tests.ray_nodes import environment_with_token, head_node
from tests.study.executor import noop
from tests.study.executor.plans import plan, trial
from tests.study.executor.small_study import IMAGES

TRIALS = 10_000
PEERS = 2_000
SLOTS = 4
"""Simulated: Ray is told of so many CPUs."""
MILLISECONDS = 20.0
MEBIBYTES = 1536.0
"""What this project promises at most, on two cores."""


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="study-bench-") as name:
        folder = Path(name)
        with head_node(SLOTS, environment_with_token(folder)) as address:
            ours, peer = (_in_process(what, folder, address, n) for what, n in (("ours", TRIALS), ("peer", PEERS)))
    named = f"plain Ray Tune, {PEERS:,} function trials"
    yield Figure(what=f"a trial among {TRIALS:,}: trained, evaluated, committed", ours=ours["milliseconds"], unit="ms",
                 peer=peer["milliseconds"], peer_name=named, bound=MILLISECONDS)  # fmt: skip
    yield Figure(what=f"the driver's memory over {TRIALS:,} trials", ours=ours["mebibytes"], unit="MiB",
                 peer=peer["mebibytes"], peer_name=named, bound=MEBIBYTES)  # fmt: skip
    yield Figure(what=f"launching that study again: nothing of {TRIALS:,} is left", ours=ours["again"], unit="s")


def _in_process(what: str, folder: Path, address: str, trials: int) -> dict[str, float]:
    command = [sys.executable, "-m", __name__, what, str(folder), address, str(trials)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    told: dict[str, float] = json.loads(answer.splitlines()[-1])
    return told


def _ours(folder: Path, address: str, trials: int) -> dict[str, float]:
    for module in (noop, orchestration):
        cloudpickle.register_pickle_by_value(module)
    of = plan(*(trial(f"{i:05x}") for i in range(1, trials + 1)))
    store, clock, options = Store.open(folder / "store"), orchestration.Clock(), LaunchOptions(address=address)
    first = launch_plan(of, "study: small\n", IMAGES, store, options, clock, orchestration.Instant)
    assert first.status == "complete"
    told = {"milliseconds": clock.milliseconds(units=1), "mebibytes": _peak()}
    began = time.perf_counter()
    again = launch_plan(of, "study: small\n", IMAGES, Store.open(folder / "store"), options, clock)
    assert again.status == "complete"
    return {**told, "again": time.perf_counter() - began}


def _peer(folder: Path, address: str, trials: int) -> dict[str, float]:
    import ray

    ray.init(address=address, log_to_driver=False)
    return {"milliseconds": orchestration.plain_tune(folder, trials), "mebibytes": _peak()}


def _peak() -> float:
    """The most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    what, folder, address, trials = sys.argv[1:]
    measured = {"ours": _ours, "peer": _peer}[what](Path(folder), address, int(trials))
    print(json.dumps(measured))
