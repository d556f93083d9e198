"""Hashes of files: what identities know data on a disk by, wherever it lies."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

DIGITS = 32


def hash_of(files: Iterable[Path]) -> str:
    """Of the files' names, without their folders, and contents, in the order given; 32 hex digits."""
    digest = hashlib.blake2b(digest_size=DIGITS // 2)
    for file in files:
        digest.update(repr((file.name, file_hash(file))).encode())
    return digest.hexdigest()


def file_hash(file: Path) -> str:
    """Of one file's content, 32 hex digits. A file that keeps its size and time of change is read once a process."""
    found = file.stat()
    return _read(file, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=4096)
def _read(file: Path, _size: int, _changed: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=DIGITS // 2)).hexdigest()


SAMPLED = 100
"""Files of a large folder whose content is read."""


def hash_of_listing(folder: Path, files: Sequence[Path]) -> str:
    """Of all files' paths below the folder and sizes, and the contents of up to a hundred, evenly spread."""
    digest = hashlib.blake2b(digest_size=DIGITS // 2)
    for file in files:
        digest.update(repr((file.relative_to(folder).as_posix(), file.stat().st_size)).encode())
    digest.update(hash_of(files[:: max(1, -(-len(files) // SAMPLED))]).encode())
    return digest.hexdigest()
