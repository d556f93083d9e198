"""Stages in the store and the queue: kept over attempts, made up for only where the bits are the committed ones."""

from dataclasses import replace
from uuid import uuid4

import pytest
import torch

from study.executor.queue import Queue
from study.executor.session import RetrainedDifferentlyError, StoreSession
from study.executor.units import StudyUnit
from study.plan import Plan, PlannedTrial
from study.stages import lacking, needed
from study.store import Owner, Store
from tests.study.executor.noop import outcome
from tests.study.executor.plans import DATA, clean, plan, trial
from trainables.checkpoint import CorruptCheckpointError, weights_hash
from trainables.noise_stability import NAME, StabilityTest
from trainables.recipe import Condition
from trainables.records import Cell, Outcome, State
from trainables.tune import Report, classify

TEST = StabilityTest(sigma=20.0, draws=5, per_class=2, spare=1, stages=(1, 2, 9), counts="epochs")
NOISE = Condition(
    condition_id="noise", data=DATA, split="test", family=NAME, test_distortion=NAME, parameter="sigma",
    level=TEST.sigma, steps=(TEST.step(),),
)  # fmt: skip
CONDITIONS = {one.condition_id: one for one in (clean(), NOISE)}
WEIGHTS = {"weight": torch.ones(3)}


@pytest.fixture
def store() -> Store:
    return Store.open(f"memory://{uuid4().hex}")


def staged(name: str = "01", stages: tuple[int, ...] = (1, 2)) -> PlannedTrial:
    one = trial(name, epochs=3)
    return replace(one, recipe=replace(one.recipe, stages=stages))


def study(*trials: PlannedTrial) -> Plan:
    return replace(plan(*trials), conditions=tuple(CONDITIONS.values()))


def session(store: Store, one: PlannedTrial, again: bool = False) -> StoreSession:
    return StoreSession(store, StudyUnit(phase="train", trial=one, again=again), CONDITIONS, Owner.here("test"))


def ended(weights: State | None, diverged: bool = False) -> Outcome:
    hashed = None if weights is None else weights_hash(weights)
    return replace(outcome([0.5]), weights_hash=hashed, diverged_epoch=1 if diverged else None)


def trained(store: Store, one: PlannedTrial, *kept: int) -> None:
    """A training that is committed, with these stages."""
    attempt = session(store, one)
    for stage in kept:
        attempt.keep_stage(stage, {"weight": torch.full((3,), float(stage))})
    attempt.commit_training(ended(WEIGHTS), WEIGHTS)
    attempt.close(Report(status="done"), 0, "cpu")


def begun(store: Store, one: PlannedTrial, *kept: int, again: bool = False) -> None:
    """A training that is cut off."""
    attempt = session(store, one, again)
    for stage in kept:
        attempt.keep_stage(stage, {"weight": torch.full((3,), -float(stage))})
    attempt.save_last({"epochs": [], "step": 1})
    attempt.close(Report(status="stopped"), 0, "cpu")


def test_stages_of_several_attempts_are_kept_once_and_the_rest_goes(store: Store) -> None:
    begun(store, staged(), 1, 2)
    begun(store, staged(stages=(1, 2, 3)), 3)
    trained(store, staged(), 2)
    roles = [role for _, role in store.list_checkpoints("01")]
    assert sorted(roles) == ["best", "stage-1", "stage-2"]
    assert store.kept_stages() == store.kept_stages("01") == {"01": {1, 2}}
    found = session(store, staged()).load_stages((2, 1))
    assert found is not None
    assert [float(one["weight"][0]) for one in found] == [2.0, -1.0]


def test_a_trial_that_diverged_keeps_no_stages(store: Store) -> None:
    attempt = session(store, staged())
    attempt.keep_stage(1, WEIGHTS)
    attempt.commit_training(ended(None, diverged=True), None)
    assert store.list_checkpoints("01") == ()
    assert attempt.load_stages((1, 2)) is None
    assert lacking(study(staged()), store, {"01"}, {}) == {}


def test_a_stage_that_is_not_there_is_named(store: Store) -> None:
    trained(store, staged(), 1)
    with pytest.raises(CorruptCheckpointError, match=r"trials/01: there is no stage-2\.ckpt; restore it, or train"):
        session(store, staged()).load_stages((1, 2))


