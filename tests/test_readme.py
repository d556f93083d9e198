"""What the README shows is true: its code runs, its commands exist, its queries are those of the help."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
import typer.main

import trainables.methods
from study.cli.commands import app
from study.cli.query_help import WORKED
from study.planning import make_plan
from study.pruners import rung_epochs
from study.query import VIEWS
from study.spec import load, shipped
from study.store import Store
from tests.dashboards.made import finished
from tests.study.hand_made import FINGERPRINT, TEXT
from trainables.fit import Training

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_there_are_as_many_examples_as_these_tests_know() -> None:
    assert (len(blocks("python")), len(blocks("yaml"))) == (3, 6)


def test_a_study_in_a_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the demo's plan, with results made up."""
    store, plan = Store.open(tmp_path), make_plan(load("demo_mnist"), FINGERPRINT)
    finished(store, plan)
    monkeypatch.setenv("STUDY_STORE", str(tmp_path))
    shown: dict[str, Any] = {}
    exec(compile(blocks("python")[0], "README.md", "exec"), shown)
    said = capsys.readouterr().out
    assert len(re.findall(r"^\d+ +(?:ST|DA|AT|ST sym) ", said, re.MULTILINE)) >= 7 * 6
    assert re.search(r"label +gain", said)
    assert shown["figure"].layout.title.text == "Trained on noise, tested on rotation"


def test_the_notebook_trains(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(blocks("python")[1], "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert re.fullmatch(
        r"epoch 1: \d+ of 200 validation images\nepoch 2: \d+ of 200 validation images\n\d+ of 300 noisy test images\n",
        said,
    )


def test_a_method_is_one_file_and_one_line_of_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "confidence_penalty.py").write_text(blocks("python")[2], encoding="utf-8")
    monkeypatch.setattr(trainables.methods, "__path__", [*trainables.methods.__path__, str(tmp_path)])
    line = blocks("yaml")[-1].partition("methods:\n")[2]
    (tmp_path / "study.yaml").write_text(TEXT.replace("methods:\n", f"methods:\n{line}"), encoding="utf-8")
    plan = make_plan(load(tmp_path / "study.yaml"), FINGERPRINT)
    added = [trial for trial in plan.trials if trial.label == "CP"]
    assert [trial.recipe.method.parameters["beta"] for trial in added] == [0.01, 0.1, 1]
    training = Training(added[0].recipe, None, torch.device("cpu"))
    training.advance()
    assert set(training.epochs[0].terms) == {"error", "entropy"}


def test_the_search_shown_is_the_shipped_one(tmp_path: Path) -> None:
    text = shipped()["search_mnist"].read_text(encoding="utf-8")
    before, _, rest = text.partition("search:  ")
    (tmp_path / "shown.yaml").write_text(f"{before}{blocks('yaml')[0]}\nevaluate:{rest.partition('evaluate:')[2]}")
    assert load(tmp_path / "shown.yaml").search == load("search_mnist").search


def test_the_pruning_shown_can_be_planned(tmp_path: Path) -> None:
    demo = shipped()["demo_mnist"].read_text(encoding="utf-8")
    train, _, methods = blocks("yaml")[1].partition("methods:\n")
    lines = demo.replace("  epochs:     2\n", train.removeprefix("train:\n"))
    before, _, after = lines.partition("  ST:")
    (tmp_path / "shown.yaml").write_text(before + methods + "\nevaluate:" + after.partition("\nevaluate:")[2])
    plan = make_plan(load(tmp_path / "shown.yaml"), FINGERPRINT)
    assert Counter(trial.label for trial in plan.trials) == {"Baseline": 1, "ST": 24, "DA": 20}
    rungs = {one.label: rung_epochs(one.min_epochs, one.reduction_factor, 30) for one in plan.prunings}
    assert rungs["ST"] == (2, 6, 18)
    assert "DA" not in rungs


def test_the_resources_shown_can_be_planned(tmp_path: Path) -> None:
    demo = shipped()["demo_mnist"].read_text(encoding="utf-8")
    (tmp_path / "shown.yaml").write_text(demo + blocks("yaml")[4], encoding="utf-8")
    plan = make_plan(load(tmp_path / "shown.yaml"), FINGERPRINT)
    (needs,) = {trial.resources for trial in plan.trials}
    assert (needs.cpus, needs.gpus, needs.memory) == (4, 0.5, 8 * 2**30)
    assert (needs.custom, needs.labels) == ((("fast_disk", 1),), (("zone", ("a", "b")),))
    assert [one.trial_id for one in plan.trials] == [
        one.trial_id for one in make_plan(load("demo_mnist"), FINGERPRINT).trials
    ]


def test_the_benchmarks_shown_can_be_planned(tmp_path: Path) -> None:
    lines = blocks("yaml")[2].removeprefix("evaluate:\n")
    demo = shipped()["demo_mnist"].read_text(encoding="utf-8").replace("  sweeps:\n", f"{lines}  sweeps:\n")
    (tmp_path / "shown.yaml").write_text(demo, encoding="utf-8")
    plan = make_plan(load(tmp_path / "shown.yaml"), FINGERPRINT)
    assert [len(one.tests) for one in plan.benchmarks] == [18 * 5, 2 * 2 + 8]


def test_the_attacks_and_the_noise_shown_can_be_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.spec.attacks.can_align", lambda: True)
    lines = blocks("yaml")[3].removeprefix("evaluate:\n")
    demo = shipped()["demo_mnist"].read_text(encoding="utf-8").replace("  sweeps:\n", f"{lines}  sweeps:\n")
    kept = demo.replace("train:  ", "train:\n  checkpoints: {every: 1}\n  # ", 1)
    (tmp_path / "shown.yaml").write_text(kept, encoding="utf-8")
    plan = make_plan(load(tmp_path / "shown.yaml"), FINGERPRINT)
    tests = [one.test_distortion for one in plan.conditions if one.family in ("attack", "noise_stability")]
    assert tests == ["fgs (paper)", "fgs (exact)", "hot_cold (literal)", "pgd", *["noise_stability"] * 10]


def test_every_command_shown_exists() -> None:
    shown = set(re.findall(r"(?:\$ +|`)study ([a-z]+)", README))
    existing = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert len(shown) >= 10
    assert shown <= existing


def test_the_worked_queries_are_those_of_the_help() -> None:
    words = " ".join(README.split())
    assert all(" ".join(sql.split()) in words for _, sql in WORKED)


def test_every_view_is_named() -> None:
    assert all(f"`{view}`" in README for view in VIEWS)
