"""A worker's session: what it reads and what it may still write."""

import errno
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from study.executor.failures import Death
from study.executor.session import StoreSession, file_weights, record_lost
from study.executor.units import StudyUnit
from study.plan import Keep
from study.progress import Phase
from study.store import Owner, Store
from study.store.attempts import in_order
from tests.study.executor import noop
from tests.study.executor.noop import outcome
from tests.study.executor.plans import clean, trial
from trainables import tune
from trainables.checkpoint import CorruptCheckpointError, dump, parse, weights_hash
from trainables.recipe import WeightsFile


def opened(store: Store) -> StoreSession:
    unit = StudyUnit(phase="train", trial=trial("01"))
    return StoreSession(store, unit, {clean().condition_id: clean()}, Owner.here("test"))


def test_a_file_of_weights_is_the_one_that_was_planned_with(tmp_path: Path) -> None:
    path = tmp_path / "start.pt"
    torch.save({"weight": torch.ones(3)}, path)
    start = WeightsFile(path=str(path), fingerprint=hashlib.sha256(path.read_bytes()).hexdigest())
    assert torch.equal(file_weights(start)["weight"], torch.ones(3))
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(CorruptCheckpointError, match=r"start\.pt is not the file that the study was planned with"):
        file_weights(start)


def test_a_session_that_was_taken_over_writes_nothing_and_says_held(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    session = opened(store)
    store.objects.create("leases/trial/01/000009.held", b"{}")
    for write in (
        lambda: session.save_last({"epochs": [], "step": 0}),
        lambda: session.commit_training(outcome([0.5]), None),
        lambda: session.commit_cells([]),
    ):
        with pytest.raises(tune.HeldError):
            write()
    session.close(tune.Report(status="held"), 0, "cpu")
    assert not store.is_trained("01")
    assert store.list_checkpoints("01") == ()
    assert store.read("attempts").num_rows == 0


def test_a_damaged_checkpoint_is_named_and_waited_for_by_nobody(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    session = opened(store)
    session.save_last({"epochs": [], "step": 3})
    (file,) = tmp_path.rglob("last.ckpt")
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(
        CorruptCheckpointError, match=r"last\.ckpt: not a whole checkpoint.*delete it to go on without it"
    ) as caught:
        session.load_last()
    assert tune.classify(caught.value) == "damaged"
    session.close(tune.Report(status="stopped"), 0, "cpu")


def test_an_attempt_that_goes_on_from_others_deletes_what_they_had_once_its_own_is_there(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for epochs in ([], [1.0], [1.0, 2.0]):
        store.write_checkpoint("01", f"000{len(epochs)}-aa", "last", dump({"epochs": epochs, "step": 0}))
    session = opened(store)
    state = session.load_last()
    assert state is not None
    assert state["epochs"] == [1.0, 2.0]
    assert len(store.list_checkpoints("01")) == 3
    session.save_last({"epochs": [1.0, 2.0, 3.0], "step": 0})
    assert store.list_checkpoints("01") == ((session.attempt, "last"),)
    session.close(tune.Report(status="stopped"), 0, "cpu")


def test_what_a_worker_killed_after_its_commit_left_goes_with_the_evaluation(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    session = opened(store)
    weights = {"weight": torch.ones(3)}
    session.save_last({"epochs": [], "step": 3})
    session.commit_training(replace(outcome([0.5]), weights_hash=weights_hash(weights)), weights)
    session.close(tune.Report(status="done"), 0, "cpu")
    store.write_checkpoint("01", session.attempt, "last", b"left behind")
    unit = StudyUnit(phase="evaluate", trial=trial("01"), condition_ids=(clean().condition_id,))
    evaluation = StoreSession(store, unit, {clean().condition_id: clean()}, Owner.here("test"))
    evaluation.load_trained()
    evaluation.commit_cells([])
    assert store.list_checkpoints("01") == ((session.attempt, "best"),)


def session_of(store: Store, phase: Phase, launch: str) -> StoreSession:
    ids = (clean().condition_id,) if phase == "evaluate" else ()
    unit = StudyUnit(phase=phase, trial=trial("01"), condition_ids=ids)
    return StoreSession(store, unit, {clean().condition_id: clean()}, Owner.here("test"), launch=launch)


def test_only_the_launch_that_trained_a_trial_evaluates_it_without_asking_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path)
    asked: list[str] = []
    evaluated = Store.evaluated
    monkeypatch.setattr(Store, "evaluated", lambda self, one, ids: asked.append(one) or evaluated(self, one, ids))
    training = session_of(store, "train", "ours")
    training.commit_training(outcome([0.5]), None)
    training.close(tune.Report(status="done"), 0, "cpu")
    first = session_of(store, "evaluate", "ours")
    assert list(first.wanted) == [clean().condition_id]
    assert asked == []
    first.close(tune.Report(status="stopped"), 0, "cpu")
    for launch in ("ours", "theirs"):
        later = session_of(store, "evaluate", launch)
        assert list(later.wanted) == [clean().condition_id]
        later.close(tune.Report(status="stopped"), 0, "cpu")
    assert asked == ["01", "01"]


def test_a_launch_that_finds_a_trial_trained_asks_what_is_evaluated(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    theirs = session_of(store, "train", "theirs")
    theirs.commit_training(outcome([0.5]), None)
    theirs.close(tune.Report(status="done"), 0, "cpu")
    evaluation = session_of(store, "evaluate", "theirs")
    evaluation.commit_cells(list(noop.cells(evaluation.wanted, trial("01").recipe)))
    evaluation.close(tune.Report(status="done"), 0, "cpu")
    ours = session_of(store, "train", "ours")
    assert ours.already_committed
    ours.close(tune.Report(status="done"), 0, "cpu")
    assert session_of(store, "evaluate", "ours").already_committed


@pytest.mark.parametrize(("keep", "kept"), [("best", {"best"}), ("last+best", {"best", "final"})])
def test_of_a_finished_trial_the_last_state_stays_where_it_is_asked_for(
    tmp_path: Path, keep: Keep, kept: set[str]
) -> None:
    store, unit = Store.open(tmp_path), StudyUnit(phase="train", trial=trial("01"))
    session = StoreSession(store, unit, {clean().condition_id: clean()}, Owner.here("test"), keep=keep)
    weights = {"weight": torch.ones(3)}
    session.save_last({"epochs": [0.5], "step": 3})
    session.commit_training(replace(outcome([0.5]), weights_hash=weights_hash(weights)), weights)
    session.close(tune.Report(status="done"), 0, "cpu")
    assert {role for _, role in store.list_checkpoints("01")} == kept
    another = session_of(store, "evaluate", "another's")
    another.load_trained()
    another.commit_cells(list(noop.cells(another.wanted, trial("01").recipe)))
    assert {role for _, role in store.list_checkpoints("01")} == kept, "who wants less takes nothing away"
    if keep == "last+best":
        assert parse(store.read_checkpoint("01", session.attempt, "final"))["step"] == 3


def test_an_attempt_that_only_commits_what_another_trained_keeps_its_last_state(tmp_path: Path) -> None:
    """As after a kill, or a full disk, between the last epoch and the commit."""
    store, unit = Store.open(tmp_path), StudyUnit(phase="train", trial=trial("01"))

    def opened_again() -> StoreSession:
        return StoreSession(store, unit, {clean().condition_id: clean()}, Owner.here("test"), keep="last+best")

    for step in (3, 7):
        cut_short = opened_again()
        cut_short.load_last()
        cut_short.save_last({"epochs": [0.5], "step": step})
        cut_short.close(tune.Report(status="failed", failure="infrastructure", error="no space"), 0, "cpu")
    session = opened_again()
    assert (session.load_last() or {})["step"] == 7
    session.commit_training(outcome([0.5]), None)
    assert store.list_checkpoints("01") == ((session.attempt, "final"),)
    assert parse(store.read_checkpoint("01", session.attempt, "final"))["step"] == 7


def stood_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, StoreSession, str]:
    """A store in which another has trained the trial, one that looked before that whether it holds it, and the
    attempt of the other."""
    store, unit = Store.open(tmp_path), StudyUnit(phase="train", trial=trial("01"))
    sleeper = StoreSession(store, unit, {clean().condition_id: clean()}, Owner.here("a"), keep="last+best")
    sleeper.heartbeat.stop()
    other = StoreSession(store, unit, {clean().condition_id: clean()}, Owner.here("b"), keep="last+best")
    weights = {"weight": torch.ones(3)}
    other.save_last({"epochs": [0.5], "step": 3})
    other.commit_training(replace(outcome([0.5]), weights_hash=weights_hash(weights)), weights)
    other.close(tune.Report(status="done"), 0, "cpu")
    monkeypatch.setattr(StoreSession, "_check", lambda _: None)
    return store, sleeper, other.attempt


def test_who_stood_still_before_its_commit_takes_its_models_back_and_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On GPUs their numbers may differ."""
    store, sleeper, other = stood_still(tmp_path, monkeypatch)
    row = store.trial("01")
    sleeper.save_last({"epochs": [0.5], "step": 4})
    weights = {"weight": torch.zeros(3)}
    with pytest.raises(tune.HeldError, match="committed by another while this process stood still"):
        sleeper.commit_training(replace(outcome([0.25]), weights_hash=weights_hash(weights)), weights)
    assert store.trial("01") == row
    assert store.read("epochs").to_pylist()[0]["loss"] == 0.5
    assert store.list_checkpoints("01") == ((other, "best"), (other, "final"))


def test_who_stood_still_while_it_saved_takes_that_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, sleeper, other = stood_still(tmp_path, monkeypatch)
    sleeper.save_last({"epochs": [0.5], "step": 4})
    sleeper.close(tune.Report(status="held"), 0, "cpu")
    assert store.list_checkpoints("01") == ((other, "best"), (other, "final"))


def test_a_full_disk_costs_the_record_of_an_attempt_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.executor.session.RECORD_SECONDS", 0.2)
    store = Store.open(tmp_path)
    session = opened(store)
    with monkeypatch.context() as full:
        full.setattr(Store, "record_attempt", _no_space)
        session.close(tune.Report(status="failed", failure="infrastructure", error="no space"), 0, "cpu")
    assert store.leases("trial") == ()
    assert store.read("attempts").num_rows == 0


def _no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


DEATH = Death(failure="infrastructure", error="killed", host="engine", last_words="")


def test_a_death_is_recorded_in_its_place_among_the_attempts(tmp_path: Path) -> None:
    """As of a report of hours on a clock that has gone wrong: its generation tells what it came after."""
    store = Store.open(tmp_path)
    for status, ended in (("failed", "failed"), ("running", "lost"), ("stopped", "stopped")):
        session = opened(store)
        if ended == "lost":
            report = tune.Report(status="running", seconds=7200.0)
            record_lost(store, session.unit, DEATH, report)
            session.lease.release()
            session.heartbeat.stop()
        else:
            session.close(tune.Report(status=status, failure="user" if status == "failed" else None), 0, "cpu")
    rows = in_order(store.read("attempts").to_pylist())
    assert [row["status"] for row in rows] == ["failed", "lost", "stopped"]
    assert rows[1]["started"] < rows[0]["started"]
    assert rows[1]["attempt"].startswith("lost-0002-")


def test_storage_that_refuses_costs_the_record_of_a_death_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.executor.session.RECORD_SECONDS", 0.2)
    store = Store.open(tmp_path)
    unit = StudyUnit(phase="train", trial=trial("01"))
    for name in ("generation", "record_attempt"):
        with monkeypatch.context() as full:
            full.setattr(Store, name, _no_space)
            record_lost(store, unit, DEATH, tune.Report(status="running"))
        assert store.read("attempts").num_rows == 0
