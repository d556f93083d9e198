"""Launches a no-op study and tells what happens, a line each:

    python -m tests.study.executor.small_study STORE ADDRESS [TRIALS] [EPOCHS] [STUDY] [FACTOR] [WORKERS]

An empty address starts a Ray of its own.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from ray import cloudpickle

from study.executor.session import OpenSessions
from study.executor.units import StudyUnit
from study.launch import LaunchOptions, Result, launch_plan
from study.plan import Plan, Pruning
from study.progress import Event, Observer, Progress
from study.store import Store
from tests.study.executor import noop
from tests.study.executor.plans import plan, trial
from trainables.recipe import Component

IMAGES = {"train": 200, "test": 100}


def family(trials: int, epochs: int) -> Plan:
    """A parent, then children of it."""
    children = (trial(f"{i:02x}", "B", parent="01", epochs=epochs) for i in range(2, trials + 1))
    return plan(trial("01", epochs=epochs), *children)


def halving(of: Plan, factor: int) -> Plan:
    """Its children as so many points, of which one in `factor` goes on after 1, `factor`, … epochs."""
    trials = tuple(
        replace(one, recipe=replace(one.recipe, method=Component.of("stability_training", {"alpha": float(number)})))
        if one.label == "B"
        else one
        for number, one in enumerate(of.trials)
    )
    return replace(of, trials=trials, prunings=(Pruning(label="B", min_epochs=1, reduction_factor=factor),))


def work_through(of: Plan, store: Path) -> None:
    """The plan's units one after another in this process, without Ray: what an undisturbed launch comes to."""
    conditions = {condition.condition_id: condition for condition in of.conditions}
    sessions = OpenSessions(Store.open(store), conditions, "a test")
    for planned in of.unique_trials():
        training = StudyUnit(phase="train", trial=planned)
        for unit in (training, replace(training, phase="evaluate", condition_ids=tuple(conditions))):
            made = noop.Quick.__new__(noop.Quick)  # its constructor, which is Ray's, wants a Ray
            made.setup({"unit": unit}, open_session=sessions, conditions=conditions, slice_seconds=1.0)
            while not made.step()["done"]:
                pass


def launch_small(
    of: Plan,
    store: Path | str,
    observer: Observer,
    options: LaunchOptions,
    trainable: type[noop.NoOp] = noop.NoOp,
) -> Result:
    """Launch `of`; its trainable travels to the workers by value, for they need not have the tests."""
    cloudpickle.register_pickle_by_value(noop)
    return launch_plan(of, f"study: {of.study}\n", IMAGES, Store.open(store), options, observer, trainable)


@dataclass
class Told(noop.Log):
    """Prints, too."""

    def happened(self, event: Event, progress: Progress) -> None:
        super().happened(event, progress)
        print(event.change, event.trial.trial_id if event.trial else "", event.message, flush=True)  # noqa: T201


def main(
    store: str,
    address: str,
    trials: str = "8",
    epochs: str = "4",
    study: str = "",
    factor: str = "",
    workers: str = "",
) -> None:
    of = family(int(trials), int(epochs))
    of = replace(of, study=study or of.study)
    of = halving(of, int(factor)) if factor else of
    most = int(workers) if workers else None if address else 1
    result = launch_small(of, store, Told([]), LaunchOptions(address=address or None, max_concurrent=most))
    sys.exit(0 if result.status == "complete" else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
