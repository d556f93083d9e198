"""Where training images are while a trial trains: on its GPU, or on the host. Decided by sizes alone.

Nothing here looks at what is free: a trial that came first would otherwise choose for those that come later. Only a
copy that finds no memory, where others fill the GPU, is done without. And nothing here can change a result: every way
gives the same batches, bit for bit.
"""

from dataclasses import dataclass
from typing import Literal

Way = Literal["mapped", "own", "shared", "streamed"]
"""`mapped`: read by the CPU where they are. `own`: a copy on the GPU for this process. `shared`: one copy on the GPU
for all its processes. `streamed`: on the host, copied batch by batch ahead of their use."""

RESIDENT_SHARE = 0.5
"""Of the memory that trials have of a GPU: what images may take. Networks, their activations and test sets need the
rest."""
HOLDER = 512 * 2**20
"""Bytes set aside for the process that holds a shared copy: its part of the driver, besides the copy. An allowance: a
few hundred MB are usual. Where copies for all take less, each has its own."""


@dataclass(frozen=True, kw_only=True)
class Residency:
    """A way, and why."""

    way: Way
    said: str
    """One sentence for a person, without a full stop."""


def packed(gpus: float) -> int:
    """How many trials that take so many GPUs each are on one GPU at once."""
    return max(1, int(1 / gpus + 1e-9))


def residency(images: int, memory: int | None, gpus: float, unshared: str = "") -> Residency:
    """The way for `images` bytes of images, in trials that take `gpus` GPUs each.

    `memory`: bytes of one GPU, in all; None on a CPU. `unshared`: why processes cannot share a copy on this GPU; empty
    if they can. A copy that is shared counts once against the memory of all the trials that share it.
    """
    what = f"{_gb(images)} of training and validation images"
    if memory is None:
        return Residency(way="mapped", said=f"{what} read where they are")
    trials, each = packed(gpus), RESIDENT_SHARE * memory * min(1.0, gpus)
    why = f"; no copy is shared: {unshared}" if unshared else ""
    if images <= each and (unshared or (trials - 1) * images <= HOLDER):
        copies = f", a copy for each of its {trials} trials" if trials > 1 else ""
        return Residency(way="own", said=f"{what} on the GPU{copies}{why}")
    if trials > 1 and not unshared and images + HOLDER <= trials * each:
        return Residency(way="shared", said=f"{what} on the GPU, one copy for its {trials} trials")
    room, have = (each, "a trial has") if unshared or trials == 1 else (trials * each, f"its {trials} trials have")
    return Residency(
        way="streamed",
        said=f"{what} streamed from the host: they do not fit into {_gb(room)}, {RESIDENT_SHARE:.0%} of what {have} of "
        f"the GPU's memory{why}",
    )


def crowded(images: int) -> Residency:
    """The way for images that should have a copy on the GPU, whose memory others have taken."""
    what = f"{_gb(images)} of training and validation images"
    return Residency(way="streamed", said=f"{what} streamed from the host: the GPU has no room for them at present")


def _gb(size: float) -> str:
    """`17.7 GB`, `47 MB`: in powers of ten, as disks and data sets are measured."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
