"""A study over two unequal nodes, told apart by a custom resource and labels; tables never depend on which ran.

The second node computes with other instructions, as an older processor would.
"""

import time
from pathlib import Path

import pytest
import ray

from study.executor.cluster import ClusterError, join
from study.launch import LaunchOptions
from study.machines import machines, mixed
from study.plan import Plan, Resources
from study.store import Store
from tests.ray_nodes import end_node, environment_with_token, head_node, start_node
from tests.study.executor.noop import Log, Placed
from tests.study.executor.plans import plan, trial
from tests.study.executor.small_study import launch_small
from tests.study.executor.test_execution import results

pytestmark = pytest.mark.cluster

DISK = Resources(custom=(("fast_disk", 1.0),))
FAR = Resources(labels=(("zone", ("far", "farther")),))
NEAR = Resources(labels=(("zone", ("near",)),))
OTHER_CPU = {"ATEN_CPU_CAPABILITY": "default"}


def unequal(disk: Resources, far: Resources, near: Resources) -> Plan:
    """A parent and four families of children; what is asked for is no part of any result."""
    kinds = {"anywhere": Resources(), "disk": disk, "far": far, "near": near}
    children = (
        trial(f"{family}{i}", label, parent="01", resources=need, epochs=4)
        for family, (label, need) in enumerate(kinds.items(), 1)
        for i in range(2)
    )
    return plan(trial("01", epochs=4), *children)


def test_a_study_over_unequal_nodes_gives_the_tables_of_one(tmp_path: Path) -> None:
    environment = environment_with_token(tmp_path)
    anywhere, apart = unequal(Resources(), Resources(), Resources()), unequal(DISK, FAR, NEAR)
    with head_node(1, environment, labels="zone=near") as address:
        alone = launch_small(anywhere, tmp_path / "one", Log([]), LaunchOptions(address=address))
        assert alone.status == "complete"
        with pytest.raises(ClusterError, match=r"1 fast_disk on one node; the nodes have 1 CPU and no GPU, no custom"):
            launch_small(apart, tmp_path / "two", Log([]), LaunchOptions(address=address))
        second = start_node(
            [f"--address={address}", "--node-ip-address=127.0.0.1", "--num-cpus=2", "--labels=zone=far",
             '--resources={"fast_disk": 2}'],
            environment | OTHER_CPU,
        )  # fmt: skip
        try:
            zones = _zones(address)
            both = launch_small(apart, tmp_path / "two", Log([]), LaunchOptions(address=address), Placed)
        finally:
            end_node(second)
        assert both.status == "complete"
    assert results(tmp_path / "two") == results(tmp_path / "one")
    store = Store.open(tmp_path / "two")
    placed = {name: store.objects.get(f"placed/{name}").decode() for name in store.objects.children("placed")}
    ran = {(one.label, zones[placed[str(one.recipe.replicate)]]) for one in both.plan.trials if one.stage}
    assert ran - {("anywhere", "far"), ("anywhere", "near")} == {("disk", "far"), ("far", "far"), ("near", "near")}
    attempts = store.read("attempts").to_pylist()
    assert len(machines(attempts)) == 2
    assert "ran on 2 kinds of machine, whose results agree within rounding, not bit for bit: " in str(mixed(attempts))
    assert mixed(Store.open(tmp_path / "one").read("attempts").to_pylist()) is None


def _zones(address: str) -> dict[str, str]:
    """By node's id, once the second has joined."""
    join(address, {"address": address})
    try:
        while True:
            found = {str(node["NodeID"]): str(node["Labels"]["zone"]) for node in ray.nodes()}
            if len(found) == 2:
                return found
            time.sleep(0.1)
    finally:
        ray.shutdown()
