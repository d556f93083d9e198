"""Laws of the rule by which trials go on: Algorithm 2 of Li et al. 2020."""

import random

import optuna
from hypothesis import example, given
from hypothesis import strategies as st
from optuna.pruners import SuccessiveHalvingPruner

from study.executor.rungs import WORST, Rung, Score

ACCURACIES = st.lists(st.sampled_from([one / 40 for one in range(41)]), max_size=60)
FACTORS = st.integers(2, 5)


def scores(accuracies: list[float]) -> list[Score]:
    return [(accuracy, -1.0) for accuracy in accuracies]


def top(entered: dict[int, Score], factor: int) -> set[int]:
    """top_k(rung, ⌊|rung| / η⌋), as the paper writes it."""
    ranked = sorted(entered, key=lambda number: (-entered[number][0], -entered[number][1], number))
    return set(ranked[: len(entered) // factor])


@given(ACCURACIES, FACTORS)
def test_who_enters_is_promoted_exactly_when_the_paper_says(accuracies: list[float], factor: int) -> None:
    rung, entered, promoted = Rung(factor), dict[int, Score](), set[int]()
    for number, score in enumerate(scores(accuracies)):
        entered[number] = score
        rung.enter(number, score)
        going = rung.promote()
        assert set(going) == top(entered, factor) - promoted
        assert len(going) == len(set(going))
        promoted.update(going)


@given(ACCURACIES, FACTORS)
def test_with_all_known_the_best_part_goes_on_and_nobody_else(accuracies: list[float], factor: int) -> None:
    rung = Rung(factor)
    for number, score in enumerate(scores(accuracies)):
        rung.enter(number, score)
    assert len(rung.promote()) == len(accuracies) // factor
    assert rung.promote() == []


@given(ACCURACIES, FACTORS, st.integers(0, 2**32))
def test_whatever_the_order_of_arrival_those_who_end_up_best_have_gone_on(
    accuracies: list[float], factor: int, seed: int
) -> None:
    numbered = list(enumerate(scores(accuracies)))
    random.Random(seed).shuffle(numbered)
    rung, promoted = Rung(factor), set[int]()
    for number, score in numbered:
        rung.enter(number, score)
        promoted.update(rung.promote())
    assert top(dict(numbered), factor) <= promoted


@given(ACCURACIES, FACTORS)
def test_a_word_said_twice_counts_once(accuracies: list[float], factor: int) -> None:
    once, twice = Rung(factor), Rung(factor)
    for number, score in enumerate(scores(accuracies)):
        once.enter(number, score)
        twice.enter(number, score)
        twice.enter(number, (1.0, 0.0))
    assert once.promote() == twice.promote()


@given(st.lists(st.integers(0, 10_000), unique=True, min_size=3, max_size=40))
@example(list(range(30)))
def test_where_optuna_decides_on_as_many_it_decides_alike(values: list[int]) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruner = SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    study, rung = optuna.create_study(direction="maximize", pruner=pruner), Rung(3)
    for number, value in enumerate(values):
        trial = study.ask()
        trial.report(value, 1)
        rung.enter(number, (float(value), 0.0))
        going, stops = rung.promote(), trial.should_prune()
        if number >= 2:  # before, Optuna lets the best go on, having no way to resume it later
            assert (number in going) == (not stops)


def test_a_diverged_trial_is_the_worst_and_never_goes_on() -> None:
    rung = Rung(2)
    for number in range(4):
        rung.enter(number, WORST)
    assert rung.promote() == []
    rung.enter(4, (0.0, -100.0))
    rung.enter(5, (0.1, -100.0))
    assert rung.promote() == [5, 4]


def test_of_too_few_the_best_goes_on_once_nobody_else_will_come() -> None:
    rung = Rung(4)
    for number, score in enumerate([(0.2, -1.0), (0.5, -2.0), (0.5, -1.0)]):
        rung.enter(number, score)
    assert rung.promote() == []
    assert rung.promote_last() == [2]
    assert rung.promote_last() == []
