"""One block for several processes, whoever of them is killed and when. All processes here are real."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
import torch

from tests.trainables.mapped import Mapped
from tests.trainables.sharing_client import CPU, SIZE, client, holder_of
from trainables import sharing
from trainables.sharing import HolderGoneError, SharingError, private_folder, share
from trainables.supply import Supply
from trainables.tune import classify

pytestmark = pytest.mark.slow

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.trainables.sharing_client"])
PATIENCE = 60.0
"""Seconds that something may take on a machine that others use too."""


class Worker:
    """A process that shares the block `images`."""

    def __init__(self, folder: Path, waits: bool = False) -> None:
        self.pipe: Connection
        self.pipe, theirs = CONTEXT.Pipe()
        self.process: ForkServerProcess = CONTEXT.Process(target=client, args=(str(folder), "images", theirs, waits))
        self.process.start()
        theirs.close()

    def hears(self) -> object:
        assert self.pipe.poll(PATIENCE), "the worker says nothing"
        return self.pipe.recv()

    def asked(self, what: str) -> object:
        self.pipe.send(what)
        return self.hears()

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def end(self) -> None:
        self.pipe.send("end")
        self.process.join(PATIENCE)
        assert self.process.exitcode == 0


Start = Callable[..., Worker]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts workers, which end with the test."""
    started: list[Worker] = []

    def one(waits: bool = False) -> Worker:
        started.append(Worker(tmp_path, waits))
        return started[-1]

    yield one
    for worker in started:
        worker.kill()
        worker.process.close()
        worker.pipe.close()


def alive(process: int) -> bool:
    """Whether there is such a process that has not ended; a container may leave the ended ones of others lying.

    It ends with the last of its threads, until when it keeps its files.
    """
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        ended = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return False
    return not ended or len(threads) > 1


def ends(process: int) -> bool:
    until = time.monotonic() + PATIENCE
    while alive(process) and time.monotonic() < until:
        time.sleep(0.02)
    return not alive(process)


def test_the_block_is_one_and_outlives_its_maker_and_all_but_the_last(start: Start, tmp_path: Path) -> None:
    workers = [start() for _ in range(3)]  # at once
    heard = [worker.hears() for worker in workers]
    assert sorted(map(str, heard)) == ["filling", "has", "has"], "one fills, once"
    maker = workers[heard.index("filling")]
    assert maker.hears() == "has"
    reader, other = (worker for worker in workers if worker is not maker)
    assert {worker.asked("sum") for worker in workers} == {7 * SIZE}
    maker.asked("write")
    assert reader.asked("sum") == 7 * SIZE + 100, "it is the same memory"
    holder = reader.asked("holder")
    assert isinstance(holder, int)
    assert holder not in [worker.process.pid for worker in workers]
    maker.kill()
    assert (reader.asked("check"), reader.asked("sum")) == ("there", 7 * SIZE + 100)
    os.kill(holder, signal.SIGTERM)  # as a cluster does to all processes of a job, whose workers still have to save
    other.kill()
    late = start()
    assert late.hears() == "has"
    assert (late.asked("sum"), late.asked("holder")) == (7 * SIZE + 100, holder)
    reader.end()
    assert alive(holder)
    late.kill()
    assert ends(holder)
    assert [file.suffix for file in tmp_path.iterdir()] == [".lock"]


def test_a_holder_that_is_killed_is_missed_and_replaced(start: Start, tmp_path: Path) -> None:
    maker = start()
    assert (maker.hears(), maker.hears()) == ("filling", "has")
    reader = start()
    assert (reader.hears(), reader.asked("check")) == ("has", "there")
    holder = reader.asked("holder")
    assert isinstance(holder, int)
    os.kill(holder, signal.SIGKILL)
    assert ends(holder)
    assert (maker.asked("check"), reader.asked("check")) == ("lost", "lost")
    assert (tmp_path / "images.socket").is_socket(), "nobody tidied up"
    heir = start()
    assert (heir.hears(), heir.hears()) == ("filling", "has")
    assert (heir.asked("sum"), heir.asked("check")) == (7 * SIZE, "there")
    assert reader.asked("check") == "lost"


def test_who_is_killed_while_filling_leaves_it_to_the_next(start: Start) -> None:
    first = start(waits=True)
    assert first.hears() == "filling"
    second = start()
    assert not second.pipe.poll(0.3), "a block that is not whole is nobody's"
    first.kill()
    assert (second.hears(), second.hears()) == ("filling", "has")
    assert second.asked("sum") == 7 * SIZE


def test_a_filling_that_fails_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    def fill(_block: torch.Tensor) -> None:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        share("images", SIZE, CPU, fill, tmp_path)
    assert [file.suffix for file in tmp_path.iterdir()] == [".lock"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has what the test needs to be missing")
def test_a_device_that_holds_no_block_is_the_reason(tmp_path: Path) -> None:
    with pytest.raises(SharingError, match=r"NVIDIA|CUDA"):
        share("images", SIZE, torch.device("cuda"), lambda _block: None, tmp_path)


def test_a_holder_that_cannot_be_started_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing.sys, "executable", "/bin/false")
    with pytest.raises(SharingError, match="could be started"):
        share("images", SIZE, CPU, lambda _block: None, tmp_path)


def test_who_fills_for_too_long_is_not_waited_for(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start(waits=True).hears() == "filling"
    monkeypatch.setattr(sharing, "FILL_SECONDS", 0.1)
    with pytest.raises(SharingError, match=r"locked for 0 s"):
        share("images", SIZE, CPU, lambda _block: None, tmp_path)


def test_the_folder_is_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing.tempfile, "tempdir", str(tmp_path))
    folder = private_folder()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    assert private_folder() == folder
    folder.chmod(0o750)
    with pytest.raises(SharingError, match="only you can open"):
        private_folder()
    folder.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)
    with pytest.raises(SharingError, match="only you can open"):
        private_folder()


def test_a_supply_whose_block_was_lost_gets_another(tmp_path: Path) -> None:
    """The trial in whose middle it was fails as one whose machine did, and its next attempt is served.

    The folder's path is longer than a socket's address may be.
    """
    data, folder = Mapped(root=str(tmp_path)), tmp_path / ("a" * 60) / ("b" * 60)
    folder.mkdir(parents=True)
    maker, reader = (Supply(CPU, way="shared", folder=folder) for _ in range(2))
    sources = [supply.sources(data, 0)[0] for supply in (maker, reader)]
    expected = Supply(CPU).sources(data, 0)[0].batch(torch.arange(9)).images
    assert all(torch.equal(source.batch(torch.arange(9)).images, expected) for source in sources)
    shared = sources[1].rows.shared  # type: ignore[attr-defined]
    sources[1].rows.check()
    os.kill(holder_of(shared), signal.SIGKILL)
    assert ends(holder_of(shared))
    with pytest.raises(HolderGoneError, match="goes on from its last checkpoint") as raised:
        sources[1].rows.check()
    assert classify(raised.value) == "infrastructure"
    again = reader.sources(data, 0)[0]
    again.rows.check()
    assert torch.equal(again.batch(torch.arange(9)).images, expected)
