"""The driver: Ray Tune running the units of a plan on warm workers.

Tune holds no state of ours: what is done is what the store says, and a throw-away Tuner runs what is missing.
"""

import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from study.executor.deaths import death
from study.executor.run import Run
from study.executor.units import StudyUnit, WaitUnit
from trainables.recipe import Condition
from trainables.tune import OpenSession, StudyTrainable

SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_RESULT_BUFFER_LENGTH": "1",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "1000000000",
    "RAY_AIR_NEW_OUTPUT": "0",
}
"""No logger files, our own signal handler, no snapshots of Tune's state, every report at once."""

LOCAL_SLICE = 1.0
"""Seconds between a worker's reports with few workers; more workers report less often."""
REPORTS_PER_SECOND = 10.0


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
    os.environ.update(SETTINGS, TUNE_MAX_PENDING_TRIALS_PG=str(workers))
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # what ended a unit, the run tells in its own words
    with tempfile.TemporaryDirectory(prefix="study-tune-") as scratch:
        prepared = tune.with_parameters(
            trainable,
            open_session=open_session,
            conditions=dict(conditions),
            slice_seconds=max(LOCAL_SLICE, workers / REPORTS_PER_SECOND),
        )
        searcher = PlanSearcher(run)
        tuner = tune.Tuner(
            tune.with_resources(prepared, _resources),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=InTurn(searcher),
                num_samples=-1,
                reuse_actors=True,
                trial_name_creator=_name,
                trial_dirname_creator=_name,
            ),
            run_config=tune.RunConfig(
                name="run",
                storage_path=scratch,
                verbose=0,
                callbacks=[Ends(run)],
                stop=Stops(searcher),
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            ),
        )
        tuner.fit()


def _resources(config: Mapping[str, Any]) -> tune.PlacementGroupFactory:
    need = config["unit"].resources
    bundle = {"CPU": need.cpus} | ({"GPU": need.gpus} if need.gpus else {})
    return tune.PlacementGroupFactory([bundle])


def _name(trial: Trial) -> str:
    return str(trial.trial_id)


class PlanSearcher(Searcher):
    """Keeps every worker busy: with what is ready, else with waiting; and takes the reports.

    A worker is never left without a unit, since Tune lets go of idle ones, and there are never more units than
    workers, since Tune would start workers for them only to drop them, half started, for ones that come free.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(metric="done", mode="max")
        self.run = run
        self.out: dict[str, StudyUnit | WaitUnit] = {}
        """By Tune's trial id."""

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        if self.run.finished:
            return str(Searcher.FINISHED)
        unit = self.run.next_unit([one.resources for one in self.out.values()])
        if unit is None:
            return None
        self.out[trial_id] = unit
        return {"unit": unit}

    def enough_waited(self, trial_id: str) -> bool:
        """Whether this worker's waiting is over: there is work, or there will be none."""
        return isinstance(self.out.get(trial_id), WaitUnit) and (self.run.ready or self.run.finished)

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        unit = self.out[trial_id]
        if isinstance(unit, StudyUnit):
            self.run.reported(unit, result["report"])

    def crowded(self) -> bool:
        """Whether more units are out than the cluster, which has lost a node, can hold."""
        return self.run.crowded([one.resources for one in self.out.values()])

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        """A unit's last report, or none if it was withdrawn; of a worker's death, and why, `Ends` tells."""
        unit = self.out.pop(trial_id)
        if not isinstance(unit, StudyUnit) or error:
            return
        if result is None:
            self.run.queue.again(unit)
        else:
            self.run.ended(unit, result["report"])

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the store is the state."""

    def restore(self, checkpoint_path: str) -> None:
        raise AssertionError("a launch goes on from the store, never from Tune's files")


class Ends(tune.Callback):
    """Tells of units that began and of workers that died."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        if isinstance(trial.config["unit"], StudyUnit):
            self.run.began(trial.config["unit"])

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        if isinstance(trial.config["unit"], StudyUnit):
            self.run.died(trial.config["unit"], death(_error_of(trial)))


class InTurn(FIFOScheduler):
    """Every unit on the worker that Tune gives it first.

    The default lets a unit whose worker is still starting take a warm one that comes free, and drops the one that was
    starting: with short units the second worker would never be up. But where a node is gone, units that wait for a
    worker on it are withdrawn, for others to take up.
    """

    def __init__(self, searcher: PlanSearcher) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.searcher = searcher

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        if self.searcher.crowded():
            order = list(self.searcher.out)
            pending = [trial for trial in tune_controller.get_live_trials() if trial.status == Trial.PENDING]
            for trial in sorted(pending, key=lambda trial: order.index(trial.trial_id)):
                if self.searcher.crowded():
                    tune_controller.stop_trial(trial)
        return None


class Stops(tune.Stopper):
    """Ends a worker's waiting, and everything once all is done or the launch is told to stop.

    "Everything" can be units that wait for a worker on a node that is gone.
    """

    def __init__(self, searcher: PlanSearcher) -> None:
        self.searcher = searcher

    def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
        return self.searcher.enough_waited(trial_id)

    def stop_all(self) -> bool:
        return self.searcher.run.finished


def _error_of(trial: Trial) -> Exception:
    """What ended the trial's worker, from the file that Tune has just written; it uploads it only later."""
    if trial.pickled_error_file is not None:
        error: Exception = cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
        return error
    written = Path(trial.error_file).read_text().splitlines()[1:] if trial.error_file is not None else []
    return RuntimeError("\n".join(written) or "its worker is gone")
