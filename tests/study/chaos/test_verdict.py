"""What a verdict sees: each thing that must not be, made by hand, is told."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from study.chaos.verdict import CutShort, faults_of, still_there, swept
from study.chaos.watching import Committed, committed
from study.executor.session import StoreSession
from study.executor.units import StudyUnit
from study.store import Owner, Store
from tests.study.executor.noop import cells, outcome
from tests.study.executor.plans import clean, plan, trial
from trainables import tune
from trainables.checkpoint import dump, weights_hash

STUDY = replace(plan(trial("01")), keep="last+best")
WEIGHTS = {"weight": torch.ones(3)}


@pytest.fixture
def complete(tmp_path: Path) -> Store:
    store = Store.open(tmp_path / "complete")
    store.record_launch(STUDY, "study: small\n", {})
    run(store, "train")
    run(store, "evaluate")
    return store


NOBODY = CutShort(until=0.0, files=False, holds=lambda _: False, wrote=lambda _: False)


def everybody(until: float) -> CutShort:
    return CutShort(until=until, files=True, holds=lambda _: True, wrote=lambda attempt: attempt == ("01", 9))


def run(store: Store, phase: str, status: tune.Status = "done") -> None:
    """One unit of the only trial."""
    unit = StudyUnit(phase=phase, trial=trial("01"), condition_ids=(clean().condition_id,))  # type: ignore[arg-type]
    session = StoreSession(store, unit, {clean().condition_id: clean()}, Owner.here("test"), keep="last+best")
    if phase == "train":
        session.save_last({"model": WEIGHTS, "epochs": [0.5], "step": 0})
        session.commit_training(replace(outcome([0.5]), weights_hash=weights_hash(WEIGHTS)), WEIGHTS)
    else:
        session.commit_cells(list(cells(unit.condition_ids, unit.recipe)))
    session.close(tune.Report(status=status, images=100), 0, "cpu")


def told(
    store: Store,
    undisturbed: Store,
    workers: int = 0,
    cut_short: CutShort = NOBODY,
    before: Mapping[str, Committed] | None = None,
) -> list[str]:
    before = committed(undisturbed) if before is None else before
    return list(faults_of(store, undisturbed, STUDY, before, lambda: workers, cut_short))


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


@pytest.mark.parametrize("role", ["best", "final"])
def test_models_that_are_lost_torn_or_others(complete: Store, disturbed: Store, role: str) -> None:
    ((attempt, _),) = (one for one in disturbed.list_checkpoints("01") if one[1] == role)
    other = {"weight": torch.zeros(3)}
    body = dump({"model": other, "epochs": [0.5], "step": 0} if role == "final" else other)
    disturbed.write_checkpoint("01", attempt, role, body)
    assert told(disturbed, complete) == [f"{role}.ckpt of trial 01 holds other weights"]
    disturbed.objects.put(f"trials/01/{attempt}/{role}.ckpt", body[:100])
    assert told(disturbed, complete) == [f"{role}.ckpt of trial 01 cannot be read"]
    disturbed.delete_checkpoint("01", attempt, role)
    assert told(disturbed, complete) == [f"trial 01 has no {role}.ckpt"]


def test_a_training_that_was_finished_twice(complete: Store, disturbed: Store) -> None:
    unit = StudyUnit(phase="train", trial=trial("01"))
    session = StoreSession(disturbed, unit, {}, Owner.here("test"))
    session.close(tune.Report(status="done", images=100), 0, "cpu")
    assert told(disturbed, complete) == ["trial 01 was trained to its end 2 times"]


def test_what_is_left_over(complete: Store, disturbed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.chaos.verdict.LEAVING_SECONDS", 0.1)
    disturbed.write_checkpoint("01", "0009-ab", "last", b"")
    assert told(disturbed, complete, workers=3) == [
        "3 processes of it are still there", "1 files of trial 01 are superseded",
    ]  # fmt: skip


def test_an_evaluation_that_was_finished_twice(complete: Store, disturbed: Store) -> None:
    run(disturbed, "evaluate")
    assert told(disturbed, complete, before={}) == ["trial 01 was evaluated to its end 2 times"]


def test_an_evaluation_that_went_on_where_another_had_failed(complete: Store, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "resumed")
    store.record_launch(STUDY, "study: small\n", {})
    run(store, "train")
    run(store, "evaluate", "failed")
    run(store, "evaluate")
    assert told(store, complete, before={}) == []


def test_half_written_files_are_excused_by_the_fault_alone_and_swept(complete: Store, disturbed: Store) -> None:
    assert disturbed.root is not None
    (disturbed.root / "trials").mkdir(exist_ok=True)
    (disturbed.root / "trials" / ".last.ckpt.ab.tmp").touch()
    whose = "trials/.last.ckpt.ab.tmp is half written, and not by anybody that was disturbed"
    assert told(disturbed, complete) == [whose]
    assert told(disturbed, complete, cut_short=everybody(time.time() - 60)) == [whose]
    assert told(disturbed, complete, cut_short=everybody(time.time() + 1)) == []
    assert list(still_there(disturbed)) == ["trials/.last.ckpt.ab.tmp is left even by `study gc`: temporary"]
    assert swept(disturbed) == 1
    assert list(still_there(disturbed)) == []
    assert swept(disturbed) == 0


def test_checkpoints_are_excused_of_an_attempt_that_was_cut_short_alone_and_swept(
    complete: Store, disturbed: Store
) -> None:
    """Its process stood still before it saved, was killed when it had, and others had tidied before."""
    for attempt, excused in (("0008-ab", False), ("0009-ab", True)):
        disturbed.write_checkpoint("01", attempt, "last", b"")
        left = ["1 files of trial 01 are superseded"]
        assert told(disturbed, complete, cut_short=everybody(time.time() - 60)) == left
        assert told(disturbed, complete, cut_short=everybody(time.time() + 1)) == ([] if excused else left)
        assert swept(disturbed) == 1
    assert list(still_there(disturbed)) == []


KILLED = """
import os, signal, sys
from study.store import Owner, Store
Store.open(sys.argv[1]).acquire("trial/01", Owner.here("test"), ttl=60.0)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_leases_are_excused_by_the_fault_alone_and_swept(complete: Store, disturbed: Store) -> None:
    subprocess.run([sys.executable, "-c", KILLED, disturbed.location])
    (found,) = told(disturbed, complete)
    assert found.startswith("the lease trial/01 was not given back by ")
    assert found.endswith(", which was not disturbed")
    assert told(disturbed, complete, cut_short=everybody(time.time() - 60)) == [found]
    assert told(disturbed, complete, cut_short=everybody(time.time() + 1)) == []
    assert swept(disturbed) == 1
    assert list(still_there(disturbed)) == []


def test_a_lease_on_another_machine_is_told_by_storage_whose_clock_is_ahead(complete: Store, disturbed: Store) -> None:
    disturbed.acquire("trial/01", replace(Owner.here("test"), machine="another"), ttl=60.0)
    for held in Path(disturbed.location, "leases/trial/01").iterdir():
        os.utime(held, times=(time.time() + 3600, time.time() + 3600))
    (found,) = told(disturbed, complete)
    assert found.startswith("the lease trial/01 was not given back by ")


def test_a_lease_that_somebody_still_holds_is_never_excused(complete: Store, disturbed: Store) -> None:
    disturbed.acquire("trial/01", Owner.here("test"), ttl=60.0)
    (found,) = told(disturbed, complete, cut_short=everybody(time.time() + 1))
    assert found.startswith("the lease trial/01 is still held by ")
