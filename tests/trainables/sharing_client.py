"""A worker of another process that shares a block, as the tests tell it to."""

import socket
import struct
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import Tensor

from trainables.sharing import HolderGoneError, Shared, share

SIZE = 4096
CPU = torch.device("cpu")


def client(folder: str, name: str, pipe: Connection, waits: bool) -> None:
    """Share, then answer: `filling` if it fills, waiting for a word first if it `waits`; `has` with what it has."""

    def fill(block: Tensor) -> None:
        pipe.send("filling")
        if waits:
            pipe.recv()
        block.fill_(7)

    shared = share(name, SIZE, CPU, fill, Path(folder))
    pipe.send("has")
    while (asked := pipe.recv()) != "end":
        pipe.send(answer(shared, asked))


def answer(shared: Shared, asked: str) -> object:
    if asked == "sum":
        return int(shared.block.sum())
    if asked == "write":
        shared.block[0] = 107
        return None
    if asked == "holder":
        return holder_of(shared)
    assert asked == "check"
    try:
        shared.check()
    except HolderGoneError:
        return "lost"
    return "there"


def holder_of(shared: Shared) -> int:
    """The process that listened where this one, which did not start it, came in."""
    credentials = shared._connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    process, _, _ = struct.unpack("3i", credentials)
    return int(process)
