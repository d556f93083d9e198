"""Examples: what evaluation keeps of the test images, for figures to show."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from study.executor.session import OpenSessions
from study.plan import Plan
from study.store import Store
from tests.study.launches.alone import finish, run, unit
from tests.study.launches.tiny import TEXT, planned
from trainables.tune import StudyTrainable

ATTACKED = TEXT.replace("practical: 0.3}", "practical: 0.3}\n    fgsm: {epsilon: [0.1], practical: 0.1}")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return planned(ATTACKED)


def work(plan: Plan, store: Store, *told: str) -> None:
    """The units one after another in one worker, in this process."""
    conditions = {condition.condition_id: condition for condition in plan.conditions}
    opened = OpenSessions(store, conditions, "a test", plan.baseline_id)
    first, *others = [unit(plan, one) for one in told]
    warm = StudyTrainable.__new__(StudyTrainable)
    warm.setup({"unit": first}, open_session=opened, conditions=conditions, slice_seconds=1.0)
    finish(warm)
    for other in others:
        assert warm.reset_config({"unit": other})
        finish(warm)


def test_each_condition_is_kept_once_an_attack_as_the_baseline_meets_it(plan: Plan, tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    work(plan, store, "train:Baseline", "train:ST", "evaluate:ST")
    attacked = {one.condition_id for one in plan.conditions if one.test_distortion == "fgsm"}
    distorted = {one.condition_id for one in plan.conditions} - attacked
    assert store.examples() == distorted, "ST's own attacked images stand for nobody else's"
    before = {name: store.read_example(name) for name in store.examples()}
    work(plan, store, "evaluate:Baseline")
    assert store.examples() == distorted | {f"{one}.{plan.baseline_id}" for one in attacked}
    assert {name: store.read_example(name) for name in before} == before
    for name in store.examples():
        assert Image.open(BytesIO(store.read_example(name))).size == (28, 28)


def test_they_are_the_same_whoever_makes_them(plan: Plan, tmp_path: Path) -> None:
    one, other = Store.open(tmp_path / "one"), Store.open(tmp_path / "other")
    work(plan, one, "train:Baseline", "train:ST", "evaluate:ST", "evaluate:Baseline")
    work(plan, other, "train:Baseline", "evaluate:Baseline")
    assert {name: one.read_example(name) for name in one.examples()} == {
        name: other.read_example(name) for name in other.examples()
    }


def test_deleted_ones_come_back_with_the_next_evaluation_and_nothing_waits_for_them(tmp_path: Path) -> None:
    run(tmp_path, "train:Baseline", "evaluate:Baseline")
    store = Store.open(tmp_path)
    plan = planned(TEXT)
    assert store.examples() == {one.condition_id for one in plan.conditions}
    for path in (tmp_path / "results" / "examples").iterdir():
        path.unlink()
    assert store.committed().evaluated[plan.trials[0].trial_id]
    run(tmp_path, "train:ST", "evaluate:ST")
    assert store.examples() == {one.condition_id for one in plan.conditions}
