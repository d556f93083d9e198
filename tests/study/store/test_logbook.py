"""The logbook: every line once and in order, bounded, on storage of both kinds, through storage that fails."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from study.store import CorruptObjectError, Owner, Store
from study.store import logbook as module
from study.store.logbook import (
    BEGINNING,
    Logbook,
    LogLine,
    ask_to_stop,
    newest_sitting,
    read_end,
    read_lines,
    sittings,
)
from tests.study.clocks import clock_ahead

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store.open(tmp_path if request.param == "local" else f"memory://{uuid4().hex}")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.01)


def book(store: Store, generation: int = 1) -> Logbook:
    return Logbook(store.objects, "small", Owner.here("study launch small"), generation)


def named_by_time(log: Logbook) -> Logbook:
    """As earlier versions named it."""
    log.sitting = replace(log.sitting, name=log.sitting.name.partition("-")[2])
    return log


def line(number: int) -> LogLine:
    return LogLine(at=NOON + timedelta(seconds=number), change="done", message=f"line {number}", trial_id="7c1e",
                   label="ST", trials_done=number, trials=99)  # fmt: skip


def test_lines_come_back_whole_and_in_order_and_a_reader_goes_on_where_it_was(store: Store) -> None:
    log = book(store)
    log.write(line(0))
    assert sittings(store.objects, "small") == ()
    log.begin()
    log.found(cluster="head:6379", job="study-small-1", where="2 workers on 2 nodes")
    (sitting,) = sittings(store.objects, "small")
    assert (sitting.cluster, sitting.job, sitting.owner) == (
        "head:6379",
        "study-small-1",
        Owner.here(sitting.owner.what),
    )
    assert read_end(store.objects, sitting) is None
    seen, cursor = list[LogLine](), BEGINNING
    for number in range(1, 1000):
        log.write(line(number))
        if number % 100 == 0:
            new, cursor = read_lines(store.objects, sitting, cursor)
            seen += new
    log.end("stopped", "by ana")
    new, cursor = read_lines(store.objects, sitting, cursor)
    assert [*seen, *new] == [line(number) for number in range(1000)]
    assert read_lines(store.objects, sitting, cursor)[0] == ()
    end = read_end(store.objects, sitting)
    assert end is not None
    assert (end.status, end.message) == ("stopped", "by ana")


def test_no_more_is_kept_than_the_bound_and_a_line_says_what_went(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEGMENT_BYTES", 2000)
    monkeypatch.setattr(module, "SEGMENTS", 4)
    log = book(store)
    log.begin()
    for number in range(200):
        log.write(line(number))
    log.end("complete", "")
    (sitting,) = sittings(store.objects, "small")
    names = [name for name in store.objects.beneath("studies/small/log") if name.endswith(".jsonl")]
    assert len(names) == 4
    assert sum(len(store.objects.get(name)) for name in names) <= 4 * 2000
    told = [one.message for one in read_lines(store.objects, sitting)[0]]
    assert told[0] == "line 0"
    assert told[-1] == "line 199"
    assert sum("no longer kept" in one for one in told) == 1


def test_only_the_newest_launches_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SITTINGS", 3)
    for generation in range(1, 6):
        log = book(store, generation)
        log.begin()
        log.end("complete", "")
    assert [one.generation for one in sittings(store.objects, "small")] == [3, 4, 5]
    newest = newest_sitting(store.objects, "small")
    assert newest is not None
    assert newest.generation == 5


def test_launches_are_in_the_order_of_their_leases_whatever_the_clocks_say(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SITTINGS", 3)
    for generation, hours in enumerate((2, 0, 3, 1), start=1):
        with clock_ahead(hours):
            log = book(store, generation)
        log.begin()
        log.end("complete", "")
        newest = newest_sitting(store.objects, "small")
        assert newest is not None
        assert newest.generation == generation
    assert [one.generation for one in sittings(store.objects, "small")] == [2, 3, 4]


def test_launches_that_earlier_versions_named_by_time_alone_come_first(store: Store) -> None:
    logs = [named_by_time(book(store, 998)), named_by_time(book(store, 999)), book(store, 1000), book(store, 1001)]
    for log in logs:
        log.begin()
    found = sittings(store.objects, "small")
    assert found == tuple(log.sitting for log in logs)
    assert newest_sitting(store.objects, "small") == found[-1]
    for log in logs:
        log.end("complete", "")


def test_a_request_to_stop_is_for_one_launch_alone(store: Store) -> None:
    earlier, later = book(store, 1), book(store, 2)
    earlier.begin()
    ask_to_stop(store.objects, sittings(store.objects, "small")[0], "ana on laptop")
    later.begin()
    assert earlier.asked_to_stop() == "ana on laptop"
    assert later.asked_to_stop() is None
    earlier.end("stopped", "")
    later.end("complete", "")


def test_storage_that_fails_for_a_while_loses_no_line_and_no_launch(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    log = book(store)
    log.begin()
    log.objects = broken = Broken(store)  # type: ignore[assignment]
    log.write(line(1))
    while broken.refused < 2:
        pass
    broken.works = True
    log.write(line(2))
    log.end("complete", "")
    assert read_lines(store.objects, sittings(store.objects, "small")[0])[0] == (line(1), line(2))


class Broken:
    """Refuses to write until it works."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.works = False
        self.refused = 0

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        if not self.works:
            self.refused += 1
            raise OSError("no room")
        self.store.objects.put(name, data, durable=durable)


def test_what_cannot_be_read_is_named(store: Store) -> None:
    log = book(store)
    log.begin()
    log.write(line(1))
    log.end("complete", "")
    (sitting,) = sittings(store.objects, "small")
    name = f"studies/small/log/{sitting.name}/000001.jsonl"
    store.objects.put(name, b"{")
    with pytest.raises(CorruptObjectError, match=f"{name}.*no result depends on it"):
        read_lines(store.objects, sitting)
