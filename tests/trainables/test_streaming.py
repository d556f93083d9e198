"""Streams: the rows asked for, whatever was expected; errors come out; threads end."""

import gc
import threading
import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from trainables import streaming
from trainables.streaming import DEPTH, Stream

CPU = torch.device("cpu")
PIXELS = torch.arange(40 * 3 * 6 * 6, dtype=torch.int64).remainder(251).to(torch.uint8).view(40, 3, 6, 6)
ORDER = torch.randperm(40, generator=torch.Generator().manual_seed(0)).split(7)
"""Six batches, the last one of five."""


def gathering(stream: Stream) -> list[threading.Thread]:
    return list(stream._threads._threads)


def wait_for(there: Callable[[], bool]) -> bool:
    until = time.monotonic() + 5
    while not there() and time.monotonic() < until:
        time.sleep(0.01)
    return there()


@pytest.fixture
def stream() -> Stream:
    return Stream(PIXELS[:, :, 1:5, 1:5], CPU)


def rows(index: Tensor) -> Tensor:
    return PIXELS[index][:, :, 1:5, 1:5]


def test_what_is_expected_comes(stream: Stream) -> None:
    stream.expect(ORDER)
    found = [stream.take(index) for index in ORDER]
    assert all(torch.equal(one, rows(index)) for one, index in zip(found, ORDER, strict=True)), (
        "a batch changed after it was handed out, or was another's"
    )


def test_what_is_not_expected_comes_too_and_what_is_stays_ahead(stream: Stream) -> None:
    stream.expect(ORDER)
    for index in (torch.tensor([1, 1, 39]), ORDER[0], ORDER[3], ORDER[1]):
        assert torch.equal(stream.take(index), rows(index))


def test_expecting_the_rest_again_keeps_what_is_on_its_way(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[Tensor] = []
    plain = streaming._fetched
    monkeypatch.setattr(streaming, "_fetched", lambda *those: (fetched.append(those[1]), plain(*those))[1])
    for step, index in enumerate(ORDER):
        stream.expect(ORDER[step:])
        assert torch.equal(stream.take(index), rows(index))
    assert len(fetched) == len(ORDER)


def test_going_back_gives_up_what_is_on_its_way(stream: Stream) -> None:
    for begin in (0, 3, 1, 0):
        stream.expect(ORDER[begin:])
        for index in ORDER[begin : begin + 2]:
            assert torch.equal(stream.take(index), rows(index))


def test_no_more_is_on_its_way_than_there_is_room_for(stream: Stream) -> None:
    """Nor are more buffers made, however long the epoch."""
    assert len(ORDER) > DEPTH
    buffers = {id(buffer) for buffer in stream._free}
    stream.expect(ORDER)
    assert len(stream._ahead) == DEPTH
    for index in ORDER:
        stream.take(index)
    assert {id(buffer) for buffer in stream._free} == buffers


def test_an_error_in_a_thread_comes_out_where_the_rows_are_asked_for(stream: Stream) -> None:
    wrong = torch.tensor([3, 40])
    stream.expect([ORDER[0], wrong, ORDER[1]])
    assert torch.equal(stream.take(ORDER[0]), rows(ORDER[0]))
    with pytest.raises(IndexError, match="out of range"):
        stream.take(wrong)
    assert torch.equal(stream.take(ORDER[1]), rows(ORDER[1]))


def test_threads_end_with_the_stream(stream: Stream) -> None:
    stream.expect(ORDER)
    threads = gathering(stream)
    assert threads
    stream.close()
    assert not any(one.is_alive() for one in threads)
    assert torch.equal(stream.take(ORDER[0]), rows(ORDER[0])), "a closed stream still gives what it is asked for"


def test_threads_end_where_nobody_closed_it() -> None:
    stream = Stream(PIXELS, CPU)
    stream.expect(ORDER)
    threads = gathering(stream)
    assert threads
    del stream
    gc.collect()
    assert wait_for(lambda: not any(one.is_alive() for one in threads))
