"""One block of memory for several processes of one machine: training images that are on a GPU once for all its trials.

Ray runs the trials that share a GPU as processes of their own, so the block is passed on as CUDA passes memory between
processes (`cudaIpcGetMemHandle`; torch keeps the handle's counters). Such memory lives no longer than the process that
took it. No worker is that process: the first worker to come would have to outlive the others. The block belongs to a
*holder*, a process that does nothing else: the worker that finds none starts it, fills the block and lets others in;
they keep a connection open each, and the holder ends when the last one is closed. The kernel closes the connections of
a process that is killed, so nothing counts, and nothing has to be tidied up:

- A worker dies, however: its connection is gone. One that dies while it fills the block takes the holder with it, and
  the next in the queue begins anew.
- The holder dies: its socket is left behind and refuses, so the next worker removes it and starts another. Who still
  reads the lost block learns of it by `Shared.check`, before anything computed since is kept.
- Two workers come at once: a lock on a file, which also goes with its process, lets one start and fill at a time.
- Another user: the folder of sockets and locks is the user's alone, or is not used.
- A GPU, or a container, that cannot pass memory on: SharingError with the reason; everyone does without.

Memory of the CPU is passed on in the same way, as an open file: the tests, which have no GPU, run all of this but the
lines that name CUDA.
"""

import contextlib
import fcntl
import os
import selectors
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import weakref
from ast import literal_eval
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

FILL_SECONDS = 900.0
"""How long to wait for the worker that is filling the block."""
ANSWER_SECONDS = 120.0
"""How long a holder may take to start and to answer: it imports torch and starts CUDA."""
FREE_SECONDS = 10.0
"""How long a holder waits for memory that one that is ending has not given back yet."""
LOOK_SECONDS = 0.05
MESSAGE = 4096
"""Bytes of a message at most."""
ALLOCATOR = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
"""Settings that a holder does without: expandable segments cannot be passed on everywhere."""

Fill = Callable[[Tensor], None]
"""Writes the whole of a block, uint8 [size]."""


class SharingError(RuntimeError):
    """Memory cannot be shared here; the message says why."""


class HolderGoneError(OSError):
    """The process that the shared memory belonged to is gone, and the memory with it."""


class Shared:
    """A block that others read too: nobody writes to it. The connection ends when nothing refers to this any more."""

    def __init__(self, block: Tensor, connection: socket.socket) -> None:
        self.block = block
        """uint8 [size]"""
        self._connection = connection
        weakref.finalize(self, connection.close)

    @property
    def lost(self) -> bool:
        """Whether the memory may be gone."""
        self._connection.setblocking(False)
        try:
            return not self._connection.recv(1)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def check(self) -> None:
        """Raises HolderGoneError unless all that was computed so far was computed from memory that was there."""
        if self.block.device.type == "cuda":
            torch.cuda.synchronize(self.block.device)
        if self.lost:
            raise HolderGoneError(
                "the process that holds the training images for all trials on this GPU is gone; the trial goes on from "
                "its last checkpoint"
            )


def share(name: str, size: int, device: torch.device, fill: Fill, folder: Path | None = None) -> Shared:
    """The block called `name`: that of another process, else one that `fill` fills.

    Equal names stand for equal contents, sizes and devices. `folder`: see `private_folder`, which it defaults to.
    Raises SharingError, and what `fill` raises.
    """
    place = (folder or private_folder()) / f"{name}.socket"
    with _locked(place.with_suffix(".lock")):
        return _joined(place, device) or _started(place, size, device, fill)


def private_folder() -> Path:
    """Where this user's processes on this machine meet; raises SharingError unless it is the user's alone."""
    folder = Path(tempfile.gettempdir()) / f"study-gpu-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise SharingError(f"{folder} cannot be made ({error})") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise SharingError(
            f"{folder} is not a folder that only you can open: remove it, or set TMPDIR to another place"
        )
    return folder


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Alone, as far as those go who lock the same file."""
    until = time.monotonic() + FILL_SECONDS
    try:
        opened = place.open("w")
    except OSError as error:
        raise SharingError(f"{place} cannot be opened ({error})") from error
    with opened as file:
        while not _locks(file.fileno()):
            if time.monotonic() > until:
                raise SharingError(f"another process has kept {place} locked for {FILL_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)
        yield


def _locks(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _address(place: Path) -> Iterator[str]:
    """A socket's address, short however long its path: the kernel takes 107 bytes."""
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{place.name}"
    finally:
        os.close(folder)


def _joined(place: Path, device: torch.device) -> Shared | None:
    """The block of the holder that listens there; None where none does, any more."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(ANSWER_SECONDS)
    try:
        with _address(place) as address:
            connection.connect(address)
        return Shared(_received(connection, device), connection)
    except (FileNotFoundError, ConnectionError):  # never one, one that was killed, or one that was just ending
        connection.close()
        place.unlink(missing_ok=True)
        return None
    except TimeoutError as error:
        connection.close()
        raise SharingError(f"the process that holds the block does not answer for {ANSWER_SECONDS:.0f} s") from error
    except BaseException:
        connection.close()
        raise


def _started(place: Path, size: int, device: torch.device, fill: Fill) -> Shared:
    """The block of a new holder, filled."""
    connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(ANSWER_SECONDS)
    try:
        with theirs:
            _start(theirs, place, size, device)
        with _answering():
            shared = Shared(_received(connection, device), connection)
        fill(shared.block)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        with _answering():
            connection.send(b"filled")
            if connection.recv(MESSAGE) != b"open":
                raise ConnectionResetError("it has ended")
    except BaseException:
        connection.close()
        raise
    return shared


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Raises SharingError where a holder that was just started does not answer."""
    try:
        yield
    except (ConnectionError, TimeoutError) as error:
        raise SharingError(f"the process that holds the block does not answer ({error})") from error


