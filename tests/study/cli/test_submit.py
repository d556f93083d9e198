"""What a submitted launch hands over and what it refuses to, with no cluster: those are in tests/cluster."""

import json
from pathlib import Path

import pytest

from study.cli import job
from study.cli.errors import CommandError
from study.cli.job import Handed, meet
from study.cli.submitting import check_whole_paths, common_location
from study.executor.cluster import ClusterError, own_job, shipped_code
from study.executor.jobs import STARTS, Jobs, Told, places
from study.spec import load
from study.store import Store
from tests.study.cli.conftest import Type
from tests.study.hand_made import TEXT


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
    with pytest.raises(ClusterError, match="MLFLOW_TRACKING_URI has a user or password in it") as refused:
        places({"MLFLOW_TRACKING_URI": "postgresql://ada:geheim@db/mlflow"})
    assert "geheim" not in str(refused.value)
    with pytest.raises(ClusterError, match="STUDY_DATA is data, which means another folder"):
        places({"STUDY_DATA": "data"})


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
    handed = Handed(command=(), spec="", typed="", store=store.location, meeting="markers/1", options={})
    meet(handed)
    assert store.objects.children("markers") == ()
    store.objects.put("other", b"")
    with pytest.raises(CommandError, match="is not the store that the terminal wrote into: give --store a folder"):
        meet(handed)
    with pytest.raises(CommandError, match="cannot read the store"):
        meet(Handed(command=(), spec="", typed="", store=str(tmp_path / "no"), meeting="x", options={}))


def test_a_job_that_cannot_run_says_why_and_exits_as_a_launch_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handed = {"command": ["study", "launch"], "spec": "", "typed": "", "store": str(tmp_path / "no"), "meeting": "x",
              "options": {}}  # fmt: skip
    (tmp_path / job.FILE).write_text(json.dumps(handed))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [])
    monkeypatch.setenv("VIRTUAL_ENV", "")
    assert job.main() == 2
    assert "cannot read the store" in capsys.readouterr().err


def test_a_process_knows_which_job_it_is() -> None:
    given = json.dumps({"metadata": {"job_submission_id": "study-small-1"}, "runtime_env": {}})
    assert own_job({"RAY_JOB_CONFIG_JSON_ENV_VAR": given}) == "study-small-1"
    assert own_job({}) is None


def test_a_launch_ships_every_package_of_ours() -> None:
    assert {Path(one).name for one in shipped_code(everything=True)} == {
        "study", "trainables", "search_spaces", "dashboards",
    }  # fmt: skip
