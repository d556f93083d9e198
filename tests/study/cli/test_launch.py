"""`study launch`, for real on a small study, as a process of its own."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from study.query import open_tables
from study.store import Owner, Store
from tests.study.cli.conftest import Type
from tests.study.hand_made import CONDITIONS, TEXT, TRIALS, launched, small_plan

pytestmark = pytest.mark.ray

STUDY = [sys.executable, "-m", "study.cli"]


def typed(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*STUDY, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=240)


def rows(store: Path, study: str, sql: str) -> list[dict[str, Any]]:
    return open_tables(Store.open(store), study).sql(sql).to_pylist()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds small.yaml and, once launched, its store."""
    folder = tmp_path_factory.mktemp("launched")
    (folder / "small.yaml").write_text(TEXT)
    return folder


@pytest.fixture(scope="module")
def first(folder: Path) -> "subprocess.CompletedProcess[str]":
    """The first, whole launch."""
    return typed(folder, "launch", "small.yaml")


def test_a_launch_tells_a_line_a_change_and_ends_with_the_table(first: "subprocess.CompletedProcess[str]") -> None:
    assert first.returncode == 0, first.stderr
    done = re.findall(r"^\d\d:\d\d:\d\d  done      [0-9a-f]{8}  (\w+)  (\S+) .* (\d)/9$", first.stdout, re.MULTILINE)
    assert len(done) == TRIALS
    assert f"small is complete: {TRIALS} trials, {TRIALS * CONDITIONS} evaluations, none failed" in first.stdout
    assert re.search(r"^ +gaussian_noise +ST +4 +\d+\.\d ± \d\.\d +\d+\.\d ± \d\.\d", first.stdout, re.MULTILINE)
    assert "The other 3 train × test pairs:  study query small practical" in first.stdout
    assert re.search(r"^Next\n", first.stdout, re.MULTILINE)
    assert "study launch small.yaml" in first.stdout


def test_launching_again_does_nothing_and_says_so(first: object, folder: Path) -> None:
    again = typed(folder, "launch", "small.yaml")
    assert again.returncode == 0
    assert again.stdout == (
        "small is complete: 9 of 9 trials, 36 of 36 evaluations in ./study-store.  Nothing to do.\n"
    )


def test_the_end_table_agrees_with_the_view_practical(first: "subprocess.CompletedProcess[str]", folder: Path) -> None:
    sql = "FROM practical WHERE test_distortion = train_distortion AND label = 'ST'"
    (row,) = json.loads(typed(folder, "query", "small", sql, "--format", "json").stdout)
    worst, best = f"{100 * row['worst']:.1f} ± {100 * row['worst_error']:.1f}", f"{100 * row['best']:.1f}"
    assert re.search(rf"gaussian_noise +ST +4 +{worst} +{best} ", first.stdout)


def test_plan_then_knows_what_the_store_has_and_what_more_would_take(first: object, folder: Path) -> None:
    told = json.loads(typed(folder, "plan", "small.yaml", "--json").stdout)
    assert (told["trials"]["done"], told["evaluations"]["done"]) == (TRIALS, TRIALS * CONDITIONS)
    assert told["cost"]["seconds_left"] == 0
    wider = typed(folder, "plan", "small.yaml", "--set", "methods.DA.p=0.5").stdout
    assert "7 trials and 28 evaluations in ./study-store; missing: 2 and 8" in wider
    assert re.search(r"time +about .+ on .+ from units of the same kind in this store", wider)


def test_every_run_is_in_mlflow_when_the_launch_ends(first: "subprocess.CompletedProcess[str]", folder: Path) -> None:
    assert "MLflow is not up to date" not in first.stdout
    assert re.search(r"^  study ui +every run, in MLflow at http://127.0.0.1:5000$", first.stdout, re.MULTILINE)
    told = typed(folder, "track", "small")
    assert f"{TRIALS + 1} runs: {TRIALS + 1} unchanged" in told.stdout, told.stderr


@pytest.mark.slow
def test_a_limit_is_kept_and_no_tracking_server_is_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:secret@127.0.0.1:1")
    done = typed(folder, "launch", "small.yaml", "--store", "limited", "--limit", "1")
    assert done.returncode == 0, done.stderr
    assert "MLflow at http://***@127.0.0.1:1: the connection was refused.  Nothing is lost: " in done.stdout
    assert "`study track small --store limited` catches up" in done.stdout
    assert "secret" not in done.stdout
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    caught_up = typed(folder, "track", "small", "--store", "limited")
    assert "2 runs: 2 written" in caught_up.stdout, caught_up.stderr
    assert "small is not complete: 1 of 9 trials done, 8 left" in done.stdout
    assert "study launch small.yaml --store limited" in done.stdout


