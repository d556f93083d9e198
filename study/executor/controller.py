"""Tune's controller without a memory: what has ended, it forgets, for the store is the state.

A `tune.Tuner` keeps every trial it has run, with its configuration and results, looks through all of them at each step
and writes all of them to a file at its end. Measured over 2,000 no-op trials: 34 kB a unit kept, and more again for as
long as the file is written, half a minute. The controller below is the one that a Tuner runs, with the same scheduling
and the same handling of workers.
"""

from collections import Counter
from typing import Any, Protocol

import ray
from ray import tune
from ray.air.execution import ResourceRequest
from ray.train._internal.storage import StorageContext
from ray.tune.execution.class_cache import _ActorClassCache
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial

from study.executor.units import StudyUnit, WaitUnit
from trainables.tune import StudyTrainable


class UnitTrial(Trial):
    """One unit, as Tune has it: known to this process alone, with the resources it was planned with."""

    def __init__(
        self,
        trial_id: str,
        unit: StudyUnit | WaitUnit,
        trainable: type[StudyTrainable],
        storage: StorageContext,
        resources: tune.PlacementGroupFactory,
    ) -> None:
        super().__init__(
            "unit",
            config={"unit": unit},
            trial_id=trial_id,
            storage=storage,
            placement_group_factory=resources,
            stub=True,  # nothing is looked up in the cluster's registry
        )
        self.trainable = trainable
        self.resources = resources
        self.error: Exception | None = None
        """What ended its worker."""

    @property
    def unit(self) -> StudyUnit | WaitUnit:
        unit: StudyUnit | WaitUnit = self.config["unit"]
        return unit

    def get_trainable_cls(self) -> type[StudyTrainable]:
        return self.trainable

    def init_local_path(self) -> None:
        """No folder of its own."""

    def create_placement_group_factory(self) -> None:
        self.placement_group_factory = self.resources  # type: ignore[assignment]

    def set_ray_actor(self, ray_actor: Any) -> None:
        """Without asking the worker for its host and process number, one call more for each unit: reports tell them."""
        self.temporary_state.ray_actor = ray_actor

    def handle_error(self, exc: Exception | None = None) -> None:
        """Every death counts: which of them are tried again, and how often, the queue decides, never Tune."""
        self.error = exc
        self.run_metadata.num_failures += 1


class Search(Protocol):
    """What the controller asks of who hands out units."""

    @property
    def grows(self) -> bool:
        """Whether nodes are added to the cluster where units wait for them."""
        ...

    def lets_go(self) -> bool:
        """Whether workers without a unit are to end now."""
        ...


class Trainables(_ActorClassCache):
    """What workers are made of: registered once, with the environment of the launch and nothing besides.

    Tune adds this process's AWS credentials to it, and Ray writes environments into its logs; where they differ from
    the launch's, it starts a further process for each worker.
    """

    def get(self, trainable_cls: type[StudyTrainable]) -> Any:
        if trainable_cls not in self._cache:
            self._cache[trainable_cls] = ray.remote(trainable_cls)
        return self._cache[trainable_cls]


class UnitController(TuneController):
    """Runs trials and keeps those that have not ended."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._class_cache = Trainables()  # type: ignore[no-untyped-call]

    @property
    def search(self) -> Search:
        search: Search = self.search_alg
        return search

    def checkpoint(self, force: bool = False, wait: bool = False) -> None:
        """Nothing: a launch goes on from the store, never from Tune's files."""

    def on_step_end(self) -> None:
        super().on_step_end()  # type: ignore[no-untyped-call]
        if self.search.lets_go():
            self._cleanup_cached_actors(force_all=True)
        if ended := self._stopped_trials | self._failed_trials:
            self._trials = [trial for trial in self._trials if trial not in ended]
            self._stopped_trials.clear()
            self._failed_trials.clear()
            self._live_trials -= ended
        self._trials_to_cache.clear()

    def workers(self) -> Counter[ResourceRequest]:
        """How many are up and not told to end, by what they were asked for with."""
        return Counter(
            acquired.resource_request
            for actor, (_, acquired) in self._actor_manager._live_actors_to_ray_actors_resources.items()
            if actor in self._started_actors and actor not in self._stopping_actors
        )

    def _maybe_add_actors(self) -> None:
        """Where units wait for nodes to be added, which perhaps never come, the first of them takes a free worker.

        Left to itself, Tune would give it to any of them, and drop the worker of that one, half started.
        """
        waiting = self._without_a_node() if self._actor_cache.num_cached_objects and self.search.grows else ()
        for trial in waiting:
            self._maybe_reuse_cached_actor(trial)
        super()._maybe_add_actors()

    def _without_a_node(self) -> list[Trial]:
        """Trials for whose worker no node has room yet, the first first."""
        return [
            trial
            for trial in self._pending_trials_list
            if trial in self._pending_trials
            and trial in self._trial_to_actor
            and not self._actor_manager.is_actor_started(self._trial_to_actor[trial])
        ]

    def run(self) -> None:
        """To the end of the search; workers are ended whatever happens."""
        try:
            while not self.is_finished():  # type: ignore[no-untyped-call]
                self.step()  # type: ignore[no-untyped-call]
        finally:
            self.cleanup()  # type: ignore[no-untyped-call]
