"""The launch is killed, in half the cases with every process of its Ray, and launched again."""

from collections.abc import Sequence

from study.chaos.faults import Fault, Scene, Struck
from study.chaos.watching import UnitUnderWay


class DriverKilled(Fault):
    """SIGKILL."""

    relaunches = True

    def strike(self, scene: Scene, units: Sequence[UnitUnderWay]) -> Struck:
        with_ray = scene.luck.random() < 0.5
        killed = scene.launch.kill(with_ray)
        told = f"launch and its Ray killed: {killed} processes" if with_ray else "launch killed"
        return Struck(fault=told, hit=units)


FAULT = DriverKilled()
