"""The entrypoint that `study cluster template kuberay` writes, run by the shells that KubeRay and Ray run it by.

KubeRay (1.4 and newer, `BuildJobSubmitCommand` in its `job.go`) joins words to a text for the submitter's `bash -ce`,
the entrypoint among them as it is. `ray job submit` quotes what it gets after `--`, by `shlex.join` (as in the Ray that
is installed here) or by `subprocess.list2cmdline` (before ray#63797), and the head runs that by `sh -c`. The stand-ins
here do the same, and say where they were called.
"""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.study.cli.conftest import Type

FAKES = {
    "ray": """
        if sys.argv[1:] == ["status"]:
            asked = place / "asked"
            asked.write_text(asked.read_text() + "." if asked.exists() else ".")
            print("Active: 1 headgroup" if len(asked.read_text()) > 2 else "Active: 1 node_0f")
        if sys.argv[1:3] == ["job", "status"]:
            sys.exit(1)  # no such job yet
        if sys.argv[1:3] == ["job", "submit"]:
            entrypoint = sys.argv[sys.argv.index("--") + 1:]
            quoted = {"shlex.join": shlex.join, "list2cmdline": subprocess.list2cmdline}[os.environ["QUOTED_BY"]]
            command = ["/bin/sh", "-c", quoted(entrypoint)]
            status = subprocess.run(command, env=os.environ | {"WHERE": "job"}).returncode
            (place / "status").write_text(str(status))
    """,
    "study": """
        with (place / "called").open("a") as called:
            print(json.dumps([os.environ["WHERE"], *sys.argv[1:]]), file=called)
        sys.exit(int(os.environ["WAIT" if sys.argv[1] == "cluster" else "LAUNCH"]))
    """,
    "sleep": "",
}
WAITED = ["job", "cluster", "wait", "--nodes", "3", "--minutes", "60"]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How the job went."""

    submitter: int
    """The submitter's exit status."""
    job: int
    """The entrypoint's exit status on the head: other than 0, and KubeRay makes the cluster anew."""
    called: list[list[str]]
    """Where `study` was called, and with which arguments, in order."""
    said: str


def submitted(entrypoint: str) -> str:
    """What the submitter's bash is given."""
    address = "--address http://study-head-svc:8265"
    return (
        f"if ! ray job status {address} study-x >/dev/null 2>&1 ; then ray job submit {address} --no-wait "
        f"--submission-id study-x -- {entrypoint.strip()} ; fi ; ray job logs {address} --follow study-x"
    )


Run = Callable[..., Ended]


@pytest.fixture(params=["shlex.join", "list2cmdline"])
def run(study: Type, tmp_path: Path, request: pytest.FixtureRequest) -> Run:
    """`run(launch=130)` writes a manifest, and runs its entrypoint among stand-ins that end with these statuses."""
    (tmp_path / "bin").mkdir()
    for name, body in FAKES.items():
        lines = [
            f"#!{sys.executable}",
            "import json, os, pathlib, shlex, subprocess, sys",
            "place = pathlib.Path.cwd()",
        ]
        path = tmp_path / "bin" / name
        path.write_text("\n".join([*lines, textwrap.dedent(body)]))
        path.chmod(0o755)

    def ran(
        spec: str = "grid_tifs", store: str = "/mnt/study/store", *, workers: int = 2, wait: int = 0, launch: int = 0
    ) -> Ended:
        answer = study(
            "cluster", "template", "kuberay", spec, "--image", "i:1", "--store", store, "--pvc", "p",
            "--min-workers", str(workers), "--secret", "keys",
        )  # fmt: skip
        assert answer.exit_code == 0, answer.stderr
        entrypoint = yaml.safe_load(answer.stdout)["spec"]["entrypoint"]
        environment = {
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "WHERE": "submitter", "QUOTED_BY": request.param,
            "WAIT": str(wait), "LAUNCH": str(launch),
        }  # fmt: skip
        done = subprocess.run(
            ["/bin/bash", "-ce", "--", submitted(entrypoint)], cwd=tmp_path, env=environment, capture_output=True,
            text=True, timeout=30,
        )  # fmt: skip
        called = [json.loads(line) for line in (tmp_path / "called").read_text().splitlines()]
        status = int((tmp_path / "status").read_text())
        return Ended(submitter=done.returncode, job=status, called=called, said=done.stdout + done.stderr)

    return ran


@pytest.mark.parametrize(
    ("spec", "store"),
    [
        ("grid_tifs", "/mnt/study/store"),
        ("/mnt/study/a~b%20c@d,e+f=g:1.yaml", "s3://bucket/~x/%41"),  # all that is not refused
    ],
)
def test_it_waits_and_launches_on_the_cluster_and_not_where_it_is_submitted(run: Run, spec: str, store: str) -> None:
    ended = run(spec, store)
    assert ended.called == [WAITED, ["job", "launch", spec, "--address", "auto", "--store", store]], ended.said
    assert (ended.submitter, ended.job, ended.said) == (0, 0, "")


@pytest.mark.parametrize(("launch", "job"), [(0, 0), (1, 1), (2, 0)])
def test_without_workers_it_waits_until_the_autoscaler_tells_of_itself(
    run: Run, tmp_path: Path, launch: int, job: int
) -> None:
    """A launch before that is refused: no node has room, and none would come."""
    ended = run(workers=0, launch=launch)
    assert [called[:2] for called in ended.called] == [["job", "cluster"], ["job", "launch"]]
    assert ended.called[0][3:5] == ["--nodes", "1"]
    assert (tmp_path / "asked").read_text() == "...", "the third answer names the head as the autoscaler calls it"
    assert ended.job == job


def test_with_workers_the_autoscaler_is_not_waited_for(run: Run, tmp_path: Path) -> None:
    run()
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("launch", [130, 2, 3])
def test_what_a_new_cluster_would_not_change_ends_the_job(run: Run, launch: int) -> None:
    ended = run(launch=launch)
    assert [called[:2] for called in ended.called] == [["job", "cluster"], ["job", "launch"]]
    assert (ended.job, ended.said) == (0, "So ended, a new cluster would not change it: this job is over.\n")


@pytest.mark.parametrize("launch", [1, 13, 30, 137])
def test_what_a_new_cluster_may_mend_fails_the_job(run: Run, launch: int) -> None:
    ended = run(launch=launch)
    assert [called[:2] for called in ended.called] == [["job", "cluster"], ["job", "launch"]]
    assert (ended.job, ended.said) == (1, "")


def test_nothing_is_launched_without_its_workers(run: Run) -> None:
    ended = run(wait=1)
    assert ended.called == [WAITED]
    assert ended.job == 1
