"""The driver: Ray Tune running the units of a plan on warm workers.

Tune holds no state of ours: what is done is what the store says, and a throw-away controller runs what is missing.
"""

import itertools
import logging
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal

from ray import tune
from ray.air.execution import ResourceRequest
from ray.train._internal.storage import StorageContext
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import SearchAlgorithm

from study.executor.cluster import label_selector
from study.executor.controller import UnitController, UnitTrial
from study.executor.deaths import death
from study.executor.run import Run
from study.executor.scratch import scratch
from study.executor.units import StudyUnit, WaitUnit
from study.plan import Resources
from trainables.recipe import Condition
from trainables.tune import OpenSession, StudyTrainable

Kind = Literal["unit", "wait"]
SETTINGS = {
    "TUNE_RESULT_BUFFER_LENGTH": "1",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "1000000000",
    "TUNE_MAX_PENDING_TRIALS_PG": "10000",
}
"""Every report at once; waiting for nodes is no fault; how many units wait for a worker, the run says."""

LOCAL_SLICE = 1.0
"""Seconds between a worker's reports with few workers; more workers report less often."""
REPORTS_PER_SECOND = 10.0
IDLE_SECONDS = 60.0
"""How long a worker waits for work before it is let go, where a cluster shrinks: no node goes as long as one is on it.
Starting another takes less."""
ROOM_SECONDS = 15.0
"""How long a unit waits for its worker to be up before waiting workers of other shapes make room for it."""


def execute(
    run: Run,
    open_session: OpenSession,
    conditions: Mapping[str, Condition],
    workers: int,
    trainable: type[StudyTrainable] = StudyTrainable,
) -> None:
    """Run every unit that `run` hands out on the Ray that is connected, at most `workers` at once.

    Returns when the run has finished or was stopped.
    """
    os.environ.update(SETTINGS)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # what ended a unit, the run tells in its own words
    with scratch("tune") as folder:
        prepared = tune.with_parameters(
            trainable,
            open_session=open_session,
            conditions=dict(conditions),
            slice_seconds=max(LOCAL_SLICE, workers / REPORTS_PER_SECOND),
        )
        prepared.__qualname__ = trainable.__qualname__  # workers' processes are called by it
        storage = StorageContext(storage_path=str(folder), experiment_dir_name="run", trial_dir_name="units")
        search = PlanSearch(run, prepared, storage)
        controller = UnitController(
            search_alg=search,
            scheduler=InTurn(search),
            stopper=Stops(search),
            callbacks=[Ends(search)],
            storage=storage,
            reuse_actors=True,
        )
        search.workers = controller.workers
        controller.run()


@cache
def room_for(need: Resources) -> tune.PlacementGroupFactory:
    """One bundle: a unit runs on one node."""
    bundle = {"CPU": need.cpus, "GPU": need.gpus, "memory": need.memory or 0, **dict(need.custom)}
    labels = label_selector(need)
    asked = {name: amount for name, amount in bundle.items() if amount}
    further: Mapping[str, Any] = {"bundle_label_selector": [labels]} if labels else {}
    return tune.PlacementGroupFactory([asked], **further)


def _kind(unit: StudyUnit | WaitUnit) -> Kind:
    return "unit" if isinstance(unit, StudyUnit) else "wait"


