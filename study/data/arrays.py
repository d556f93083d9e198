"""Arrays on disk, row by row: `.npy` files of full length from the start, written and read by any number of threads."""

import errno
import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainables.tifs_files import SIDE

HEADER_BYTES = 128
"""Of numpy's format 1.0, for any number of rows there may be."""
ROW = (3, SIDE, SIDE)
ROW_BYTES = 3 * SIDE * SIDE


def header(count: int) -> bytes:
    """What a `.npy` file of [count, 3, 256, 256], uint8, begins with."""
    written = io.BytesIO()
    np.lib.format.write_array_header_1_0(written, {"descr": "|u1", "fortran_order": False, "shape": (count, *ROW)})
    assert written.tell() == HEADER_BYTES
    return written.getvalue()


@dataclass(frozen=True)
class PixelArray:
    """An open file of pixels, [count, 3, 256, 256], uint8."""

    file: Path
    descriptor: int

    @classmethod
    def open(cls, file: Path, count: int) -> "PixelArray":
        """To write to; made if it is absent. An array of another length is replaced by an empty one."""
        array = cls(file, os.open(file, os.O_RDWR | os.O_CREAT, 0o666))
        if array.fits(count):
            return array
        array.close()
        return cls._empty(file, count)

    @classmethod
    def _empty(cls, file: Path, count: int) -> "PixelArray":
        """In a file of its own: who has the old one mapped keeps it, where a truncated one would end that process."""
        file.unlink()
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        os.pwrite(descriptor, header(count), 0)
        os.ftruncate(descriptor, HEADER_BYTES + count * ROW_BYTES)
        return cls(file, descriptor)

    @classmethod
    def read_only(cls, file: Path) -> "PixelArray":
        """Raises OSError."""
        return cls(file, os.open(file, os.O_RDONLY))

    def fits(self, count: int) -> bool:
        """Whether it is an array of so many images."""
        there = os.fstat(self.descriptor).st_size
        return there == HEADER_BYTES + count * ROW_BYTES and os.pread(self.descriptor, HEADER_BYTES, 0) == header(count)

    def read(self, row: int) -> bytes:
        return os.pread(self.descriptor, ROW_BYTES, HEADER_BYTES + row * ROW_BYTES)

    def write(self, row: int, pixels: bytes) -> None:
        """Raises OSError, also where the disk had room for a part only."""
        if os.pwrite(self.descriptor, pixels, HEADER_BYTES + row * ROW_BYTES) != len(pixels):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.file))

    def close(self, *, durable: bool = False) -> None:
        if durable:
            os.fsync(self.descriptor)
        os.close(self.descriptor)


def pixels_in(row: bytes) -> NDArray[np.uint8]:
    """[3, 256, 256]"""
    return np.frombuffer(row, np.uint8).reshape(ROW)
