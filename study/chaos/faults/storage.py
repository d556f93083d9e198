"""The storage refuses every write for a while."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import ClassVar

from study.chaos import mounts
from study.chaos.faults import Fault, Place, Refused, Scene, Struck
from study.chaos.watching import UnitUnderWay
from study.executor.session import LEASE_SECONDS

OUT_SECONDS = (2.0, 20.0)
PARTS = ("trials", "results", "leases", "studies")
"""Folders of a store that are written to while a study is under way; to the last by the launch too."""


class StorageOut(Fault):
    """What is written to is made read-only, as a kernel does to a disk with errors, and writable again."""

    kills = False
    refuses: ClassVar[Sequence[Refused]] = ("writes", "deletions")
    period = LEASE_SECONDS / 4
    """Between the heartbeats of a trial's lease: the least that a unit writes."""

    def lacking(self, place: Place) -> str | None:
        return mounts.lacking(place.store)

    @contextmanager
    def staged(self, store: str) -> Iterator[None]:
        with ExitStack() as mounted:
            for part in PARTS:
                mounted.enter_context(mounts.over_itself(Path(store, part)))
            yield

    def strike(self, scene: Scene, units: Sequence[UnitUnderWay]) -> Struck:
        root = scene.store.root
        assert root is not None

        def set_writable(writable: bool) -> None:
            for part in PARTS:
                mounts.set_writable(root / part, writable)

        set_writable(False)
        seconds = scene.luck.uniform(*OUT_SECONDS)
        return Struck(
            fault=f"storage refuses writes for {seconds:.0f} s", hit=units, seconds=seconds,
            heal=lambda: set_writable(True),
        )  # fmt: skip


FAULT = StorageOut()
