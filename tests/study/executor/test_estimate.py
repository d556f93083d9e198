"""The time left: measured speeds, and a rehearsal of what is left."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from study.executor.estimate import Estimate
from study.executor.units import StudyUnit
from study.plan import PlannedTrial, Resources
from tests.study.executor.plans import trial
from trainables.recipe import Component

IMAGES = {"train": 300, "test": 100}
TRAINING, EVALUATION = 9.0, 2.0


def train(of: PlannedTrial) -> StudyUnit:
    return StudyUnit(phase="train", trial=of)


def evaluation(of: PlannedTrial) -> StudyUnit:
    return StudyUnit(phase="evaluate", trial=of, condition_ids=("clean",))


def taught() -> Estimate:
    """Knows that a training takes 9 seconds an epoch and an evaluation 2."""
    estimate = Estimate(IMAGES)
    estimate.learn(train(trial("01")), TRAINING)
    estimate.learn(evaluation(trial("01")), EVALUATION)
    return estimate


def left(estimate: Estimate, *units: StudyUnit, running: Sequence[tuple[StudyUnit, float]] = (), workers: int = 2):
    return estimate.remaining(units, running, lambda _: workers)


def test_nothing_is_said_before_a_unit_has_ended() -> None:
    assert left(Estimate(IMAGES), train(trial("02"))) is None


def test_seconds_grow_with_the_work() -> None:
    assert taught().seconds(train(trial("02", epochs=3))) == pytest.approx(3 * TRAINING)


def test_the_units_most_alike_count_and_the_median_of_them() -> None:
    estimate = taught()
    for seconds in (1.0, 2.0, 30.0):
        estimate.learn(train(trial("03", "B")), seconds)
    assert estimate.seconds(train(trial("04", "B"))) == pytest.approx(2.0)
    assert estimate.seconds(train(trial("05", "A"))) == pytest.approx(TRAINING)


def test_workers_share_what_is_left() -> None:
    units = [train(trial(f"{i:02x}")) for i in range(2, 6)]
    assert left(taught(), *units) == pytest.approx(2 * TRAINING)
    assert left(taught(), *units, workers=4) == pytest.approx(TRAINING)


def test_a_child_waits_for_its_parent_and_an_evaluation_for_its_training() -> None:
    parent, child = trial("02"), trial("03", parent="02")
    units = [train(parent), evaluation(parent), train(child), evaluation(child)]
    assert left(taught(), *units, workers=4) == pytest.approx(2 * TRAINING + EVALUATION)


def test_what_runs_counts_for_the_rest_of_it_and_frees_what_waits() -> None:
    parent, child = trial("02"), trial("03", parent="02")
    running = [(train(parent), 2 / 3)]
    assert left(taught(), evaluation(parent), train(child), running=running) == pytest.approx(TRAINING * 4 / 3)


def test_one_long_unit_at_the_end_is_not_shared_out() -> None:
    running = [(train(trial("02", epochs=10)), 0.0), (train(trial("03")), 0.0)]
    assert left(taught(), running=running) == pytest.approx(10 * TRAINING)


def test_shapes_share_the_cluster() -> None:
    wide, narrow = Resources(cpus=2.0), Resources(cpus=1.0)
    units = [train(trial("02", resources=wide)), train(trial("03", resources=narrow))]
    fits = {wide: 1, narrow: 2}
    assert taught().remaining(units, (), lambda shape: fits[shape]) == pytest.approx(2 * TRAINING)


def test_passes_are_those_that_the_parameters_ask_for() -> None:
    def expected(weight: float) -> float | None:
        one = trial("02")
        method = Component.of("noisymix", {"jsd_weight": weight})
        return taught().seconds(train(replace(one, recipe=replace(one.recipe, method=method))))

    assert expected(0.0) == pytest.approx(TRAINING)
    assert expected(12.0) == pytest.approx(3 * TRAINING)


def test_a_sequence_is_as_much_work_as_its_frames() -> None:
    of = StudyUnit(phase="evaluate", trial=trial("01"), condition_ids=("clean", "moving"))
    assert Estimate(IMAGES, {"moving": 31}).work(of) == 32 * IMAGES["test"]
    assert Estimate(IMAGES).work(of) == 2 * IMAGES["test"]
