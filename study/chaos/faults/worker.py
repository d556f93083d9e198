"""A worker of the study's is killed in the middle of a unit."""

import os
import signal
from collections.abc import Sequence

from study.chaos.faults import Fault, Scene, Struck
from study.chaos.watching import UnitUnderWay


class WorkerKilled(Fault):
    """SIGKILL, on whichever node it is."""

    def strike(self, scene: Scene, units: Sequence[UnitUnderWay]) -> Struck:
        unit = scene.luck.choice(units)
        told = f"worker killed: process {unit.owner.pid} on {unit.owner.host}"
        return Struck(fault=told, hit=(unit,) if self._kill(scene, unit) else ())

    @staticmethod
    def _kill(scene: Scene, unit: UnitUnderWay) -> bool:
        """Whether it was still there."""
        if unit.owner.life == "unknown":
            from study.executor.striking import kill_process  # Ray, which only clusters wait for

            assert scene.address is not None
            return kill_process(scene.address, unit.owner)
        if unit.owner.life == "dead":
            return False
        os.kill(unit.owner.pid, signal.SIGKILL)
        return True


FAULT = WorkerKilled()