def test_what_is_lacking_is_what_a_missing_cell_needs(store: Store) -> None:
    one = staged()
    assert needed(one, CONDITIONS.values()) == {1, 2}
    assert needed(one, [clean()]) == frozenset()
    trained(store, one, 2)
    assert lacking(study(one), store, {"01"}, {}) == {"01": (1,)}
    assert lacking(study(one), store, {"01"}, {"01": {"noise"}}) == {}
    assert lacking(study(one), store, set(), {}) == {}
    assert lacking(plan(one), store, {"01"}, {}) == {}
    begun(store, one, 1, again=True)
    assert lacking(study(one), store, {"01"}, {}) == {"01": (1,)}


def test_training_again_with_the_same_bits_adds_the_stages_alone(store: Store) -> None:
    trained(store, staged(), 2)
    before = {name: store.objects.get(name) for name in store.objects.beneath("")}
    begun(store, staged(), 1, again=True)
    attempt = session(store, staged(), again=True)
    assert not attempt.already_committed
    attempt.keep_stage(2, WEIGHTS)
    attempt.commit_training(ended(WEIGHTS), WEIGHTS)
    assert attempt.already_committed
    assert sorted(role for _, role in store.list_checkpoints("01")) == ["best", "stage-1", "stage-2"]
    assert {name: store.objects.get(name) for name in before if not name.startswith("leases")} == {
        name: data for name, data in before.items() if not name.startswith("leases")
    }
    found = attempt.load_stages((1,))
    assert found is not None
    assert float(found[0]["weight"][0]) == -1.0


@pytest.mark.parametrize("other", [{"weight": torch.zeros(3)}, None])
def test_training_again_with_other_bits_is_an_error_that_changes_nothing(store: Store, other: State | None) -> None:
    trained(store, staged(), 2)
    results = {name: store.objects.get(name) for name in store.objects.beneath("results")}
    checkpoints = store.list_checkpoints("01")
    begun(store, staged(), 1, again=True)
    attempt = session(store, staged(), again=True)
    attempt.keep_stage(2, {"weight": torch.zeros(3)})
    with pytest.raises(RetrainedDifferentlyError, match="trial 01, trained again, has not the weights that") as caught:
        attempt.commit_training(ended(other, diverged=other is None), other)
    assert classify(caught.value) == "user"
    assert store.list_checkpoints("01") == checkpoints
    assert {name: store.objects.get(name) for name in results} == results


def cell(condition_id: str) -> Cell:
    return Cell(
        condition_id=condition_id, n=10, correct=5, top5_correct=None, loss_sum=None, confidence_sum=None,
        at_chance=False, correct_bits=b"\xff\0",
    )  # fmt: skip


def test_cells_of_stages_are_committed_by_themselves_and_count_as_evaluated(store: Store) -> None:
    trained(store, staged(), 1, 2)
    session(store, staged()).commit_cells([cell("c0ffee"), cell("noise")])
    assert store.evaluated("01", {"c0ffee", "noise", "other"}) == {"c0ffee", "noise"}
    rows = store.read("evaluations").to_pylist()
    assert {row["condition_id"]: row["role"] for row in rows} == {"c0ffee": "best", "noise": "stages"}


def queue(retrain: bool) -> Queue:
    return Queue(
        study(staged(), replace(trial("02", "B", parent="01"), stage=1)), {"01"}, {}, {}, lacking={"01": (1, 2)},
        retrain=retrain,
    )  # fmt: skip


def test_without_being_told_to_a_launch_leaves_those_cells_and_says_why() -> None:
    line = queue(retrain=False)
    units = list(iter(line.take, None))
    told = {str(unit): unit.condition_ids for unit in units}
    assert told == {"evaluate 01": ("c0ffee",), "train 02": ()}
    for unit in units:
        line.done(unit)
    assert line.state("01") == "blocked"
    assert line.blocked["01"] == (
        "its weights after 1, 2 epochs were never kept; --retrain trains it again to keep them"
    )
    assert line.state("02") == "left"


def test_when_told_to_it_trains_again_before_it_evaluates_and_its_children_do_not_wait() -> None:
    line = queue(retrain=True)
    first, second = line.take(), line.take()
    assert first is not None
    assert (str(first), first.again, str(second)) == ("train 01", True, "train 02")
    assert line.take() is None
    line.done(first)
    after = line.take()
    assert after is not None
    assert (str(after), set(after.condition_ids)) == ("evaluate 01", {"c0ffee", "noise"})
    line.done(after)
    assert line.state("01") == "done"
