"""`keep:`: what stays of a finished trial's checkpoints, and that no trial is another for it."""

import pytest

from study.planning import make_plan
from study.spec import SpecError
from study.store import Store
from tests.study.launches.tiny import TEXT, spec


def test_it_is_in_the_plan_and_its_record_and_in_no_trials_identity(tmp_path: object) -> None:
    plain, keeping = (make_plan(spec(text), "data") for text in (TEXT, f"{TEXT}keep: last+best\n"))
    assert (plain.keep, keeping.keep) == ("best", "last+best")
    assert [one.trial_id for one in plain.trials] == [one.trial_id for one in keeping.trials]
    store = Store.open(str(tmp_path))
    for plan in (plain, keeping):
        store.record_launch(plan, TEXT, {})
        newest = store.newest_launch("tiny")
        assert newest is not None
        assert newest.plan.keep == plan.keep


@pytest.mark.parametrize("given", ["last", "[best, last]", "all", "true"])
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(SpecError, match=r"keep: keep is best or last\+best; got"):
        spec(f"{TEXT}keep: {given}\n")
