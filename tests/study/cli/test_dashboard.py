"""`study dashboard`: a file, and a word on where it is."""

import webbrowser
from pathlib import Path

import pytest

from study.cli.dashboarding import has_browser
from study.plan import Plan
from study.store import Store
from tests.study.cli.conftest import Type
from tests.study.hand_made import launched


def test_it_writes_the_page_beside_the_reader_and_opens_nothing_in_a_pipe(
    study: Type, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: pytest.fail("a pipe has no reader"))
    answer = study("dashboard", "small")
    assert answer.exit_code == 0
    assert answer.stdout.startswith("small.html    ")
    assert Path("small.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_it_writes_where_it_is_told(study: Type, store: Store, tmp_path: Path) -> None:
    answer = study("dashboard", "small.yaml", "-o", str(tmp_path / "here.html"), "--no-open")
    assert answer.exit_code == 0
    assert (tmp_path / "here.html").stat().st_size > 1_000_000


def test_a_study_without_any_evaluation_is_refused_with_the_way_on(study: Type, tmp_path: Path, plan: Plan) -> None:
    launched(Store.open(tmp_path / "study-store"), plan)
    answer = study("dashboard", "small")
    assert answer.exit_code == 2
    assert "nothing of small has been evaluated yet" in answer.stderr
    assert "`study launch small` goes on" in answer.stderr
    assert not Path("small.html").exists()


def test_a_place_that_cannot_be_written_is_named(study: Type, store: Store) -> None:
    answer = study("dashboard", "small", "-o", "nowhere/small.html")
    assert answer.exit_code == 2
    assert "nowhere/small.html cannot be written: its folder does not exist; name another file with -o" in answer.stderr


def test_no_window_opens_where_there_is_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert not has_browser()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_browser()
