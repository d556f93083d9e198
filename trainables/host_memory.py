"""What a process may take of its host's memory, held to by the kernel.

Ray only counts what trials ask for, and kills workers once the whole node is nearly full. Of the kernel's limits, that
on the address space (RLIMIT_AS) counts mapped files and a GPU driver's reservations, which take nothing; that on
resident memory it ignores; control groups are their owner's to make. RLIMIT_DATA counts private memory that may be
written, whether it was yet or not: an allocation beyond it fails, as an error of the trial that asked for it, and the
node never comes near its end.
"""

import resource
from pathlib import Path

GIB = 2**30
STATUS = Path("/proc/self/status")


def limit(memory: int) -> None:
    """Let this process take `memory` bytes in all, with what it has taken already.

    What it has reserved and never written, the stacks of idle threads above all, is not counted. At least a quarter of
    `memory` is left for what comes.
    """
    reserved, written = _told("VmData"), _told("RssAnon")
    further = max(memory - written, memory // 4)
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    asked = reserved + further
    resource.setrlimit(resource.RLIMIT_DATA, (asked if most == resource.RLIM_INFINITY else min(asked, most), most))


def beyond(memory: int) -> str:
    """Why an allocation failed, and what to do."""
    return (
        f"it needs more than the {memory / GIB:.3g} GiB of the host's memory that resources.memory lets a worker take: "
        "give it more there, or train with a smaller batch_size"
    )


def _told(name: str) -> int:
    """Bytes, of a line of the kernel's account of this process."""
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
