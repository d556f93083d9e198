"""What a verdict sees: each thing that must not be, made by hand, is told."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from study.chaos.verdict import faults_of, lost, swept
from study.chaos.watching import UnitUnderWay, committed, under_way
from study.executor.session import StoreSession
from study.executor.units import StudyUnit
from study.store import Owner, Store
from tests.study.executor.noop import cells, outcome
from tests.study.executor.plans import clean, plan, trial
from trainables import tune

STUDY = plan(trial("01"))


@pytest.fixture
def complete(tmp_path: Path) -> Store:
    store = Store.open(tmp_path / "complete")
    store.record_launch(STUDY, "study: small\n", {})
    run(store, "train")
    run(store, "evaluate")
    return store


def run(store: Store, phase: str) -> None:
    """One unit of the only trial."""
    unit = StudyUnit(phase=phase, trial=trial("01"), condition_ids=(clean().condition_id,))  # type: ignore[arg-type]
    session = StoreSession(store, unit, {clean().condition_id: clean()}, Owner.here("test"))
    if phase == "train":
        session.commit_training(outcome([0.5]), None)
    else:
        session.commit_cells(list(cells(unit.condition_ids, unit.recipe)))
    session.close(tune.Report(status="done", images=100), 0, "cpu")


def told(store: Store, undisturbed: Store, workers: int = 0) -> list[str]:
    return list(faults_of(store, undisturbed, STUDY, committed(undisturbed), lambda: workers))


@pytest.fixture
def disturbed(complete: Store, tmp_path: Path) -> Store:
    """A copy, with the times of its files."""
    shutil.copytree(complete.location, tmp_path / "disturbed")
    return Store.open(tmp_path / "disturbed")


def test_the_same_study_holds(complete: Store, disturbed: Store) -> None:
    assert told(disturbed, complete) == []


def test_a_row_that_is_missing(complete: Store, disturbed: Store) -> None:
    disturbed.objects.delete("results/trials/01.parquet")
    found = told(disturbed, complete)
    assert "trials: 1 of 1 planned rows are missing, 0 are too many" in found
    assert "trials is not that of the undisturbed study: 0 rows, not 1" in found


def test_a_cell_in_two_files(complete: Store, disturbed: Store) -> None:
    (name,) = disturbed.objects.children("results/evaluations")
    disturbed.objects.put("results/evaluations/01.again.parquet", disturbed.objects.get(f"results/evaluations/{name}"))
    assert told(disturbed, complete) == ["evaluations: 0 of 1 planned rows are missing, 1 are too many"]


def test_another_number(complete: Store, disturbed: Store) -> None:
    disturbed.objects.delete("results/epochs/01.parquet")
    disturbed.objects.delete("results/trials/01.parquet")
    disturbed.commit_training(trial("01"), outcome([0.25]))
    found = told(disturbed, complete)
    assert "epochs is not that of the undisturbed study: columns loss, terms, validation_loss" in "".join(found)
    assert "results/epochs/01.parquet was committed before the fault and is not as it was" in found


def test_a_training_that_was_finished_twice(complete: Store, disturbed: Store) -> None:
    run(disturbed, "train")
    assert told(disturbed, complete) == ["trial 01 was trained to its end 2 times"]


def test_what_is_left_over(complete: Store, disturbed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.chaos.verdict.LEAVING_SECONDS", 0.1)
    disturbed.write_checkpoint("01", "0009-ab", "last", b"")
    assert told(disturbed, complete, workers=3) == [
        "3 processes of it are still there", "1 files of trial 01 are superseded",
    ]  # fmt: skip


def test_half_written_files_are_swept_and_counted(complete: Store, disturbed: Store) -> None:
    assert disturbed.root is not None
    (disturbed.root / "trials").mkdir(exist_ok=True)
    (disturbed.root / "trials" / ".last.ckpt.ab.tmp").touch()
    assert told(disturbed, complete) == []
    assert swept(disturbed) == 1
    assert swept(disturbed) == 0


def test_work_is_lost_since_it_was_last_kept_unless_its_attempt_went_on(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    unit = StudyUnit(phase="train", trial=trial("01"))
    session = StoreSession(store, unit, {}, Owner.here("test"))
    (hit,) = under_way(store)
    session.save_last({"epochs": [], "step": 0})
    (later,) = under_way(store)
    assert (later.trial_id, later.generation) == ("01", 1)
    assert later.kept_at > hit.kept_at
    assert lost(store, [later], later.kept_at + 2.5) == pytest.approx(2.5)
    session.close(tune.Report(status="done"), 0, "cpu")
    assert lost(store, [later], later.kept_at + 2.5) == 0.0
    gone: UnitUnderWay = replace(later, generation=2)
    assert lost(store, [gone, later], later.kept_at + 2.5) == pytest.approx(2.5)
