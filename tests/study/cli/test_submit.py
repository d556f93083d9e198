"""What a submitted launch hands over and what it refuses to, with no cluster: those are in tests/cluster."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from study.cli import job
from study.cli.errors import CommandError
from study.cli.job import Handed, meet
from study.cli.submitted import awaited_lines
from study.cli.submitting import check_whole_paths, common_location
from study.executor.cluster import ClusterError, own_job, shipped_code
from study.executor.jobs import ENTRYPOINT, START, STARTING, STARTS, Jobs, Told, places
from study.provenance import without_secrets
from study.spec import load
from study.store import Owner, Store
from study.store.logbook import End
from study.store.submissions import (
    Submission,
    announce,
    asked_not_to_begin,
    awaited,
    refuse,
    submission_of,
    submitted_studies,
)
from tests.study.cli.conftest import Type
from tests.study.hand_made import TEXT

JOB = "study-small-20261122T230104-1a2b"


def handed_over(store: str, meeting: str) -> Handed:
    return Handed(
        study="small", job=JOB, command=("study", "launch", "small.yaml", "--limit", "2"), spec="small.yaml",
        typed="small.yaml", store=store, meeting=meeting, options={},
    )  # fmt: skip


def test_what_means_something_else_on_the_head_is_refused_before_anything_is_sent(study: Type, spec: Path) -> None:
    relative = study("launch", "small.yaml", "--submit", "http://127.0.0.1:1")
    assert relative.exit_code == 2
    assert "the store ./study-store would be another folder on the cluster's head; give --store" in relative.stderr
    assert not Path("study-store").exists()
    unreached = study("launch", "small.yaml", "--submit", "http://127.0.0.1:1", "--store", str(spec.parent / "s"))
    assert unreached.exit_code == 2
    assert "no dashboard answers there" in unreached.stderr
    assert not (spec.parent / "s").exists()
    assert study("launch", "small.yaml", "--submit", "http://h:1", "--address", "auto").exit_code == 2
    assert study("launch", "small.yaml", "--detach").exit_code == 2


def test_a_faulty_spec_is_refused_here(study: Type, spec: Path) -> None:
    spec.write_text(spec.read_text().replace("stability_training", "stabilty_training"))
    answer = study("launch", "small.yaml", "--submit", "http://127.0.0.1:1", "--store", str(spec.parent / "s"))
    assert answer.exit_code == 2
    assert "did you mean 'stability_training'" in answer.stderr


def test_stores_that_mean_the_same_everywhere(tmp_path: Path) -> None:
    assert common_location("s3://bucket/studies") == "s3://bucket/studies"
    assert common_location(str(tmp_path)) == str(tmp_path)
    with pytest.raises(CommandError, match=r"\./here would be another folder"):
        common_location("./here")


def test_paths_in_the_yaml_must_be_whole(tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    weights = "{method: standard, from: {weights: %s}}"
    for path, fine in (("w.pt", False), (str(tmp_path / "w.pt"), True)):
        text = TEXT.replace("{method: standard, from: scratch}", weights % path)
        for folder in (tmp_path, moved):
            (folder / "small.yaml").write_text(text)
        if fine:
            check_whole_paths(load(tmp_path / "small.yaml"), moved / "small.yaml")
        else:
            with pytest.raises(CommandError, match=r"relative to a folder of this machine \(.*w\.pt\); write whole"):
                check_whole_paths(load(tmp_path / "small.yaml"), moved / "small.yaml")


def test_variables_are_passed_on_where_they_name_places_and_never_secrets() -> None:
    given = {
        "STUDY_DATA": "/data", "MLFLOW_TRACKING_URI": "http://mlflow:5000", "AWS_SECRET_ACCESS_KEY": "x",
        "MLFLOW_TRACKING_PASSWORD": "x", "RAY_AUTH_TOKEN": "x", "AWS_ENDPOINT_URL": "http://minio:9000",
    }  # fmt: skip
    assert set(places(given)) == {"STUDY_DATA", "MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL"}
    with pytest.raises(ClusterError, match="STUDY_DATA is data, which means another folder"):
        places({"STUDY_DATA": "data"})


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://ada:geheim@db/mlflow", "postgresql://study:ge/heim@db/mlflow", "https://geheim@tracking",
        "postgresql://db/mlflow?user=study&password=geheim", "https://tracking/?token=geheim",
        "https://tracking/x?a=1&access_token=geheim", "https://host/x?X-Amz-Signature=geheim", "mysql://db;pwd=geheim",
        "mssql+pyodbc:///?odbc_connect=Driver%3D%7Bx%7D%3BUID%3Dsa%3BPwd%3Dgeheim%3BDatabase%3Dmlflow",
    ],
)  # fmt: skip
def test_an_address_that_says_a_secret_is_not_passed_on(uri: str) -> None:
    with pytest.raises(ClusterError, match="MLFLOW_TRACKING_URI has a user, password or token in it") as refused:
        places({"MLFLOW_TRACKING_URI": uri})
    assert "geheim" not in str(refused.value)
    assert "heim" not in without_secrets(f"set tracking.mlflow={uri} now")


@pytest.mark.parametrize("uri", ["http://host:5000/x?page=2&design=a&user=ada", "sqlite:////a/b%3Bc.db", "databricks"])
def test_an_address_without_a_secret_is_passed_on_as_it_is(uri: str) -> None:
    assert places({"MLFLOW_TRACKING_URI": uri}) == {"MLFLOW_TRACKING_URI": uri}
    assert without_secrets(uri) == uri


def test_an_address_that_is_no_dashboards_is_refused() -> None:
    with pytest.raises(ClusterError, match=r"--submit ray://head:10001: give the address of the head's dashboard"):
        Jobs("ray://head:10001")


def test_what_a_job_prints_is_said_once_from_its_own_first_line_on() -> None:
    said: list[str] = []
    told = Told(said.append)
    told.again()
    told.heard(f"setting up\n{STARTS}x: python\none\ntw")
    told.heard("o\n")
    told.again()  # the connection was lost
    told.heard(f"setting up\n{STARTS}x: python\none\ntwo\nthree\nfo")
    told.rest(f"setting up\n{STARTS}x: python\none\ntwo\nthree\nfour")
    assert said == ["one", "two", "three", "four"]


def test_the_head_knows_the_terminals_store_by_what_lies_in_it(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    store.objects.put("markers/1", b"here")
    handed = handed_over(store.location, "markers/1")
    meet(handed)
    assert store.objects.children("markers") == ()
    store.objects.put("other", b"")
    with pytest.raises(CommandError, match="is not the store that the terminal wrote into: give --store a folder"):
        meet(handed)
    with pytest.raises(CommandError, match="cannot read the store"):
        meet(handed_over(str(tmp_path / "no"), "x"))


@pytest.fixture
def head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Handed], int]:
    """Runs what was handed over as a cluster's head does, in a folder of its own."""
    folder = tmp_path / "head"
    folder.mkdir()
    (folder / "small.yaml").write_text(TEXT)

    def run(handed: Handed) -> int:
        (folder / job.FILE).write_text(json.dumps(asdict(handed)))
        monkeypatch.chdir(folder)
        monkeypatch.setattr("sys.argv", [])  # it sets what was typed
        monkeypatch.setenv("VIRTUAL_ENV", "")
        try:
            return job.main()
        finally:
            monkeypatch.chdir(tmp_path)

    return run


