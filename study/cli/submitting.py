"""`study launch SPEC --submit URL`: hands the launch to the head of a cluster, and shows what it says there."""

import contextlib
import json
import os
import secrets
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from study.cli.errors import STOPPED, UNFINISHED, CommandError
from study.cli.job import FILE, Handed
from study.cli.places import store_suffix
from study.cli.planning import as_typed
from study.cli.terminal import Terminal
from study.executor.cluster import ClusterError, shipped_code
from study.executor.jobs import Job, Jobs, places
from study.launch import LaunchOptions
from study.plan import Plan
from study.planning import make_plan
from study.provenance import without_secrets
from study.spec import Spec, load
from study.spec.form import FromWeights
from study.store import Store
from study.store.location import store_location


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
        meeting = f"markers/{secrets.token_hex(8)}"
        store.objects.put(meeting, b"here")
        typed = as_typed(source, overrides)
        typed += f" --submit {shlex.quote(without_secrets(address))}"
        command = ("study", *map(without_secrets, sys.argv[1:]))
        handed = Handed(
            command=command, spec=name, typed=typed, store=location, meeting=meeting,
            options=asdict(options) | {"address": "auto"},
        )  # fmt: skip
        (folder / FILE).write_text(json.dumps(asdict(handed)), encoding="utf-8")
        try:
            job = jobs.submit(plan.study, folder, shipped_code(everything=True), told)
        except ClusterError:
            store.objects.delete(meeting)
            raise
    suffix = store_suffix(given)
    terminal.print(f"{plan.study} is Ray job {job.job_id} at {without_secrets(address)}")
    if detach:
        _print_commands(plan, suffix, terminal)
        return 0
    terminal.print(f"Ctrl-C ends the watching, not the study.  To stop it:  study stop {plan.study}{suffix}")
    return _follow(jobs, job, plan, suffix, terminal)


def _follow(jobs: Jobs, job: Job, plan: Plan, suffix: str, terminal: Terminal) -> int:
    """What the job says until it ends; its exit status, or that of a terminal that has seen enough."""
    try:
        return jobs.follow(job, terminal.print)
    except KeyboardInterrupt:
        terminal.print(f"\nNo longer watching; {plan.study} goes on.")
        _print_commands(plan, suffix, terminal)
        return STOPPED
    except ClusterError as error:
        terminal.print("\n".join(terminal.wrap(f"{error}; if the head lives, {plan.study} goes on.")))
        _print_commands(plan, suffix, terminal)
        return UNFINISHED


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
