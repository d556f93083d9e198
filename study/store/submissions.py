"""Submissions: launches that were handed to a cluster, and that no line of a logbook tells of yet.

    studies/<name>/submitted/<job>/about.json     who submitted which Ray job where; there before the job is
    studies/<name>/submitted/<job>/stop.json      somebody asks it not to begin
    studies/<name>/submitted/<job>/end.json       why its launch never began

A launch that begins shows itself in the logbook (study/store/logbook.py), and its submission goes. One that is older
than the newest launch is nobody's business any more: its cluster is gone, or it was overtaken. Which is older, no clock
is asked: a submission notes the newest launch that it knew of, and the storage which of two it was given first.
"""

import json
import re
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from study.store.logbook import End, Sitting, ask_to_stop, newest_sitting, parsed
from study.store.objects import Objects
from study.store.owners import Owner

ABOUT = re.compile(r"studies/([^/]+)/submitted/[^/]+/about\.json")


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A Ray job that is to launch a study."""

    study: str
    job: str
    """Its name begins with the study."""
    address: str
    """Of the cluster's dashboard, `http://head:8265`, without secrets."""
    at: datetime
    owner: Owner
    """The terminal."""
    after: int | None = None
    """The generation of the newest launch when this was announced, 0 if there was none; None before, and of one that an
    earlier version announced."""


def announce(objects: Objects, submission: Submission) -> None:
    """Show it to readers, and let go of earlier ones that have ended, or that a launch has overtaken."""
    sitting = newest_sitting(objects, submission.study)
    for one in _submissions(objects, submission.study):
        if _overtaken(one, sitting) or read_refusal(objects, one) is not None:
            withdraw(objects, one)
    told = replace(submission, after=0 if sitting is None else sitting.generation)
    objects.put(_name(told, "about.json"), json.dumps(asdict(told), default=datetime.isoformat).encode())


def withdraw(objects: Objects, submission: Submission) -> None:
    """It is of no interest any more."""
    for file in ("about.json", "stop.json", "end.json"):
        objects.delete(_name(submission, file))


def awaited(objects: Objects, study: str) -> Submission | None:
    """The newest that was submitted since the newest launch began; raises CorruptObjectError."""
    newest = next(iter(reversed(_submissions(objects, study))), None)
    return None if newest is None or _overtaken(newest, newest_sitting(objects, study)) else newest


def submission_of(objects: Objects, study: str, job: str) -> Submission | None:
    """None where its launch has begun, or it was withdrawn; raises CorruptObjectError."""
    name = f"{_folder(study)}/{job}/about.json"
    body = objects.get_if_present(name)
    return None if body is None else _submission(objects, name, body)


def submitted_studies(objects: Objects) -> frozenset[str]:
    """The names of studies of which a submission is kept."""
    return frozenset(found[1] for name in objects.beneath("studies") if (found := ABOUT.fullmatch(name)))


def ask_not_to_begin(objects: Objects, submission: Submission, by: str) -> None:
    """Ask its launch to stop before it trains anything; nothing of a submission whose launch has just begun."""
    objects.put(_name(submission, "stop.json"), json.dumps({"by": by}).encode())


def asked_not_to_begin(objects: Objects, submission: Submission) -> str | None:
    """Who asks; None if nobody does."""
    body = objects.get_if_present(_name(submission, "stop.json"))
    return None if body is None else str(json.loads(body)["by"])


def refuse(objects: Objects, submission: Submission, end: End) -> None:
    """Leave word of why its launch will never begin."""
    objects.put(_name(submission, "end.json"), json.dumps(asdict(end), default=datetime.isoformat).encode())


def read_refusal(objects: Objects, submission: Submission) -> End | None:
    """None of one that may still begin, as far as anybody has told; raises CorruptObjectError."""
    name = _name(submission, "end.json")
    body = objects.get_if_present(name)
    if body is None:
        return None
    known = parsed(objects, name, body)
    return End(**{**known, "at": datetime.fromisoformat(known["at"])})


def begun(objects: Objects, sitting: Sitting, job: str | None) -> None:
    """`sitting` is the launch of `job`, and takes its submission's place: requests to stop are its own from now on.

    Who asks looks afterwards whether the submission is still there; who begins takes requests up before and after it
    goes: so each request is seen by one of the two.
    """
    submission = submission_of(objects, sitting.study, job) if job is not None else None
    if submission is None:
        return
    by = asked_not_to_begin(objects, submission)
    objects.delete(_name(submission, "about.json"))
    by = by or asked_not_to_begin(objects, submission)
    if by is not None:
        ask_to_stop(objects, sitting, by)
    withdraw(objects, submission)


def _overtaken(submission: Submission, newest: Sitting | None) -> bool:
    """Whether the newest launch began after it was announced: as the clocks have it, where it does not say."""
    if newest is None:
        return False
    return submission.at < newest.since if submission.after is None else submission.after < newest.generation


def _submissions(objects: Objects, study: str) -> tuple[Submission, ...]:
    """In the order in which the storage was given them."""
    described = objects.described(_folder(study))
    names = sorted(filter(ABOUT.fullmatch, described), key=lambda name: described[name].modified)
    bodies = ((name, objects.get_if_present(name)) for name in names)
    return tuple(_submission(objects, name, body) for name, body in bodies if body is not None)


def _submission(objects: Objects, name: str, body: bytes) -> Submission:
    known = parsed(objects, name, body)
    return Submission(**{**known, "at": datetime.fromisoformat(known["at"]), "owner": Owner(**known["owner"])})


def _folder(study: str) -> str:
    return f"studies/{study}/submitted"


def _name(submission: Submission, file: str) -> str:
    return f"{_folder(submission.study)}/{submission.job}/{file}"
