"""MLflow's view of a search: points that were drawn after the tracking began join it."""

from pathlib import Path

from study.store import Store
from study.tracking.parent import study_run
from study.tracking.tables import Tables
from tests.study.hand_made import launched
from tests.study.search import peaked
from tests.study.search.finished import search_to_the_end


def test_points_drawn_since_are_known_when_they_are_told_of(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    plan = peaked.plan(tmp_path, ("trials:     16", "trials:     2"))
    launched(store, plan, peaked.SEARCH)
    launch = store.newest_launch(plan.study)
    assert launch is not None
    tables = Tables(store, launch)
    tables.read()
    assert len(tables.trials) == len(tables.labels) == len(tables.rows) == 1
    whole = search_to_the_end(store, plan)
    drawn = sorted(whole.drawn_ids)
    before = study_run(tables, {}, True, None)
    tables.know({drawn[0]})
    after = study_run(tables, {}, True, None)
    assert (after.params, after.inputs, after.points) == (before.params, before.inputs, before.points)
    assert after.note != before.note
    assert set(tables.trials) == set(tables.labels) == set(tables.entries) == set(tables.rows)
    assert set(drawn) < set(tables.trials)
    assert all(tables.evaluated(trial_id) for trial_id in drawn)
    settings = tables.naming.settings(tables.trials[drawn[0]])
    assert {one.symbol for one in settings} in ({"α", "σ"}, {"p", "σ"})


def test_nothing_is_read_again_for_trials_that_are_known(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    plan = peaked.plan(tmp_path)
    launched(store, plan, peaked.SEARCH)
    launch = store.newest_launch(plan.study)
    assert launch is not None
    tables = Tables(store, launch)
    tables.read()
    tables.know({plan.trials[0].trial_id})
    assert tables.launch is launch
