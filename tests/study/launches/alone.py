"""One worker without Ray: `python -m tests.study.launches.alone STORE UNIT…`, a unit as `train:LABEL`.

Runs units of the tiny study one after another in this process, as a warm worker of a launch does.
"""

import sys
from pathlib import Path

from study.executor.session import OpenSessions
from study.executor.units import StudyUnit
from study.plan import Plan
from study.store import Store
from tests.study.launches.tiny import TEXT, planned
from trainables.tune import Report, StudyTrainable


def unit(plan: Plan, told: str) -> StudyUnit:
    """`train:ST` is the training of the first trial of ST, `evaluate:ST` its evaluation under every condition."""
    phase, _, label = told.partition(":")
    trial = next(trial for trial in plan.trials if trial.label == label)
    if phase == "train":
        return StudyUnit(phase="train", trial=trial)
    ids = tuple(condition.condition_id for condition in plan.conditions)
    return StudyUnit(phase="evaluate", trial=trial, condition_ids=ids)


def open_sessions(plan: Plan, store: Path) -> OpenSessions:
    conditions = {condition.condition_id: condition for condition in plan.conditions}
    return OpenSessions(Store.open(store), conditions, "a test")


def worker(plan: Plan, store: Path, first: StudyUnit, slice_seconds: float = 1.0) -> StudyTrainable:
    """A worker that has taken `first`. Its constructor, which is Ray's, wants a Ray; all of ours is in `setup`."""
    made = StudyTrainable.__new__(StudyTrainable)
    opened = open_sessions(plan, store)
    made.setup({"unit": first}, open_session=opened, conditions=opened.conditions, slice_seconds=slice_seconds)
    return made


def finish(running: StudyTrainable) -> Report:
    """The unit's last report."""
    while True:
        result = running.step()
        if result["done"]:
            report: Report = result["report"]
            assert report.status == "done", report
            return report


def run(store: Path, *told: str) -> None:
    """The units, one after another in one warm worker."""
    plan = planned(TEXT)
    first, *others = [unit(plan, one) for one in told]
    warm = worker(plan, store, first)
    finish(warm)
    for other in others:
        assert warm.reset_config({"unit": other})
        finish(warm)


if __name__ == "__main__":
    run(Path(sys.argv[1]), *sys.argv[2:])
