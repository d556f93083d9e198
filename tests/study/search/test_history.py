"""Laws of a search's course: it is Optuna's own, and it is where it was after any interruption."""

import random
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.plan import Drawn, Search
from study.samplers import SAMPLERS as DESCRIBED
from study.search.history import SAMPLERS, History
from tests.study.search import peaked
from trainables.parameters import Value, complete
from trainables.recipe import Component

Point = dict[str, Value]


def sampler(name: str, **given: Value) -> Component:
    return Component.of(name, complete(DESCRIBED[name], given))


def value(point: Point, objectives: int) -> tuple[float, ...]:
    alpha, sigma = float(point["method.alpha"] or 0), float(point["distortion.sigma"] or 0)  # type: ignore[arg-type]
    return (-((alpha - 3) ** 2) - sigma, sigma - 0.1 * alpha)[:objectives]


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    return peaked.plan(tmp_path_factory.mktemp("spec")).searches[0]


def test_every_described_sampler_is_built() -> None:
    assert set(SAMPLERS) == set(DESCRIBED) == {"tpe", "random", "nsga2", "qmc"}


@pytest.mark.parametrize("objectives", [1, 2])
@pytest.mark.parametrize(
    ("component", "own"),
    [
        (sampler("tpe"), lambda: optuna.samplers.TPESampler(seed=3)),
        (sampler("tpe", n_startup_trials=4), lambda: optuna.samplers.TPESampler(seed=3, n_startup_trials=4)),
        (sampler("random"), lambda: optuna.samplers.RandomSampler(seed=3)),
        (sampler("nsga2", population_size=6), lambda: optuna.samplers.NSGAIISampler(seed=3, population_size=6)),
    ],
    ids=lambda given: given.name if isinstance(given, Component) else "",
)
def test_with_one_worker_the_history_is_optunas_own(
    search: Search, component: Component, own: object, objectives: int
) -> None:
    search = replace(search, sampler=component, seed=3, objectives=search.objectives[:objectives])
    history = History(search)
    points: list[Point] = []
    for number in range(20):
        points.append(history.draw())
        history.tell(number, value(points[-1], objectives))
    assert points == by_optuna(own(), objectives, 20)  # type: ignore[operator]
    assert len({str(point) for point in points}) > 10


def by_optuna(chooser: optuna.samplers.BaseSampler, objectives: int, trials: int) -> list[Point]:
    """The points of Optuna's own loop, as its manual has it."""
    alone = optuna.create_study(directions=["maximize"] * objectives, sampler=chooser)

    def objective(trial: optuna.Trial) -> tuple[float, ...]:
        point: Point = {
            "method.alpha": trial.suggest_float("method.alpha", 0.01, 10, log=True),
            "distortion.sigma": trial.suggest_float("distortion.sigma", 0.05, 0.5),
        }
        return value(point, objectives)

    alone.optimize(objective, n_trials=trials)
    return [trial.params for trial in alone.trials]


def run(search: Search, moves: random.Random, workers: int, points: int) -> list[Drawn]:
    """A search by several workers that finish in any order; some points fail."""
    history, drawn, running = History(search), list[Drawn](), list[int]()
    told: list[tuple[int, str]] = []
    while len(drawn) < points:
        if len(running) < workers and (not running or moves.random() < 0.6):
            point = history.draw()
            drawn.append(recorded(search, len(drawn), point, told))
            told.clear()
            running.append(len(drawn) - 1)
        else:
            number = running.pop(moves.randrange(len(running)))
            failed = number % 5 == 4
            history.tell(number, None if failed else value(dict(drawn[number].parameters), 2))
            told.append((number, "failed" if failed else "complete"))
    return drawn


def recorded(search: Search, number: int, point: Point, told: list[tuple[int, str]]) -> Drawn:
    return Drawn(
        search_id=search.search_id, number=number, parameters=tuple(point.items()), told=tuple(told),  # type: ignore[arg-type]
        trial_ids=(str(number),),
    )  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from(sorted(DESCRIBED)), st.integers(1, 17))
def test_a_replay_is_where_the_launch_before_was(seed: int, workers: int, name: str, cut: int) -> None:
    search = replace(made(), sampler=sampler(name), seed=seed)
    whole = run(search, random.Random(seed), workers, 18)
    again = History(search)
    again.replay(whole[:cut], lambda number: value(dict(whole[number].parameters), 2))
    assert not again.departed
    later = whole[cut]
    for number, verdict in later.told:
        again.tell(number, None if verdict == "failed" else value(dict(whole[number].parameters), 2))
    assert again.draw() == dict(later.parameters)


def made() -> Search:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return peaked.plan(Path(folder)).searches[0]


def test_recorded_points_stay_where_another_version_would_have_drawn_others(search: Search) -> None:
    points = run(search, random.Random(1), 1, 6)
    other = [replace(point, parameters=(("method.alpha", 5.0), ("distortion.sigma", 0.1 + 0.01 * point.number)))
             for point in points]  # fmt: skip
    history = History(search)
    history.replay(other, lambda number: value(dict(other[number].parameters), 2))
    assert history.departed
    assert [trial.params for trial in history.study.trials] == [dict(point.parameters) for point in other]
    assert len(history.told) == 5
    assert set(history.draw()) == {"method.alpha", "distortion.sigma"}


def test_of_two_words_on_one_point_the_first_counts(search: Search) -> None:
    history = History(search)
    history.draw()
    history.tell(0, (0.5, 0.5))
    history.tell(0, None)
    assert history.study.trials[0].values == [0.5, 0.5]
