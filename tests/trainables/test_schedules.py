"""Learning-rate schedules."""

from itertools import pairwise
from typing import Any

import pytest

from trainables.recipe import Component, Length
from trainables.registry import UnknownNameError
from trainables.schedules import SCHEDULES, Constant, Cosine, Inverse, MultiStep, schedule

LENGTH = Length(steps=100, epoch=10)
TYPICAL: dict[str, dict[str, Any]] = {"constant": {}, "inverse": {}, "multi_step": {"milestones": [3, 6]}, "cosine": {}}


def test_the_laws_know_every_schedule() -> None:
    assert set(TYPICAL) == set(SCHEDULES)


@pytest.mark.parametrize("name", TYPICAL)
def test_it_begins_at_the_optimizers_rate_and_never_rises(name: str) -> None:
    found = schedule(Component.of(name, TYPICAL[name]))
    rates = [found.rate(0.3, step, LENGTH) for step in range(100)]
    assert rates[0] == 0.3
    assert all(later <= earlier for earlier, later in pairwise(rates))
    assert (rates[-1] < 0.3) == (name != "constant")


def test_constant_is_exact() -> None:
    assert {Constant().rate(0.1, step, LENGTH) for step in (0, 1, 10_000)} == {0.1}


def test_inverse_with_gamma_one_and_power_one_is_one_over_t() -> None:
    assert [Inverse(gamma=1, power=1).rate(6, step, LENGTH) for step in range(3)] == pytest.approx([6, 3, 2])


def test_milestones_count_epochs_or_iterations_that_are_done() -> None:
    in_epochs = MultiStep(milestones=(2, 5), factor=0.5)
    assert [in_epochs.rate(8, step, LENGTH) for step in (19, 20, 49, 50, 99)] == [8, 4, 4, 2, 2]
    in_iterations = MultiStep(milestones=(2, 5), factor=0.5, unit="iterations")
    assert [in_iterations.rate(8, step, LENGTH) for step in (1, 2, 4, 5, 99)] == [8, 4, 4, 2, 2]


def test_cosine_is_half_a_wave_over_the_whole_training() -> None:
    wave = Cosine(final=1)
    assert [wave.rate(3, step, LENGTH) for step in (0, 50, 100)] == pytest.approx([3, 2, 1])
    assert wave.rate(3, 25, LENGTH) + wave.rate(3, 75, LENGTH) == pytest.approx(4)


@pytest.mark.parametrize(
    ("milestones", "message"),
    [
        ([], "milestones is a list of one number or more; got \\[\\]"),
        (30, "milestones is a list of one number or more; got 30"),
        ([0, 5], "milestones.* must be at least 1; got 0"),
        ([1.5], "milestones is a whole number; got 1.5"),
        ([60, 30], "milestones rise from one to the next; got 60, 30"),
        ([30, 30], "milestones rise from one to the next; got 30, 30"),
    ],
)
def test_bad_milestones_are_named(milestones: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        schedule(Component.of("multi_step", {"milestones": milestones}))


def test_unknown_names_are_answered_with_the_known() -> None:
    with pytest.raises(UnknownNameError, match="no schedule is called 'inv'; there are constant, inverse"):
        schedule(Component.of("inv"))


@pytest.mark.parametrize(
    ("unit", "epochs", "iterations", "said"),
    [
        ("epochs", 5, None, "a training of 5 epochs ends before its rate falls at 5"),
        ("epochs", 1, None, "a training of 1 epoch ends before its rate falls at 2, 5"),
        ("epochs", 6, None, None),
        ("epochs", None, 3, None),
        ("iterations", None, 3, "a training of 3 iterations ends before its rate falls at 5"),
        ("iterations", 3, None, None),
    ],
)
def test_milestones_that_are_never_reached_are_told(
    unit: Any, epochs: int | None, iterations: int | None, said: str | None
) -> None:
    """As far as they are known without the images: epochs of a training that counts epochs."""
    assert MultiStep(milestones=(2, 5), unit=unit).caution(epochs, iterations) == said
