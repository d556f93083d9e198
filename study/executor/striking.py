"""Killing a process or a node of a cluster for `study chaos`, by a task that runs there."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from study.executor.cluster import ClusterError, join, own_handler, shipped_code
from study.store import Owner

REACH_SECONDS = 60.0
"""How long a node may take to run the task: its first worker has the code to fetch."""


def kill_process(address: str, owner: Owner) -> bool:
    """SIGKILL for a process of some node; False if it is on none of them any more."""
    with _joined(address):
        return _any_does(_alive(), owner, _kill_owner)


def kill_node(address: str, owner: Owner) -> bool:
    """SIGKILL for the raylet of the node that a process is on, but for the head's; False if it is on none of those.

    Raises ClusterError where there is no other node than the head.
    """
    with _joined(address):
        others = [node for node in _alive() if "node:__internal_head__" not in node["Resources"]]
        if not others:
            raise ClusterError(
                f"the cluster at {address} has no node left but its head, which is not killed; start nodes again "
                "(`ray start --address=…`), and the same command goes on"
            )
        return _any_does(others, owner, _kill_raylet)


def orphans(address: str) -> int:
    """Actors that live although their launch has ended."""
    with _joined(address):
        over = {one["JobID"] for one in ray._private.state.jobs() if one["IsDead"]}  # type: ignore[no-untyped-call]
        actors = ray._private.state.actors().values()
        return sum(one["State"] == "ALIVE" and one["JobID"] in over for one in actors)


@contextlib.contextmanager
def _joined(address: str) -> Iterator[None]:
    with own_handler():
        join(address, {"address": address, "runtime_env": {"py_modules": shipped_code()}})
        try:
            yield
        finally:
            ray.shutdown()


def _alive() -> list[dict[str, Any]]:
    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]


def _any_does(nodes: Sequence[Mapping[str, Any]], owner: Owner, act: Callable[[Owner], bool]) -> bool:
    """Ask these nodes to `act`, which only the owner's does; whether one did."""
    task = ray.remote(num_cpus=0, max_retries=0)(act)
    asked = [
        task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(owner)
        for node in nodes
    ]
    answers = [_answer(one, silent=act is _kill_raylet) for one in asked]
    return any(answers)


def _answer(asked: ray.ObjectRef[bool], silent: bool) -> bool:
    """What a node says, or `silent` where it went away over it: one whose raylet is killed says nothing any more."""
    try:
        return bool(ray.get(asked, timeout=REACH_SECONDS))
    except RayError as error:
        return silent and not isinstance(error, TimeoutError)


def _kill_owner(owner: Owner) -> bool:
    there = owner.life == "alive"
    if there:
        os.kill(owner.pid, signal.SIGKILL)
    return there


def _kill_raylet(owner: Owner) -> bool:
    """A worker's parent is its raylet."""
    there = owner.life == "alive"
    if there:
        os.kill(os.getppid(), signal.SIGKILL)
    return there
