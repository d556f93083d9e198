"""What killed processes left among the temporary files goes when the next one like them begins."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from study.executor.scratch import owned, scratch, sweep

KILLED = """
import os, signal, sys
from study.executor.scratch import scratch
with scratch("tune") as folder:
    (folder / "run").mkdir()
    print(folder, flush=True)
    if sys.argv[1:]:
        sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_the_next_one_clears_away_what_a_killed_one_left_and_nothing_else(place: Path) -> None:
    left = Path(subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True).stdout.strip())
    assert (left / "run").is_dir()
    lives = subprocess.Popen(
        [sys.executable, "-c", KILLED, "wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert lives.stdout is not None
    at_work = Path(lives.stdout.readline().strip())
    elsewhere = place / left.name.replace("study-tune-", "study-tune-f0")  # another container's numbers
    others = [elsewhere, place / "study-tune-bench", place / left.name.replace("tune", "token")]
    for one in others:
        one.mkdir()
    with scratch("tune") as own:
        assert not left.exists()
        assert at_work.is_dir()
        assert all(one.is_dir() for one in (own, *others))
    assert not own.exists()
    lives.communicate("")
    sweep(place, "study-tune")
    assert not at_work.exists()


def test_what_this_process_owns_stays(place: Path) -> None:
    (place / f"{owned('ray-chaos')}-6379").mkdir()
    sweep(place, "ray-chaos")
    assert [one.name for one in place.iterdir()] == [f"{owned('ray-chaos')}-6379"]
