"""Folders for one process's own use, which the next one like it clears away where a process was killed."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


@contextmanager
def scratch(kind: str) -> Iterator[Path]:
    """`study-<kind>-<process namespace>-<process>-…` among the temporary files, gone at the end.

    Those that killed processes of this user left are cleared away first.
    """
    place = Path(tempfile.gettempdir())
    sweep(place, f"study-{kind}")
    with tempfile.TemporaryDirectory(prefix=f"{owned(f'study-{kind}')}-", dir=place) as folder:
        yield Path(folder)


def owned(kind: str) -> str:
    """The name of something of this process: says which processes' numbers it is told in, and its own."""
    return f"{kind}-{_namespace()}-{os.getpid()}"


def sweep(place: Path, kind: str) -> None:
    """Clear away what is `owned` by processes of this user that are gone.

    Containers may share a folder and number their processes apart: what another one's processes own is left to them.
    """
    for folder in place.glob(f"{kind}-{_namespace()}-*"):
        owner = re.match(rf"{kind}-{_namespace()}-(\d+)\b", folder.name)
        with suppress(FileNotFoundError):  # another was faster
            if owner and not psutil.pid_exists(int(owner[1])) and folder.lstat().st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)


def _namespace() -> str:
    """Of process numbers, as the kernel calls it, in 8 digits; 0 where the system has none."""
    try:
        return f"{Path('/proc/self/ns/pid').stat().st_ino:x}"
    except OSError:  # macOS
        return "0"
