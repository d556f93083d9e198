"""`study launch SPEC --submit URL`: hands the launch to the head of a cluster, and shows what it says there."""

import contextlib
import json
import os
import secrets
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from study.cli.errors import STOPPED, UNFINISHED, CommandError
from study.cli.job import FILE, Handed
from study.cli.places import store_suffix
from study.cli.planning import as_typed
from study.cli.terminal import Terminal
from study.executor.cluster import ClusterError, shipped_code
from study.executor.jobs import Job, Jobs, job_name, places
from study.launch import LaunchOptions
from study.plan import Plan
from study.planning import make_plan
from study.provenance import without_secrets
from study.spec import Spec, load
from study.spec.form import FromWeights
from study.store import Owner, Store, StoreError
from study.store.location import store_location
from study.store.submissions import Submission, announce, submission_of, withdraw

BEGINNING_SECONDS = 30.0
"""For how long --detach waits for the head to take the launch up; Ray needs some ten of them."""
LOOK_SECONDS = 0.5


def submit(
    source: str,
    overrides: Sequence[str],
    given: str | None,
    options: LaunchOptions,
    address: str,
    *,
    detach: bool,
    terminal: Terminal,
) -> int:
    """The whole command; its exit status."""
    spec = load(source, overrides)
    plan = make_plan(spec, fingerprint="")
    location = common_location(given)
    told = places(os.environ)
    with tempfile.TemporaryDirectory(prefix="study-") as scratch:
        folder = Path(scratch).resolve()
        name = f"{plan.study}.yaml"
        (folder / name).write_text(spec.text, encoding="utf-8")
        check_whole_paths(spec, folder / name)
        jobs = Jobs(address)
        store = Store.open(location)
        submission = Submission(
            study=plan.study, job=job_name(plan.study), address=without_secrets(address), at=datetime.now(UTC),
            owner=Owner.here(f"study launch {plan.study} --submit"),
        )  # fmt: skip
        typed = as_typed(source, overrides)
        typed += f" --submit {shlex.quote(submission.address)}" + (" --install" if options.install else "")
        command = ("study", *map(without_secrets, sys.argv[1:]))
        sent = Sent(jobs, store, submission, f"markers/{secrets.token_hex(8)}")
        handed = Handed(
            study=plan.study, job=submission.job, command=command, spec=name, typed=typed, store=location,
            meeting=sent.meeting, options=asdict(options) | {"address": "auto"},
        )  # fmt: skip
        (folder / FILE).write_text(json.dumps(asdict(handed)), encoding="utf-8")
        try:
            store.objects.put(sent.meeting, b"here")
            announce(store.objects, submission)  # before the job is there: it may begin at once
            jobs.submit(submission.job, plan.study, folder, shipped_code(everything=True), told, options.install)
        except BaseException:
            sent.forget()
            raise
    suffix = store_suffix(given)
    terminal.print(f"{plan.study} is Ray job {submission.job} at {submission.address}")
    if detach:
        return _see_it_begin(sent, plan, suffix, terminal)
    terminal.print(f"Ctrl-C ends the watching, not the study.  To stop it:  study stop {plan.study}{suffix}")
    return _follow(sent, plan, suffix, terminal)


class Sent:
    """A launch that was handed over, and what of it lies in the store until it begins."""

    def __init__(self, jobs: Jobs, store: Store, submission: Submission, meeting: str) -> None:
        self.jobs = jobs
        self.store = store
        self.submission = submission
        self.meeting = meeting
        self.job = Job(job_id=submission.job, address=submission.address)

    def met(self) -> bool:
        """Whether the head has read the store."""
        return not self.store.objects.exists(self.meeting)

    def begun(self) -> bool:
        """Whether a launch has taken the submission's place, or had nothing to do."""
        return submission_of(self.store.objects, self.submission.study, self.submission.job) is None

    def forget(self) -> None:
        """Nothing of it is left in the store, where that can still be reached."""
        with contextlib.suppress(StoreError, OSError):
            self.store.objects.delete(self.meeting)
            withdraw(self.store.objects, self.submission)


