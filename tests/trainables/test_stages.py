"""Stages: weights on the way are those of a training that ends there, whatever interrupts it; they change nothing."""

from dataclasses import replace

import pytest

from tests.trainables.test_noise_stability import RECIPE
from trainables.checkpoint import to_cpu, weights_hash
from trainables.fit import begin, commit, fit
from trainables.recipe import Parent, Recipe, WeightsFile
from trainables.records import Outcome, State


class Kept:
    """A sink in memory, as a store is to one attempt after another."""

    def __init__(self) -> None:
        self.last: State | None = None
        self.stages: dict[int, str] = {}
        self.outcome: Outcome | None = None

    def load_last(self) -> State | None:
        return self.last

    def save_last(self, state: State) -> None:
        self.last = to_cpu(state)

    def keep_stage(self, stage: int, weights: State) -> None:
        self.stages[stage] = weights_hash(weights)

    def load_start(self, start: Parent | WeightsFile) -> State | None:
        raise AssertionError("it starts from scratch")

    def commit_training(self, outcome: Outcome, weights: State | None) -> None:
        self.outcome = outcome


def result(recipe: Recipe) -> Kept:
    sink = Kept()
    fit(recipe, sink)  # type: ignore[arg-type]
    return sink


def final(recipe: Recipe) -> str | None:
    outcome = result(recipe).outcome
    assert outcome is not None
    return outcome.weights_hash


BY_ITERATIONS = replace(RECIPE, epochs=None, iterations=4, stages=(1, 3, 4))


@pytest.mark.parametrize("recipe", [RECIPE, BY_ITERATIONS])
def test_a_stage_is_where_a_shorter_training_ends(recipe: Recipe) -> None:
    sink = result(recipe)
    assert tuple(sink.stages) == recipe.stages
    for stage, kept in sink.stages.items():
        assert kept == final(replace(recipe, **{recipe.counts: stage}, stages=()))
    assert sink.outcome is not None
    assert sink.outcome.weights_hash == final(replace(recipe, stages=())) == sink.stages[recipe.stages[-1]]


def test_a_training_that_is_cut_off_anywhere_has_every_stage() -> None:
    whole = result(BY_ITERATIONS)
    for cut in range(1, 4):
        sink = Kept()
        training = begin(BY_ITERATIONS, sink, "cpu")  # type: ignore[arg-type]
        for _ in range(cut):
            training.advance(until=0.0)
        sink.save_last(training.state())
        training.advance(until=0.0)  # lost with the worker that did it
        sink.stages = {stage: kept for stage, kept in sink.stages.items() if stage <= cut}
        resumed = begin(BY_ITERATIONS, sink, "cpu")  # type: ignore[arg-type]
        assert resumed.step + 2 * len(resumed.epochs) == cut
        while not resumed.finished:
            resumed.advance()
        commit(resumed, sink)  # type: ignore[arg-type]
        assert (sink.stages, sink.outcome) == (whole.stages, whole.outcome)


def test_a_training_that_kept_too_little_begins_anew() -> None:
    sink = Kept()
    training = begin(replace(BY_ITERATIONS, stages=(3,)), sink, "cpu")  # type: ignore[arg-type]
    training.advance(until=0.0)
    sink.save_last(training.state())
    assert begin(replace(BY_ITERATIONS, stages=(2, 3)), sink, "cpu").step == 1  # type: ignore[arg-type]
    assert begin(replace(BY_ITERATIONS, stages=(1, 3)), sink, "cpu").step == 0  # type: ignore[arg-type]