class PlanSearch(SearchAlgorithm):
    """Keeps every worker busy: with what is ready, else with waiting; and takes the reports.

    A worker that is up is never left without a unit, since Tune lets go of idle ones, and there are never more units
    than workers, since Tune would start workers for them only to drop them, half started, for ones that come free.
    """

    def __init__(self, run: Run, trainable: type[StudyTrainable], storage: StorageContext) -> None:
        self.run = run
        self.trainable = trainable
        self.storage = storage
        self.out: dict[str, StudyUnit | WaitUnit] = {}
        """By Tune's trial id."""
        self.workers: Callable[[], Counter[ResourceRequest]] = Counter
        """Those that are up, by what they were asked for with."""
        self._asked: dict[ResourceRequest, Resources] = {}
        self._occupied: dict[Kind, Counter[Resources]] = {"unit": Counter(), "wait": Counter()}
        """What is `out`, counted: with a thousand workers, each look at all of them would show."""
        self._at_work: dict[str, float] = {}
        """Of those `out`, the ones that a worker has begun, and when."""
        self._handed_out: dict[str, float] = {}
        """Of those `out`, the others, and when they were given to Tune."""
        self._letting_go = False
        self._numbers = itertools.count(1)

    def next_trial(self) -> UnitTrial | None:
        if self.run.finished:
            self.set_finished()  # type: ignore[no-untyped-call]
            return None
        unit = self.run.next_unit(self._occupied["unit"], self._occupied["wait"], self._up)
        if unit is None:
            return None
        trial_id = str(next(self._numbers))
        self.out[trial_id] = unit
        self._occupied[_kind(unit)][unit.resources] += 1
        self._handed_out[trial_id] = time.monotonic()
        room = room_for(unit.resources)
        self._asked[room] = unit.resources
        return UnitTrial(trial_id, unit, self.trainable, self.storage, room)

    def _up(self) -> Counter[Resources]:
        return Counter({self._asked[room]: number for room, number in self.workers().items()})

    def began(self, trial_id: str) -> None:
        """A worker has taken the unit up."""
        self._at_work[trial_id] = time.monotonic()
        self._handed_out.pop(trial_id)

    def enough_waited(self, trial_id: str) -> bool:
        """Whether this worker's waiting is over: there is work, there will be none, or none has come for long."""
        unit = self.out.get(trial_id)
        if not isinstance(unit, WaitUnit):
            return False
        if self.run.ready(self._occupied["unit"]) or self.run.finished:
            return True
        if self._idle(trial_id) or self._in_the_way(unit.resources):
            self._letting_go = True
            return True
        return False

    def _idle(self, trial_id: str) -> bool:
        """Whether a node could go for want of work, but for this worker."""
        waited = time.monotonic() - self._at_work.get(trial_id, math.inf)
        return waited > IDLE_SECONDS and len(self.out) > 1 and self.run.grows

    def _in_the_way(self, shape: Resources) -> bool:
        """Whether a unit of another shape has waited for its worker for so long that this one's node may be its only.

        So many units fit by the sum of all nodes, but a worker that waits may have been put where others cannot do
        without.
        """
        long_ago = time.monotonic() - ROOM_SECONDS
        waiting = (self.out[one] for one, since in self._handed_out.items() if since < long_ago)
        return any(isinstance(unit, StudyUnit) and unit.resources != shape for unit in waiting)

    @property
    def grows(self) -> bool:
        """Whether nodes are added to the cluster where units wait for them."""
        return self.run.grows

    def lets_go(self) -> bool:
        """Whether workers without a unit are to end now."""
        letting_go, self._letting_go = self._letting_go, False
        return letting_go

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        unit = self.out[trial_id]
        if isinstance(unit, StudyUnit):
            self.run.reported(unit, result["report"])

    def crowded(self) -> bool:
        """Whether more units are out than the cluster, which has lost a node, can hold."""
        return self.run.crowded(self._occupied["unit"] + self._occupied["wait"])

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        """A unit's last report, or none if it was withdrawn; of a worker's death, and why, `Ends` tells."""
        unit = self.out.pop(trial_id)
        self._occupied[_kind(unit)][unit.resources] -= 1
        self._at_work.pop(trial_id, None)
        self._handed_out.pop(trial_id, None)
        if not isinstance(unit, StudyUnit) or error:
            return
        if result is None:
            self.run.queue.again(unit)
        else:
            self.run.ended(unit, result["report"])


class Ends(tune.Callback):
    """Tells of units that began and of workers that died."""

    def __init__(self, search: PlanSearch) -> None:
        self.search = search
        self.run = search.run

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        assert isinstance(trial, UnitTrial)
        self.search.began(trial.trial_id)
        if isinstance(trial.unit, StudyUnit):
            self.run.began(trial.unit)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        assert isinstance(trial, UnitTrial)
        if isinstance(trial.unit, StudyUnit):
            self.run.died(trial.unit, death(trial.error or RuntimeError("its worker is gone")))


class InTurn(FIFOScheduler):
    """Every unit on the worker that Tune gives it first.

    The default lets a unit whose worker is still starting take a warm one that comes free, and drops the one that was
    starting: with short units the second worker would never be up. But where a node is gone, units that wait for a
    worker on it are withdrawn, for others to take up.
    """

    def __init__(self, search: PlanSearch) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.search = search

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        if self.search.crowded():
            order = list(self.search.out)
            pending = [trial for trial in tune_controller.get_live_trials() if trial.status == Trial.PENDING]
            for trial in sorted(pending, key=lambda trial: order.index(trial.trial_id)):
                if self.search.crowded():
                    tune_controller.stop_trial(trial)
        return None


class Stops(tune.Stopper):
    """Ends a worker's waiting, and everything once all is done or the launch is told to stop.

    "Everything" can be units that wait for a worker on a node that is gone.
    """

    def __init__(self, search: PlanSearch) -> None:
        self.search = search

    def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
        return self.search.enough_waited(trial_id)

    def stop_all(self) -> bool:
        return self.search.run.finished
