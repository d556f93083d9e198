"""A node is cut from the network, and back."""

import os
import shutil
from collections.abc import Sequence
from typing import ClassVar

from study.chaos.faults import Fault, Place, Scene, Struck
from study.chaos.nodes import Need
from study.chaos.watching import UnitUnderWay
from study.executor.driver import LOCAL_SLICE

BLIP_SECONDS = (1.5, 3.0)
"""Too short for anybody to be taken for dead; longer than a worker goes on without a word to the launch."""
LONG_SECONDS = (70.0, 90.0)
"""Longer than a node without signs of life, and a lease without heartbeats, take to count as dead."""


class NodeCutOff(Fault):
    """Its link goes down; in half of the long cuts the node stands still besides, as where its storage hangs.

    Cut off for long with its storage at hand, a worker goes on with what the others count as lost. Standing still, it
    loses its lease, and wakes when another has done its work.
    """

    need: ClassVar[Need] = "hosts"
    period = LOCAL_SLICE
    """Between a worker's reports: it does nothing more until one has arrived."""

    def lacking(self, place: Place) -> str | None:
        if place.address is not None:
            return f"nodes of the cluster at {place.address} are not ours to cut off; leave --address away"
        if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
            return "hosts with a network of their own need root, iproute2 and util-linux; run it as root"
        return None

    def strike(self, scene: Scene, units: Sequence[UnitUnderWay]) -> Struck:
        assert scene.cluster is not None
        cluster = scene.cluster
        node = cluster.node_of(scene.luck.choice(units).owner)
        if node is None:
            return Struck(fault="", hit=())
        long, frozen = scene.luck.random() < 0.5, scene.luck.random() < 0.5
        seconds = scene.luck.uniform(*(LONG_SECONDS if long else BLIP_SECONDS))
        hit = [one for one in units if cluster.node_of(one.owner) is node]
        cluster.cut(node, frozen=long and frozen)
        told = f"node cut off for {seconds:.0f} s" + (", standing still" if long and frozen else "")
        return Struck(
            fault=told, hit=hit, seconds=seconds, stands_still=long and frozen, heal=lambda: cluster.heal(node)
        )


FAULT = NodeCutOff()
