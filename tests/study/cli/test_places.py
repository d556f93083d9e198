"""From what is typed to what is meant."""

import shlex
from pathlib import Path

import pytest

from study.cli.places import store_suffix
from study.plan import Plan
from study.store import Store
from tests.study.cli.conftest import Type
from tests.study.hand_made import TEXT, TRIALS


@pytest.mark.parametrize("typed", ["small", "small.yaml", "some/folder/small.yaml"])
def test_a_study_is_found_by_name_and_by_file(study: Type, store: Store, typed: str) -> None:
    assert study("status", typed).exit_code == 0


def test_a_file_with_another_name_is_read_for_its_study(study: Type, store: Store, tmp_path: Path) -> None:
    (tmp_path / "renamed.yaml").write_text(TEXT)
    assert "small is complete" in study("status", "renamed.yaml").stdout


def test_an_unknown_study_is_told_where_and_what_is_there(study: Type, store: Store) -> None:
    answer = study("status", "smal")
    assert answer.exit_code == 2
    assert "no study is called 'smal'" in answer.stderr
    assert store.location in answer.stderr
    assert "small" in answer.stderr
    assert "--store" in answer.stderr


def test_no_store_is_told_where_it_was_looked_for(study: Type, tmp_path: Path) -> None:
    answer = study("list")
    assert answer.exit_code == 2
    assert str(tmp_path / "study-store") in answer.stderr
    assert "--store" in answer.stderr


def test_the_store_is_the_option_then_the_environment_then_here(
    study: Type, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert study("status", "small").exit_code == 0
    monkeypatch.setenv("STUDY_STORE", str(tmp_path / "other"))
    assert str(tmp_path / "other") in study("status", "small").stderr
    assert study("status", "small", "--store", store.location).exit_code == 0


def test_a_command_to_paste_finds_a_store_of_any_name() -> None:
    given = "./my studies/'a'; $HOME"
    assert shlex.split(f"study status small{store_suffix(given)}") == ["study", "status", "small", "--store", given]
    assert store_suffix("plain/store") == " --store plain/store"


def test_any_unique_beginning_names_a_trial(study: Type, store: Store, plan: Plan) -> None:
    one = plan.trials[3].trial_id
    others = {trial.trial_id for trial in plan.trials} - {one}
    shortest = next(n for n in range(1, 17) if not any(other.startswith(one[:n]) for other in others))
    assert one in study("show", one[:shortest]).stdout
    assert one in study("show", one[:shortest].upper()).stdout


def test_an_ambiguous_beginning_lists_the_trials_it_could_be(study: Type, store: Store, plan: Plan) -> None:
    answer = study("show", "")
    assert answer.exit_code == 2
    assert all(trial.trial_id in answer.stderr for trial in plan.trials)


def test_an_unknown_trial_is_told_where_and_how_to_list_them(study: Type, store: Store) -> None:
    answer = study("why", "zzzz")
    assert answer.exit_code == 2
    assert store.location in answer.stderr
    assert f"{TRIALS} trials of small" in answer.stderr
    assert "study query STUDY trials" in answer.stderr
