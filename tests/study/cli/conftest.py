"""A store with one finished study made by hand, and a way to type commands at it."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from study.cli.commands import app
from study.plan import Plan
from study.store import Store
from tests.study.hand_made import TEXT, finished, small_plan

Type = Callable[..., Result]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on, or leaves anything in, the folder or the environment it is run from."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if re.match("STUDY_|COLUMNS|FORCE_COLOR|TTY_", name)]:
        monkeypatch.delenv(name)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return small_plan(tmp_path)


@pytest.fixture
def store(tmp_path: Path, plan: Plan) -> Store:
    """./study-store, with the small study whole."""
    opened = Store.open(tmp_path / "study-store")
    finished(opened, plan)
    return opened


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Type:
    """`study("status", "small")` types a command; stdout and stderr come back apart."""

    def typed(*arguments: str) -> Result:
        monkeypatch.setattr("sys.argv", ["/usr/bin/study", *arguments])
        return CliRunner().invoke(app, list(arguments), prog_name="study")

    return typed