def _start(connection: socket.socket, place: Path, size: int, device: torch.device) -> None:
    """A holder that outlives this process: not its child, in no group or session of its own."""
    described = [str(connection.fileno()), str(place), str(size), str(device)]
    environment = {name: value for name, value in os.environ.items() if name not in ALLOCATOR}
    ended = subprocess.run(
        [sys.executable, "-m", __spec__.name, *described],
        env={**environment, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
        pass_fds=[connection.fileno()],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        raise SharingError(f"no process to hold the block could be started ({said[-1] if said else ended.returncode})")


def _received(connection: socket.socket, device: torch.device) -> Tensor:
    """The block that a holder offers; raises ConnectionError where it is gone, SharingError where it has none."""
    message, files, _, _ = socket.recv_fds(connection, MESSAGE, 1)
    if not message:
        raise ConnectionResetError("it has ended")
    kind, _, said = message.decode(errors="replace").partition(" ")
    if kind == "cannot":
        raise SharingError(said)
    try:
        return _opened(literal_eval(said), files, device)
    except RuntimeError as error:
        raise SharingError(_reason(error)) from error
    finally:
        for file in files:
            os.close(file)


# What memory is, on each device


def _offered(block: Tensor) -> tuple[tuple[object, ...], list[int]]:
    """What another process needs to open the block: numbers and bytes, and open files, which are the block's own."""
    storage = block.untyped_storage()
    if block.device.type == "cuda":
        return storage._share_cuda_(), []  # type: ignore[no-untyped-call]
    file, size = storage._share_fd_cpu_()
    return (size,), [file]


def _opened(offer: tuple[object, ...], files: list[int], device: torch.device) -> Tensor:
    """The block, uint8 [size], on this process's own number of the same device."""
    if device.type == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]
        number = torch.cuda.current_device() if device.index is None else device.index
        storage = torch.UntypedStorage._new_shared_cuda(number, *offer[1:])
    else:
        storage = torch.UntypedStorage._new_shared_fd_cpu(files[0], *offer)  # type: ignore[attr-defined]
    return torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)


def _reason(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


# The holder


def hold(starter: socket.socket, place: Path, size: int, device: torch.device) -> None:
    """Hold a block for `starter`, which fills it, and then for everyone who connects to `place`, to the last one."""
    try:
        block = _allocated(size, device)
    except RuntimeError as error:
        starter.send(_refusal(error))
        return
    _offer(starter, block)
    if starter.recv(MESSAGE) != b"filled":
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        with _address(place) as address:
            door.bind(address)
        door.listen(64)
        starter.send(b"open")
        _serve(door, starter, block)
        place.unlink(missing_ok=True)  # while it is still ours: nobody takes it over as long as it can be reached


def _serve(door: socket.socket, starter: socket.socket, block: Tensor) -> None:
    """Offer the block to all who come, until the last one has gone."""
    with selectors.DefaultSelector() as events:
        events.register(door, selectors.EVENT_READ)
        events.register(starter, selectors.EVENT_READ)
        while len(events.get_map()) > 1:
            for key, _ in events.select():
                if key.fileobj is door:
                    come, _ = door.accept()
                    events.register(come, selectors.EVENT_READ)
                    with contextlib.suppress(OSError):  # it has gone again, which the next event tells
                        _offer(come, block)
                else:
                    assert isinstance(key.fileobj, socket.socket)
                    events.unregister(key.fileobj)  # clients say nothing: what there is to read is their end
                    key.fileobj.close()


def _offer(connection: socket.socket, block: Tensor) -> None:
    """Offer the block, or say why it cannot be."""
    try:
        numbers, files = _offered(block)
    except RuntimeError as error:
        connection.send(_refusal(error))
    else:
        socket.send_fds(connection, [f"block {numbers!r}".encode()], files)


def _refusal(error: Exception) -> bytes:
    return f"cannot {_reason(error)}".encode()[:MESSAGE]


def _allocated(size: int, device: torch.device) -> Tensor:
    """A block; a GPU's memory may be that of another holder, which is ending, for a while yet."""
    until = time.monotonic() + FREE_SECONDS
    while True:
        try:
            return torch.empty(size, dtype=torch.uint8, device=device)
        except torch.OutOfMemoryError:
            if time.monotonic() > until:
                raise
            time.sleep(LOOK_SECONDS)


def main(connection: str, place: str, size: str, device: str) -> None:
    """A holder's process: it is nobody's child, and only its clients' leaving ends it."""
    if os.fork():
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a launch that is told to stop tells everyone
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (1, 2):
        os.dup2(nothing, standard)
    with socket.socket(fileno=int(connection)) as starter:
        hold(starter, Path(place), int(size), torch.device(device))


if __name__ == "__main__":
    main(*sys.argv[1:])
