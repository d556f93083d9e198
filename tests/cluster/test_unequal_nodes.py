"""A study over two unequal nodes, of which one has a custom resource and a label; tables never depend on which ran.

The second node computes with other instructions, as an older processor would.
"""

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

pytestmark = pytest.mark.chaos

DISK = Resources(custom=(("fast_disk", 1.0),))
ZONE = Resources(labels=(("zone", ("far", "farther")),))
OTHER_CPU = {"ATEN_CPU_CAPABILITY": "default"}


def unequal(disk: Resources, zone: Resources) -> Plan:
    """A parent and three families of children; what is asked for is no part of any result."""
    kinds = {"anywhere": Resources(), "disk": disk, "zone": zone}
    children = (
        trial(f"{family}{i}", label, parent="01", resources=need, epochs=4)
        for family, (label, need) in enumerate(kinds.items(), 1)
        for i in range(2)
    )
    return plan(trial("01", epochs=4), *children)


def test_a_study_over_unequal_nodes_gives_the_tables_of_one(tmp_path: Path) -> None:
    environment = environment_with_token(tmp_path)
    with head_node(1, environment) as address:
        alone = launch_small(
            unequal(Resources(), Resources()), tmp_path / "one", Log([]), LaunchOptions(address=address)
        )
        assert alone.status == "complete"
        with pytest.raises(ClusterError, match=r"1 fast_disk on one node; the nodes have 1 CPU and no GPU, no custom"):
            launch_small(unequal(DISK, ZONE), tmp_path / "two", Log([]), LaunchOptions(address=address))
        second = start_node(
            [f"--address={address}", "--node-ip-address=127.0.0.1", "--num-cpus=2", "--labels=zone=far",
             '--resources={"fast_disk": 2}'],
            environment | OTHER_CPU,
        )  # fmt: skip
        try:
            far = _second_node(address)
            both = launch_small(unequal(DISK, ZONE), tmp_path / "two", Log([]), LaunchOptions(address=address), Placed)
        finally:
            end_node(second)
        assert both.status == "complete"
    assert results(tmp_path / "two") == results(tmp_path / "one")
    store = Store.open(tmp_path / "two")
    placed = {name: store.objects.get(f"placed/{name}").decode() for name in store.objects.children("placed")}
    asked = [one for one in both.plan.trials if one.label != "anywhere" and one.stage]
    assert [placed[str(one.recipe.replicate)] for one in asked] == [far] * 4
    attempts = store.read("attempts").to_pylist()
    assert len(machines(attempts)) == 2
    assert "ran on 2 kinds of machine, whose results agree within rounding, not bit for bit: " in str(mixed(attempts))
    assert mixed(Store.open(tmp_path / "one").read("attempts").to_pylist()) is None


def _second_node(address: str) -> str:
    """The id of the node besides the head, once it has joined."""
    join(address, {"address": address})
    try:
        while True:
            found = [node["NodeID"] for node in ray.nodes() if node["Labels"].get("zone") == "far"]
            if found:
                return str(found[0])
    finally:
        ray.shutdown()
