"""The logbook: what each launch of a study said, where it ran, and what it was asked, for readers anywhere.

    studies/<name>/log/<sitting>/about.json       who launched, where, since when; there before any line
    studies/<name>/log/<sitting>/000001.jsonl     lines, SEGMENT_BYTES at most; the newest is put again as it grows
    studies/<name>/log/<sitting>/stop.json        somebody asks this launch, and no later one, to stop
    studies/<name>/log/<sitting>/end.json         how it ended; one that was killed has none

A sitting is one launch at work. Its name begins with the generation of its lease, `000012-20261123T084649.123456-9f3c`,
so that launches are in order whatever the clocks of the machines say that they were launched from.
"""

import json
import secrets
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from study.store.errors import CorruptObjectError
from study.store.objects import Objects
from study.store.owners import Owner

SEGMENT_BYTES = 64 * 2**10
SEGMENTS = 128
"""Kept of a launch: the first, which tells how it began, and the newest."""
SITTINGS = 50
"""Launches of a study whose lines are kept: with SEGMENTS of SEGMENT_BYTES each, 400 MiB at the very most."""
FLUSH_SECONDS = 2.0
"""How old a line may get before it is in the store."""

Ended = Literal["complete", "incomplete", "stopped", "failed"]
Cursor = tuple[int, int]
"""How far a reader is: the segment, and how many of its lines are read."""
BEGINNING: Cursor = (1, 0)


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One change of state."""

    at: datetime
    change: str
    message: str
    trial_id: str | None = None
    label: str = ""
    train_distortion: str = ""
    settings: str = ""
    """`alpha=0.316 sigma=0.3`"""
    trials_done: int = 0
    trials: int = 0


@dataclass(frozen=True, kw_only=True)
class Sitting:
    """One launch at work, or that was."""

    study: str
    name: str
    since: datetime
    owner: Owner
    generation: int
    """Of the study's lease, which only grows: tells which launch is newer, and whether it is this one that holds it."""
    cluster: str | None = None
    """`host:port` of Ray's head; None where the launch started a Ray of its own."""
    job: str | None = None
    """The Ray job that it is, if it was submitted as one."""
    where: str = ""
    """`2 workers on 3 nodes (48 CPUs, 12 GPUs)`; empty until it is known."""


@dataclass(frozen=True, kw_only=True)
class End:
    """How a launch ended."""

    at: datetime
    status: Ended
    message: str


class Logbook:
    """The lines of one launch, written by a thread, a little late; storage that fails loses none that it will take
    later, and never fails the launch."""

    def __init__(self, objects: Objects, study: str, owner: Owner, generation: int) -> None:
        now = datetime.now(UTC)
        name = f"{generation:06d}-{now:%Y%m%dT%H%M%S.%f}-{secrets.token_hex(2)}"
        self.objects = objects
        self.sitting = Sitting(study=study, name=name, since=now, owner=owner, generation=generation)
        self._begun = False
        self._lock = threading.Lock()
        self._waiting: list[bytes] = []
        """Lines that are in no segment yet."""
        self._segment, self._content = 1, b""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._flushing, name=f"log of {study}", daemon=True)

    def begin(self) -> None:
        """Show the launch to readers, with what was written so far; and let go of the oldest launches' lines."""
        self._begun = True
        self._tell()
        _forget(self.objects, self.sitting.study)
        self._thread.start()

    def found(self, *, cluster: str | None, job: str | None, where: str) -> None:
        """Say where it runs."""
        self.sitting = replace(self.sitting, cluster=cluster, job=job, where=where)
        self._tell()

    def _tell(self) -> None:
        with suppress(OSError):
            self.objects.put(_name(self.sitting, "about.json"), _dump(self.sitting), durable=False)

    def write(self, line: LogLine) -> None:
        """From any thread."""
        with self._lock:
            self._waiting.append(_dump(line) + b"\n")

    def asked_to_stop(self) -> str | None:
        """Who asks; None if nobody does."""
        body = self.objects.get_if_present(_name(self.sitting, "stop.json")) if self._begun else None
        return None if body is None else str(json.loads(body)["by"])

    def end(self, status: Ended, message: str) -> None:
        """The last word; nothing, of a launch that never began."""
        if not self._begun:
            return
        self._ended.set()
        self._thread.join()
        with suppress(OSError):
            self._flush()
            end = End(at=datetime.now(UTC), status=status, message=message)
            self.objects.put(_name(self.sitting, "end.json"), _dump(end), durable=False)

    def _flushing(self) -> None:
        while not self._ended.wait(FLUSH_SECONDS):
            with suppress(OSError):
                self._flush()

    def _flush(self) -> None:
        """Put the newest segment, and begin others as it fills."""
        with self._lock:
            lines = list(self._waiting)
        written = 0
        while written < len(lines):
            content = self._content
            taken = written
            while taken < len(lines) and (not content or len(content) + len(lines[taken]) <= SEGMENT_BYTES):
                content += lines[taken]
                taken += 1
            if taken > written:
                self.objects.put(_segment(self.sitting, self._segment), content, durable=False)
                self._content = content
                with self._lock:
                    del self._waiting[: taken - written]
                written = taken
            if written < len(lines):
                self._segment, self._content = self._segment + 1, b""
                if self._segment > SEGMENTS:
                    self.objects.delete(_segment(self.sitting, self._segment - SEGMENTS + 1))


