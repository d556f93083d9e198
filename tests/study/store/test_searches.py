"""Laws of recorded searches: what was drawn comes back as it was, and only as far as it goes."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from study.plan import Drawn, Plan
from study.planning import drawn_trials
from study.store import CorruptObjectError, Store
from tests.study.search import peaked

POINT = {"method.alpha": 1 / 3, "distortion.sigma": 0.1}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return peaked.plan(tmp_path_factory.mktemp("spec"), ("trials:     16", "trials:     3"))


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store.open(tmp_path if request.param == "local" else f"memory://{uuid4().hex}")


def draw(store: Store, plan: Plan, number: int) -> Drawn:
    search = plan.searches[0]
    trials = drawn_trials(search, {**POINT, "distortion.sigma": 0.1 + 0.1 * number})
    drawn = Drawn(
        search_id=search.search_id, number=number, parameters=tuple(POINT.items()), trial_ids=(trials[0].trial_id,),
        told=((0, "complete"),) if number else (),
    )  # fmt: skip
    store.record_point(plan.study, drawn, trials)
    return drawn


def test_a_launch_with_searches_comes_back_as_it_was(store: Store, plan: Plan) -> None:
    recorded = store.record_launch(plan, "study: s\n", {})
    launch = store.newest_launch(plan.study)
    assert launch is not None
    assert launch.plan == recorded.plan == plan
    assert store.record_launch(plan, "study: s\n", {}).number == 1
    more = replace(plan, searches=tuple(replace(one, points=9) for one in plan.searches))
    assert store.record_launch(more, "study: s\n", {}).number == 2


def test_points_join_the_plan_and_the_membership(store: Store, plan: Plan) -> None:
    store.record_launch(plan, "study: s\n", {})
    points = [draw(store, plan, number) for number in range(2)]
    launch = store.newest_launch(plan.study)
    assert launch is not None
    assert launch.plan.drawn == tuple(points)
    assert launch.plan == store.with_points(plan)
    assert [trial.trial_id for trial in launch.plan.trials[1:]] == [point.trial_ids[0] for point in points]
    assert launch.membership["position"].to_pylist() == [0, 1, 2]
    assert launch.membership["trial_id"].to_pylist() == [trial.trial_id for trial in launch.plan.trials]
    assert launch.plan.undrawn(plan.searches[0]) == 1


def test_no_more_points_count_than_the_search_asks_for(store: Store, plan: Plan) -> None:
    for number in range(3):
        draw(store, plan, number)
    fewer = replace(plan, searches=tuple(replace(one, points=2) for one in plan.searches))
    assert [point.number for point in store.with_points(fewer).drawn] == [0, 1]


def test_points_after_a_gap_do_not_count(store: Store, plan: Plan) -> None:
    draw(store, plan, 0)
    draw(store, plan, 2)
    assert [point.number for point in store.with_points(plan).drawn] == [0]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"number": 0}'])
def test_a_damaged_point_is_named(tmp_path: Path, plan: Plan, damage: bytes) -> None:
    store = Store.open(tmp_path)
    draw(store, plan, 0)
    (file,) = tmp_path.glob("studies/*/searches/*/000000.json")
    file.write_bytes(damage)
    with pytest.raises(CorruptObjectError, match=r"000000\.json: not a whole record of a drawn point"):
        store.with_points(plan)


def test_a_damaged_list_of_searches_is_named(tmp_path: Path, plan: Plan) -> None:
    store = Store.open(tmp_path)
    store.record_launch(plan, "study: s\n", {})
    (file,) = tmp_path.glob("studies/*/launches/1/searches.json")
    file.write_bytes(b"[{}]")
    with pytest.raises(CorruptObjectError, match=r"searches\.json: not a whole list of searches"):
        store.newest_launch(plan.study)
