"""What a search's sampler is told of points that halt at rungs, and that a relaunch tells it the same."""

from dataclasses import replace
from pathlib import Path

from optuna.trial import TrialState

from study.plan import Drawn
from study.search.history import History
from tests.study.search import peaked


def single(tmp_path: Path) -> History:
    """Of the shipped search, for the first of its objectives."""

    search = peaked.plan(tmp_path).searches[0]
    return History(replace(search, objectives=search.objectives[:1]))


def test_a_point_is_known_by_its_furthest_rung_until_its_objective_is(tmp_path: Path) -> None:
    history = single(tmp_path)
    for _ in range(3):
        history.draw()
    history.tell_halt(0, 1, 0.5)
    history.tell_halt(1, 1, 0.6)
    history.tell_halt(1, 3, 0.7)
    history.tell(1, [0.9])
    history.tell_halt(1, 9, 0.1)
    first, second, third = history.study.get_trials()
    assert (first.state, first.value, first.intermediate_values) == (TrialState.PRUNED, 0.5, {1: 0.5})
    assert (second.state, second.value) == (TrialState.COMPLETE, 0.9)
    assert third.state == TrialState.RUNNING


def test_a_relaunch_draws_the_same_points_from_the_same_words(tmp_path: Path) -> None:
    history, drawn = single(tmp_path), list[Drawn]()
    halts = {number: ((1, (number * 7 % 11) / 11), (3, 0.5)) for number in range(20)}
    for number in range(20):
        told = [(number - 1, "pruned")] if number else []
        told += [(number - 2, "pruned"), (number - 2, "complete")] if number > 1 and number % 3 == 0 else []
        for one, verdict in told:
            if verdict == "pruned":
                history.tell_halt(one, *halts[one][history.halted[one]])
            else:
                history.tell(one, [0.1 * one])
        point = tuple(history.draw().items())
        drawn.append(
            Drawn(search_id="s", number=number, parameters=point, told=tuple(told), trial_ids=(str(number),))  # type: ignore[arg-type]
        )
    again = single(tmp_path)
    again.replay(drawn, lambda number: [0.1 * number], lambda number: halts[number])
    assert not again.departed
    assert again.draw() == history.draw()
    other = single(tmp_path)
    other.replay(drawn, lambda number: [0.1 * number], lambda number: ())
    assert other.departed