def sittings(objects: Objects, study: str) -> tuple[Sitting, ...]:
    """Every launch whose lines are kept, the oldest first; raises CorruptObjectError."""
    read = ((name, objects.get_if_present(f"{_folder(study)}/{name}/about.json")) for name in _names(objects, study))
    return tuple(_sitting(objects, study, name, body) for name, body in read if body is not None)


def newest_sitting(objects: Objects, study: str) -> Sitting | None:
    """None if no launch of the study kept lines."""
    for name in reversed(_names(objects, study)):
        body = objects.get_if_present(f"{_folder(study)}/{name}/about.json")
        if body is not None:
            return _sitting(objects, study, name, body)
    return None


def read_end(objects: Objects, sitting: Sitting) -> End | None:
    """None of a launch that is at work, or was killed; raises CorruptObjectError."""
    body = objects.get_if_present(_name(sitting, "end.json"))
    if body is None:
        return None
    known = parsed(objects, _name(sitting, "end.json"), body)
    return End(**{**known, "at": datetime.fromisoformat(known["at"])})


def read_lines(objects: Objects, sitting: Sitting, since: Cursor = BEGINNING) -> tuple[tuple[LogLine, ...], Cursor]:
    """What was said since, and how far that is; raises CorruptObjectError.

    Where lines are no longer kept, a line says how many segments of them went.
    """
    numbers = [int(name[:6]) for name in objects.children(_place(sitting)) if name.endswith(".jsonl")]
    found: list[LogLine] = []
    segment, read = since
    for number in sorted(one for one in numbers if one >= segment):
        name = _segment(sitting, number)
        body = objects.get_if_present(name)
        if body is None:
            continue
        lines = [_line(objects, name, one) for one in body.splitlines()]
        if number > segment + 1:
            found.append(_gap(lines[0], (number - segment - 1) * SEGMENT_BYTES))
        found.extend(lines[read if number == segment else 0 :])
        segment, read = number, len(lines)
    return tuple(found), (segment, read)


def ask_to_stop(objects: Objects, sitting: Sitting, by: str) -> None:
    """Ask this launch, and no other, to stop as Ctrl-C does."""
    objects.put(_name(sitting, "stop.json"), json.dumps({"by": by}).encode())


def _gap(first: LogLine, octets: int) -> LogLine:
    told = f"about {octets / 2**20:.1f} MiB of lines before this one are no longer kept"
    return LogLine(at=first.at, change="notice", message=told, trials_done=first.trials_done, trials=first.trials)


def _forget(objects: Objects, study: str) -> None:
    """Delete the lines of all but the newest SITTINGS launches."""
    with suppress(OSError):
        for name in _names(objects, study)[:-SITTINGS]:
            for one in objects.beneath(f"{_folder(study)}/{name}"):
                objects.delete(one)


def _names(objects: Objects, study: str) -> list[str]:
    """Of its launches, the oldest first; earlier versions named theirs by time alone, and those are the oldest."""
    return sorted(objects.children(_folder(study)), key=lambda name: (name.count("-"), name))


def _dump(known: LogLine | Sitting | End) -> bytes:
    return json.dumps(asdict(known), ensure_ascii=False, default=_plain).encode()


def _plain(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def _sitting(objects: Objects, study: str, name: str, body: bytes) -> Sitting:
    known = parsed(objects, f"{_folder(study)}/{name}/about.json", body)
    return Sitting(**{**known, "since": datetime.fromisoformat(known["since"]), "owner": Owner(**known["owner"])})


def _line(objects: Objects, name: str, text: bytes) -> LogLine:
    known = parsed(objects, name, text)
    return LogLine(**{**known, "at": datetime.fromisoformat(known["at"])})


def parsed(objects: Objects, name: str, body: bytes) -> dict[str, Any]:
    """What an object says that no result depends on; raises CorruptObjectError."""
    try:
        known: dict[str, Any] = json.loads(body)
    except ValueError as error:
        way_out = "Delete it: no result depends on it"
        raise CorruptObjectError(objects.address(name), f"not whole JSON ({error})", way_out) from error
    return known


def _folder(study: str) -> str:
    return f"studies/{study}/log"


def _place(sitting: Sitting) -> str:
    return f"{_folder(sitting.study)}/{sitting.name}"


def _name(sitting: Sitting, file: str) -> str:
    return f"{_place(sitting)}/{file}"


def _segment(sitting: Sitting, number: int) -> str:
    return _name(sitting, f"{number:06d}.jsonl")
