"""File systems mounted for one run. Needs root."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from study.chaos.errors import ChaosError

BUSY_SECONDS = 10.0
FILL = ".filled-by-chaos"
BLOCK = 2**20


def lacking(store: str) -> str | None:
    """Why nothing can be mounted for a store at this place, and what to do."""
    if "://" in store:
        return f"a run's store is mounted for it, and {store} is no folder; give --store a folder"
    if os.geteuid() != 0:
        return "mounting a run's store needs root; run it as root, in a container of its own (--privileged), say"
    return None


@contextmanager
def small(folder: Path, size: int) -> Iterator[None]:
    """`folder` is a file system of `size` bytes, in memory; what was written there is in the folder afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    unmount(folder)
    _mount("-t", "tmpfs", "-o", f"size={size}", "chaos", str(folder))
    try:
        yield
    finally:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unmounting-") as beside:
            copy = Path(beside, "copy")
            with suppress(shutil.Error):  # what was deleted in the meantime
                shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(FILL))
            unmount(folder)
            folder.rmdir()
            copy.rename(folder)


def unmount(folder: Path) -> None:
    """Whatever is mounted there, also by a run that was killed; what still reads it keeps it until it ends."""
    while _is_mounted(folder):
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def unmount_beneath(folder: Path) -> None:
    """Whatever a run that was killed left mounted there."""
    for mounted in sorted({one for one in _mounted() if one.is_relative_to(folder.resolve())}, reverse=True):
        unmount(mounted)


def _is_mounted(folder: Path) -> bool:
    return folder.resolve() in _mounted()


def _mounted() -> list[Path]:
    """By the kernel's list: what is mounted over itself looks like any folder."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:  # macOS, where nothing is mounted for a run
        return []
    return [Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), line.split()[4])) for line in lines]


def fill(folder: Path) -> None:
    """Leave no byte: whoever writes there is told that no space is left on the device."""
    with (folder / FILL).open("wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), BLOCK)
        with suppress(OSError):
            while True:
                file.write(b"\0" * 4096)


def free(folder: Path) -> None:
    """Give back what was filled."""
    (folder / FILL).unlink()


@contextmanager
def over_itself(folder: Path) -> Iterator[None]:
    """`folder` is mounted over itself, so that it can be made read-only without what is around it."""
    folder.mkdir(parents=True, exist_ok=True)
    unmount(folder)
    _mount("--bind", str(folder), str(folder))
    try:
        yield
    finally:
        unmount(folder)


def set_writable(folder: Path, writable: bool) -> None:
    """Read-only, every write is refused by the kernel, as on a disk that has failed (EROFS)."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return _mount("-o", f"remount,bind,{'rw' if writable else 'ro'}", str(folder))
        except ChaosError:  # a file is open for writing, for a moment
            if time.monotonic() > deadline:
                raise
            time.sleep(0.002)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise ChaosError(f"mount {' '.join(arguments)}: {done.stderr.strip()}")
