"""Who launched what with which code."""

import json
import subprocess
from pathlib import Path

import pytest

from study.provenance import code, command_line, provenance


def test_everything_a_reader_would_ask_is_there_and_is_json() -> None:
    told = json.loads(json.dumps(provenance(["/usr/bin/study", "launch", "demo mnist.yaml"])))
    assert told["command"] == "study launch 'demo mnist.yaml'"
    assert told["versions"]["torch"]
    assert {"user", "host", "time", "python", "platform", "code"} <= set(told)
    assert told["time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("s3://key:secret@host/bucket", "s3://***@host/bucket"),
        ("s3://key:se/c@ret@host/bucket", "s3://***@host/bucket"),
        ("http://host:5000/path", "http://host:5000/path"),
        ("--token=abc", "--token=***"),
        ("https://blobs/x?sv=1&sig=abc&y=1", "https://blobs/x?sv=1&sig=***&y=1"),
        ("mssql://host/db;pwd=x1;y=1", "mssql://host/db;pwd=***;y=1"),
        ("https://host/x?signature=abc&y=1", "https://host/x?signature=***&y=1"),
        ("train.epochs=3", "train.epochs=3"),
    ],
)
def test_secrets_are_not_recorded(typed: str, kept: str) -> None:
    assert command_line(["study", typed]).replace("'", "") == f"study {kept}"


def test_the_commit_is_that_of_the_code_and_only_where_git_tracks_it(tmp_path: Path) -> None:
    package = tmp_path / "study"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert code(package) is None, "no repository"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert code(package) is None, "installed inside somebody's repository, but not part of it"
    (tmp_path / "trainables").mkdir()
    (tmp_path / "search_spaces").mkdir()
    subprocess.run([*git, "add", "study"], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    told = code(package)
    assert told is not None
    assert not told["dirty"]
    (package / "__init__.py").write_text("changed = True\n")
    assert (code(package) or {})["dirty"]
