"""A loss that stops being finite is a result: it has its rows, it counts, and nobody tries it again."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from study.cli.commands import app
from study.launch import Result
from study.query import open_tables
from study.store import Store
from tests.study.executor.noop import Log
from tests.study.launches.tiny import CLASSES, NOWHERE, TEST_IMAGES, TEXT, files, launched

pytestmark = pytest.mark.ray

DIVERGING = TEXT.replace(
    "evaluate:",
    """\
  Wild: {method: standard, from: scratch, optimizer: {sgd: {lr: 1.0e+30}}}
  Orphan: {method: data_augmentation, p: 1, distortion: gaussian_noise, from: Wild}
  Late: {method: standard, from: scratch, epochs: 4, batch_size: 200, optimizer: {sgd: {lr: 1.0e+5}}}
evaluate:""",
).replace("alpha: [0.1, 1]", "alpha: [0.1, 1.0e+38]")
"""Wild, its child and ST's second trial never have a finite epoch; Late has one."""
CHANCE = 1 / CLASSES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("diverged")


@pytest.fixture(scope="module")
def first(folder: Path, cluster: str) -> tuple[Result, Log]:
    return launched(DIVERGING, folder, cluster)


def asked(store: Path, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = open_tables(Store.open(store), "tiny").sql(sql).to_pylist()
    return rows


def test_a_launch_with_diverged_trials_is_complete(first: tuple[Result, Log], folder: Path) -> None:
    result, log = first
    assert result.status == "complete"
    assert not result.failures
    assert not result.blocked
    assert sorted(event.trial.label for event in log.events if event.change == "diverged" and event.trial) == [
        "Late", "Orphan", "ST", "Wild",
    ]  # fmt: skip
    assert {label: tally.diverged for label, tally in result.progress.tallies.items()} == {
        "Baseline": 0, "ST": 1, "DA": 0, "Wild": 1, "Late": 1, "Orphan": 1,
    }  # fmt: skip
    rows = Store.open(folder).read("attempts").to_pylist()
    assert sorted(row["status"] for row in rows if row["unit"] == "train") == ["diverged"] * 4 + ["done"] * 4


def test_diverged_trials_have_rows_and_the_child_of_one_too(first: object, folder: Path) -> None:
    rows = {row["label"]: row for row in asked(folder, "FROM trials WHERE diverged ORDER BY label")}
    assert sorted(rows) == ["Late", "Orphan", "ST", "Wild"]
    for label in ("Orphan", "ST", "Wild"):
        assert (rows[label]["selected_epoch"], rows[label]["weights_hash"]) == (None, None)
        assert rows[label]["clean_accuracy"] == CHANCE
    assert rows["Wild"]["diverged_epoch"] == rows["ST"]["diverged_epoch"] == 1
    assert rows["Orphan"]["parent"] == rows["Wild"]["trial_id"]
    assert rows["Orphan"]["diverged_epoch"] == 0
    cells = asked(folder, "FROM evaluations JOIN trials USING (trial_id) WHERE label IN ('Orphan', 'ST', 'Wild')")
    assert {row["accuracy"] for row in cells if row["at_chance"]} == {CHANCE}
    assert len([row for row in cells if row["at_chance"]]) == 3 * 3


def test_a_trial_that_diverges_later_keeps_its_best_finite_epoch(first: object, folder: Path) -> None:
    (late,) = asked(folder, "FROM trials WHERE label = 'Late'")
    assert late["diverged_epoch"] > 1
    assert 1 <= late["selected_epoch"] < late["diverged_epoch"]
    assert late["weights_hash"] is not None
    assert len(asked(folder, f"FROM epochs WHERE trial_id = '{late['trial_id']}'")) == late["diverged_epoch"] - 1
    assert not any(row["at_chance"] for row in asked(folder, f"FROM evaluations WHERE trial_id = '{late['trial_id']}'"))


def test_diverged_trials_count_in_every_band(first: object, folder: Path) -> None:
    bands = {(row["label"], row["step"]): row for row in asked(folder, "FROM bands")}
    assert len(bands) == 3 * 3
    for step in (0, 1, 2):
        band = bands["ST", step]
        assert (band["trials"], band["diverged"], band["min"]) == (2, 1, CHANCE)
        assert band["max"] > band["min"]
        assert (bands["Orphan", step]["min"], bands["Orphan", step]["max"]) == (CHANCE, CHANCE)
        assert bands["DA", step]["diverged"] == 0


def test_diverged_trials_count_at_the_practical_level(first: object, folder: Path) -> None:
    practical = {row["label"]: row for row in asked(folder, "FROM practical")}
    assert (practical["ST"]["trials"], practical["ST"]["diverged"], practical["ST"]["worst"]) == (2, 1, CHANCE)
    assert practical["ST"]["best"] > CHANCE
    assert (practical["Wild"]["worst"], practical["Wild"]["best"]) == (CHANCE, CHANCE)
    assert {row["n"] for row in practical.values()} == {TEST_IMAGES}


def test_a_diverged_trial_is_not_tried_again(first: object, folder: Path) -> None:
    before = files(folder / "results")
    result, log = launched(DIVERGING, folder, NOWHERE)
    assert (result.status, log.events) == ("complete", [])
    assert result.progress.tallies["ST"].diverged == 1
    assert files(folder / "results") == before


def test_a_study_with_diverged_trials_exits_with_0(first: object, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(DIVERGING)
    answer = CliRunner().invoke(app, ["launch", str(tmp_path / "tiny.yaml"), "--store", str(folder)])
    assert answer.exit_code == 0, answer.output
