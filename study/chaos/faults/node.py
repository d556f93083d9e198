"""A node is killed: its raylet, and with it every worker there."""

from collections.abc import Sequence
from typing import ClassVar

from study.chaos.faults import Fault, Scene, Struck
from study.chaos.nodes import Need
from study.chaos.watching import UnitUnderWay

AWAY_SECONDS = (2.0, 15.0)
"""How long until it is started again."""


class NodeKilled(Fault):
    """SIGKILL for the raylet; of a cluster made for the purpose, for all processes of the node, as a power cut does."""

    need: ClassVar[Need] = "nodes"
    warning = "kills the raylet of a node of yours that works on the study, each time; something must start it again"

    def strike(self, scene: Scene, units: Sequence[UnitUnderWay]) -> Struck:
        unit = scene.luck.choice(units)
        if scene.cluster is None:
            from study.executor.striking import kill_node  # Ray

            assert scene.address is not None
            there = kill_node(scene.address, unit.owner)
            return Struck(fault=f"node killed: {unit.owner.host}", hit=(unit,) if there else ())
        node = scene.cluster.node_of(unit.owner)
        if node is None:
            return Struck(fault="", hit=())
        hit = [one for one in units if scene.cluster.node_of(one.owner) is node]
        node.kill()
        away = scene.luck.uniform(*AWAY_SECONDS)
        return Struck(fault=f"node killed, away for {away:.0f} s", hit=hit, seconds=away, heal=node.start)


FAULT = NodeKilled()