def test_another_launch_is_told_who_has_the_study(study: Type, tmp_path: Path, spec: Path) -> None:
    store = Store.open(tmp_path / "study-store")
    launched(store, small_plan(tmp_path))
    lease = store.acquire("study/small", Owner.here("study launch small"))
    answer = study("launch", "small.yaml")
    lease.release()
    assert answer.exit_code == 3
    assert f"process {os.getpid()}: study launch small" in answer.stderr


def test_a_store_that_cannot_be_written_exits_with_2(study: Type, tmp_path: Path, spec: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = study("launch", "small.yaml", "--store", str(tmp_path / "file"))
    assert answer.exit_code == 2
    assert "--store" in answer.stderr


@pytest.mark.parametrize("asked", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_ctrl_c_or_a_scheduler_stops_it_cleanly_and_it_says_how_to_go_on(folder: Path, asked: signal.Signals) -> None:
    """A scheduler sends its SIGTERM to every process of the launch's group."""
    place = f"stopped-by-{asked.name}"
    launch = subprocess.Popen(
        [*STUDY, "launch", "small.yaml", "--store", place, "--set", "train.epochs=400", "--max-concurrent", "2"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert launch.stdout is not None
    assert "started" in launch.stdout.readline()
    while not list((folder / place).glob("trials/*/*/last.ckpt")):
        time.sleep(0.2)
    status = typed(folder, "status", "small", "--store", place, "--json")
    assert json.loads(status.stdout)["trials"]["running"] >= 1
    if asked == signal.SIGTERM:
        os.killpg(launch.pid, asked)
    else:
        launch.send_signal(asked)
    began = time.monotonic()
    said, complained = launch.communicate(timeout=120)
    assert launch.returncode == 130, complained
    assert time.monotonic() - began < 45, "Ray, which gives up on its head after 60 seconds, was there to the end"
    told = typed(folder, "logs", "small", "--store", place).stdout
    assert re.search(rf"  started   [0-9a-f]{{8}}  Baseline .*\n.*  stopped after .* by (Ctrl-C|{asked.name})\n", told)
    again = f"study launch small.yaml --store {place} --set train.epochs=400 --max-concurrent 2"
    assert f"Stopped.  To go on from here:  {again}\n" in said


@pytest.mark.slow
def test_a_sigterm_to_every_process_ends_it_at_once_and_the_same_command_goes_on(folder: Path) -> None:
    """As a service manager ends what it started: Ray's processes, which save nothing, are told as well."""
    command = ("launch", "small.yaml", "--store", "all-told", "--set", "train.epochs=12")
    launch = subprocess.Popen([*STUDY, *command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list((folder / "all-told").glob("trials/*/*/last.ckpt")):
        assert launch.poll() is None
        time.sleep(0.2)
    process = psutil.Process(launch.pid)
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.terminate()
    began = time.monotonic()
    _, complained = launch.communicate(timeout=120)
    assert launch.returncode == 1
    assert "Ray's processes on this machine were ended from outside" in complained
    assert time.monotonic() - began < 30, "Ray gives up on its head after 60 seconds"
    on = typed(folder, *command)
    assert on.returncode == 0, on.stderr
    assert "small is complete: 9 trials" in on.stdout


@pytest.mark.slow
def test_a_checkpoint_evaluated_from_outside_has_the_cells_of_its_trial(first: object, folder: Path) -> None:
    place = folder / "study-store"
    (row,) = rows(place, "small", "FROM trials WHERE label = 'Baseline'")
    (checkpoint,) = (place / "trials" / row["trial_id"]).glob("*/best.ckpt")
    peers = ("--study", "peers", "--store", "new-store")
    asked = ("evaluate", "--checkpoint", str(checkpoint), "--like", "small.yaml", *peers)
    answer = typed(folder, *asked, "--name", "Peer")
    assert answer.returncode == 0, answer.stderr
    cells = (
        "SELECT condition_id, correct, loss FROM evaluations JOIN trials USING (trial_id) WHERE label = '{}' ORDER BY 1"
    )
    ours = rows(place, "small", cells.format("Baseline"))
    theirs = rows(folder / "new-store", "peers", cells.format("Peer"))
    assert ours == theirs
    assert len(theirs) == CONDITIONS
    again = typed(folder, *asked, "--name", "Peer")
    done = f"1 of 1 trial, {CONDITIONS} of {CONDITIONS} evaluations"
    assert again.stdout == f"peers is complete: {done} in new-store.  Nothing to do.\n"
    assert typed(folder, "evaluate", "peers", "--store", "new-store").stdout == again.stdout