def _see_it_begin(sent: Sent, plan: Plan, suffix: str, terminal: Terminal) -> int:
    """Wait until the head has taken the launch up, or BEGINNING_SECONDS; 1 if it has failed by then, and why."""
    deadline = time.monotonic() + BEGINNING_SECONDS
    with contextlib.suppress(ClusterError, KeyboardInterrupt):  # it was submitted, whatever becomes of the connection
        while time.monotonic() < deadline:
            met = sent.met()
            status = sent.jobs.ended(sent.job, terminal.print)
            if status:
                _tell_if_never_begun(sent, terminal)
                return UNFINISHED
            if met or status == 0:
                break
            time.sleep(LOOK_SECONDS)
    _print_commands(plan, suffix, terminal)
    return 0


def _follow(sent: Sent, plan: Plan, suffix: str, terminal: Terminal) -> int:
    """What the job says until it ends; its exit status, or that of a terminal that has seen enough."""
    try:
        status = sent.jobs.follow(sent.job, terminal.print)
    except KeyboardInterrupt:
        terminal.print(f"\nNo longer watching; {plan.study} goes on.")
        _print_commands(plan, suffix, terminal)
        return STOPPED
    except ClusterError as error:
        terminal.print("\n".join(terminal.wrap(f"{error}; if the head lives, {plan.study} goes on.")))
        _print_commands(plan, suffix, terminal)
        return UNFINISHED
    _tell_if_never_begun(sent, terminal)
    return status


def _tell_if_never_begun(sent: Sent, terminal: Terminal) -> None:
    """Of a job that has ended: whoever watched has seen why, and nothing of it stays in the store."""
    with contextlib.suppress(StoreError, OSError):
        if not sent.begun():
            terminal.print(f"{sent.submission.job} ended before its launch began: nothing was trained.")
    sent.forget()


def _print_commands(plan: Plan, suffix: str, terminal: Terminal) -> None:
    rows = (
        (f"study status {plan.study}{suffix}", "how far it is, and where it runs"),
        (f"study logs {plan.study} --follow{suffix}", "what it says"),
        (f"study stop {plan.study}{suffix}", "stops it cleanly; the next launch goes on"),
    )
    wide = max(len(command) for command, _ in rows)
    for command, why in rows:
        terminal.print(f"  {command:<{wide}}    {why}")


def common_location(given: str | None) -> str:
    """Where the store is, in words that mean the same on the head; raises CommandError if they would not."""
    location = store_location(given)
    if "://" in location or Path(location).expanduser().is_absolute():
        return location if "://" in location else str(Path(location).expanduser())
    raise CommandError(
        f"the store {location} would be another folder on the cluster's head; give --store, or $STUDY_STORE, a bucket "
        "(s3://…), or the whole path of a folder that this machine and the cluster share"
    )


def check_whole_paths(spec: Spec, moved: Path) -> None:
    """Raises CommandError if the same text, read in another folder, names other files: so it would on the head."""
    try:
        with contextlib.chdir(moved.parent):
            there = load(moved)
    except ValueError as error:
        raise CommandError(f"on the cluster's head the study would be faulty: {error}") from error
    different = [here for here, other in zip(_files(spec), _files(there), strict=True) if here != other]
    if different:
        raise CommandError(
            f"{spec.study} names files relative to a folder of this machine ({', '.join(different)}); write whole "
            "paths, which the cluster's nodes have too"
        )


def _files(spec: Spec) -> list[str]:
    """The data's folder and the files of weights that a spec names, as whole paths."""
    starts = [method.train.start for method in spec.methods]
    return [str(spec.data.parameters.get("root")), *(one.path for one in starts if isinstance(one, FromWeights))]
