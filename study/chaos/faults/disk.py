"""The disk that the store is on is full for a while."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from study.chaos import mounts
from study.chaos.faults import Fault, Place, Refused, Scene, Struck
from study.chaos.watching import UnitUnderWay
from study.executor.session import LEASE_SECONDS

FULL_SECONDS = (2.0, 20.0)
SIZE = 512 * 2**20
"""Bytes of the file system that a run's store is on: more than a small study writes."""


class DiskFull(Fault):
    """A file takes every byte of a file system made for the run; it goes again."""

    kills = False
    refuses: ClassVar[Sequence[Refused]] = ("writes",)
    period = LEASE_SECONDS / 4
    """Between the heartbeats of a trial's lease: the least that a unit writes."""

    def lacking(self, place: Place) -> str | None:
        return mounts.lacking(place.store)

    @contextmanager
    def staged(self, store: str) -> Iterator[None]:
        with mounts.small(Path(store), SIZE):
            yield

    def strike(self, scene: Scene, units: Sequence[UnitUnderWay]) -> Struck:
        folder = scene.store.root
        assert folder is not None
        mounts.fill(folder)
        seconds = scene.luck.uniform(*FULL_SECONDS)
        return Struck(
            fault=f"disk full for {seconds:.0f} s", hit=units, seconds=seconds, heal=lambda: mounts.free(folder)
        )


FAULT = DiskFull()
