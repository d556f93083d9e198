"""Launches a search that trains nothing: `python -m tests.study.search.launching STORE ADDRESS WORKERS POINTS`."""

import sys
from collections.abc import Iterator
from pathlib import Path

from ray import cloudpickle

from study.launch import LaunchOptions, Result, launch_plan
from study.plan import Plan
from study.progress import Observer
from study.store import Store
from tests.study.executor import noop
from tests.study.search import peaked
from trainables.records import Cell
from trainables.tune import Session, Slices, Unit


class Peaked(noop.NoOp):
    """Accuracies that follow from the point."""

    def work(self, unit: Unit, session: Session) -> Slices:
        if unit.phase == "train":
            return self._pretend_training(unit.recipe, session, unit.until)
        return self._evaluate_point(unit, session)

    def _evaluate_point(self, unit: Unit, session: Session) -> Slices:
        cells = tuple(self._measured(unit, session))
        session.commit_cells(cells)
        yield self.report("done", cells=cells)

    def _measured(self, unit: Unit, session: Session) -> Iterator[Cell]:
        for condition_id in session.wanted:
            yield Cell(
                condition_id=condition_id,
                n=peaked.IMAGES,
                correct=round(peaked.IMAGES * peaked.accuracy(unit.recipe, self.conditions[condition_id])),
                top5_correct=None,
                loss_sum=1.0,
                confidence_sum=1.0,
                at_chance=False,
                correct_bits=bytes(63),
            )


class Unlucky(Peaked):
    """Raises in every training under the label ST."""

    def _pretend_training(self, recipe: object, session: Session, until: int | None) -> Slices:
        if recipe.method.name == "stability_training":  # type: ignore[attr-defined]
            raise ArithmeticError("no luck")
        return super()._pretend_training(recipe, session, until)  # type: ignore[arg-type]


def searched(points: int) -> Plan:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        few = ("trials:     16", f"trials:     {points}"), ("tpe", "{tpe: {n_startup_trials: 3}}")
        return peaked.plan(Path(folder), *few)


def launch(
    plan: Plan, store: Path, observer: Observer, options: LaunchOptions, trainable: type[Peaked] = Peaked
) -> Result:
    """Its trainable travels to the workers by value, for they need not have the tests."""
    for module in (noop, peaked, sys.modules[Peaked.__module__]):
        cloudpickle.register_pickle_by_value(module)
    images = {"train": 200, "test": 100}
    return launch_plan(plan, "study: search_mnist\n", images, Store.open(store), options, observer, trainable)


def main(store: str, address: str, workers: str, points: str) -> None:
    options = LaunchOptions(address=address, max_concurrent=int(workers))
    result = launch(searched(int(points)), Path(store), noop.Log([]), options)
    sys.exit(0 if result.status == "complete" else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