@pytest.fixture
def submitted(tmp_path: Path) -> Store:
    """./study-store, into which nothing was launched: a terminal has submitted the small study, two minutes ago."""
    store = Store.open(tmp_path / "study-store")
    store.objects.put("markers/1", b"here")
    at = datetime.now(UTC) - timedelta(seconds=120)
    owner = Owner.here("study launch small --submit")
    announce(store.objects, Submission(study="small", job=JOB, address="http://head:8265", at=at, owner=owner))
    return store


def test_a_job_that_cannot_run_says_why_and_exits_as_a_launch_does(
    head: Callable[[Handed], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert head(handed_over(str(tmp_path / "no"), "x")) == 2
    assert "cannot read the store" in capsys.readouterr().err


@pytest.mark.parametrize(("seconds", "asked_after"), [(-120, True), (-5, False), (3600, True)])
def test_a_job_is_asked_after_that_is_late_or_whose_terminal_has_another_clock(
    tmp_path: Path, seconds: int, asked_after: bool
) -> None:
    submission = Submission(
        study="small", job=JOB, address="http://head:8265", at=datetime.now(UTC) + timedelta(seconds=seconds),
        owner=Owner.here("study launch small --submit"),
    )  # fmt: skip
    said = "\n".join(awaited_lines(Store.open(tmp_path), submission, ""))
    assert ("tells why it has not begun" in said) == asked_after


def test_a_submitted_study_is_known_before_its_job_has_said_anything(study: Type, submitted: Store) -> None:
    for command in (("status", "small"), ("logs", "small.yaml")):
        answer = study(*command)
        assert answer.exit_code == 0, answer.stderr
        assert f"submitted as Ray job {JOB} to http://head:8265 at 20" in answer.stdout
        assert "; nothing heard of it yet" in answer.stdout
        assert f"ray job logs {JOB} --address http://head:8265" in answer.stdout
    known = json.loads(study("status", "small", "--json").stdout)
    assert (known["study"], known["complete"], known["submitted"]["job"]) == ("small", False, JOB)
    assert "`study status small` tells of one that was submitted" in study("list").stderr
    other = study("status", "smal")
    assert other.exit_code == 2
    assert "did you mean 'small'" in other.stderr


def test_a_stop_before_the_job_begins_is_heeded_when_it_does(
    study: Type, submitted: Store, head: Callable[[Handed], int], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = study("stop", "small", "--timeout", "0")
    assert asked.exit_code == 3, asked.stderr
    assert f"Asked to stop: small, submitted as Ray job {JOB}" in asked.stdout
    assert "It has not begun yet, and trains nothing when it does" in asked.stdout
    assert study("stop", "small", "--no-wait").exit_code == 0
    assert "asked to stop by" in study("status", "small").stdout
    assert head(handed_over(submitted.location, "markers/1")) == 130
    assert "Stopped before it began, as " in capsys.readouterr().err
    assert submitted.studies() == ()
    assert submitted.objects.beneath("markers") == ()
    said = study("status", "small").stdout
    assert "asked: nothing was trained. To go on: study launch small.yaml --limit 2 --store " in said
    assert "nothing heard" not in said
    again = study("stop", "small")
    assert (again.exit_code, "nothing to stop" in again.stdout) == (1, True)


def test_stopping_waits_for_a_job_that_heeds_it(study: Type, submitted: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.cli.submitted.LOOK_SECONDS", 0.05)
    found = awaited(submitted.objects, "small")
    assert found is not None

    def heed() -> None:
        while asked_not_to_begin(submitted.objects, found) is None:
            time.sleep(0.02)
        refuse(submitted.objects, found, End(at=datetime.now(UTC), status="stopped", message="Stopped before it began"))

    thread = threading.Thread(target=heed)
    thread.start()
    answer = study("stop", "small")
    thread.join()
    assert answer.exit_code == 0, answer.stderr
    assert "Stopped before it began" in answer.stdout


def test_why_a_launch_did_not_begin_is_left_in_the_store(
    study: Type, submitted: Store, head: Callable[[Handed], int]
) -> None:
    Path("head/small.yaml").write_text(TEXT.replace("stability_training", "stabilty_training"))
    assert head(handed_over(submitted.location, "markers/1")) == 2
    for command in ("status", "logs"):
        said = study(command, "small").stdout
        assert "its launch did not begin: " in said
        assert "did you mean 'stability_training'" in said


def test_a_job_that_is_killed_politely_before_it_begins_says_so(
    study: Type, submitted: Store, head: Callable[[Handed], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.cli.launching.conduct", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    assert head(handed_over(submitted.location, "markers/1")) == 130
    assert "Stopped before it began, by `ray job stop` or a signal" in study("status", "small").stdout


def test_a_job_leaves_no_word_in_a_store_that_is_not_the_terminals(
    tmp_path: Path, head: Callable[[Handed], int]
) -> None:
    other = Store.open(tmp_path / "other")
    other.objects.put("something", b"")
    assert head(handed_over(other.location, "markers/1")) == 2
    assert submitted_studies(other.objects) == frozenset()


def test_a_python_without_the_libraries_is_named_with_the_way_out(
    submitted: Store, head: Callable[[Handed], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "study.launch", None)
    assert head(handed_over(submitted.location, "markers/1")) == 2
    told = capsys.readouterr().err
    assert f"{sys.executable}, which Ray on" in told
    assert "-m pip install 'robustness-study[cluster]'" in told


class Cluster:
    """Stands for Ray's job server alone: `status` and `says` are what becomes of whatever is submitted."""

    status: int | None = None
    says = "sh: python: not found"
    met = False
    store = ""

    def __init__(self, address: str) -> None:
        pass

    def submit(self, name: str, study: str, folder: Path, code: list[str], places: object, install: bool) -> None:
        handed = json.loads((folder / job.FILE).read_text())
        objects = Store.open(handed["store"]).objects
        assert submission_of(objects, study, name) is not None
        if self.met:
            objects.delete(handed["meeting"])

    def ended(self, _job: object, say: Callable[[str], None]) -> int | None:
        if self.status is not None:
            say(self.says)
        return self.status

    def follow(self, _job: object, say: Callable[[str], None]) -> int:
        say(self.says)
        return self.status or 0


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> type[Cluster]:
    class One(Cluster):
        pass

    monkeypatch.setattr("study.cli.submitting.Jobs", One)
    monkeypatch.setattr("study.cli.submitting.LOOK_SECONDS", 0.01)
    return One


@pytest.mark.parametrize(("arguments", "status"), [(("--detach",), 1), ((), 127)])
def test_a_job_that_dies_before_its_launch_begins_is_told_of_and_leaves_nothing(
    study: Type, spec: Path, cluster: type[Cluster], arguments: tuple[str, ...], status: int
) -> None:
    cluster.status = 127
    place = spec.parent / "s"
    answer = study("launch", "small.yaml", "--submit", "http://head:8265", "--store", str(place), *arguments)
    assert answer.exit_code == status, answer.stderr
    assert "sh: python: not found" in answer.stdout
    assert "ended before its launch began: nothing was trained" in answer.stdout
    left = Store.open(place).objects
    assert left.beneath("markers") == left.beneath("studies") == ()


def test_a_job_that_has_met_the_store_is_left_alone_and_known(study: Type, spec: Path, cluster: type[Cluster]) -> None:
    cluster.met = True
    place = str(spec.parent / "s")
    answer = study("launch", "small.yaml", "--submit", "http://ana:geheim@head:8265", "--store", place, "--detach")
    assert answer.exit_code == 0, answer.stderr
    assert f"study stop small --store {place}" in answer.stdout
    said = study("status", "small", "--store", place).stdout
    assert "nothing heard of it yet" in said
    assert "geheim" not in said
    assert b"geheim" not in Store.open(place).objects.get(f"{submission_folder(place)}/about.json")


def submission_folder(place: str) -> str:
    (name,) = Store.open(place).objects.children("studies/small/submitted")
    return f"studies/small/submitted/{name}"


def fake_python(folder: Path, has_ray: bool) -> Path:
    """A program that says who it is; whether it has Ray is what it answers to the first question."""
    folder.mkdir(parents=True)
    program = folder / "python"
    program.write_text(f'#!/bin/sh\ncase $1 in -c) exit {0 if has_ray else 1};; esac\necho "$0 $*"\n')
    program.chmod(0o755)
    return program


def started(tmp_path: Path, command: str) -> "subprocess.CompletedProcess[str]":
    """START as Ray runs it: below a worker, below a raylet that was started with `command`; PATH has another python."""
    (tmp_path / START).write_text(STARTING)
    worker = f"import subprocess, sys; sys.exit(subprocess.run({ENTRYPOINT!r}, shell=True).returncode)"
    raylet = f"import subprocess, sys; sys.exit(subprocess.run([{sys.executable!r}, '-c', {worker!r}]).returncode)"
    return subprocess.run(
        [sys.executable, "-c", raylet, command], env={"PATH": f"{tmp_path / 'path'}:/usr/bin:/bin"},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_job_runs_with_the_python_of_the_heads_ray(tmp_path: Path) -> None:
    own, other = fake_python(tmp_path / "ray" / "bin", True), fake_python(tmp_path / "path", True)
    right = started(tmp_path, f"--python_worker_command={own} setup_worker.py default_worker.py")
    assert right.stdout == f"{own} -m study.cli.job\n", right.stderr
    fallback = started(tmp_path, "--head")
    assert fallback.stdout == f"{other} -m study.cli.job\n", fallback.stderr


def test_a_python_without_ray_is_named_with_the_way_out(tmp_path: Path) -> None:
    other = fake_python(tmp_path / "path", False)
    refused = started(tmp_path, "--head")
    assert refused.returncode == 2
    assert f"{other}, has no Ray; start the head with its own environment first on the PATH" in refused.stderr


def test_a_process_knows_which_job_it_is() -> None:
    given = json.dumps({"metadata": {"job_submission_id": "study-small-1"}, "runtime_env": {}})
    assert own_job({"RAY_JOB_CONFIG_JSON_ENV_VAR": given}) == "study-small-1"
    assert own_job({}) is None


def test_a_launch_ships_every_package_of_ours() -> None:
    assert {Path(one).name for one in shipped_code(everything=True)} == {
        "study", "trainables", "search_spaces", "dashboards",
    }  # fmt: skip
