"""What a unit costs beside its work: ours on warm workers, and a plain Ray Tune function trainable in the same run."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ray import cloudpickle, tune

from study.executor.cluster import connected
from study.executor.driver import execute
from study.executor.estimate import Estimate
from study.executor.queue import Queue
from study.executor.run import Run
from study.executor.session import OpenSessions
from study.progress import Event, Progress
from study.store import Store
from tests.benchmarks.figures import Figure
from tests.study.executor import noop
from tests.study.executor.plans import clean, one_node, plan, trial
from trainables.tune import Session, Slices, Unit

TRIALS = 200
WARM = 20
"""Units until both workers are up, which do not count."""
WORKERS = 2
BOUND = 20.0
"""Milliseconds a unit: what this project promises on two cores."""


class Idle(noop.NoOp):
    """Units that are done as soon as they begin, and write nothing."""

    def work(self, unit: Unit, session: Session) -> Slices:
        yield self.report("done")


class Instant(noop.NoOp):
    """Units that write everything a unit writes, about nothing."""

    def work(self, unit: Unit, session: Session) -> Slices:
        if unit.phase == "train":
            session.commit_training(noop.outcome([0.5]), None)
            yield self.report("done")
        else:
            yield from super().work(unit, session)


class NoSession:
    """Writes nothing."""

    already_committed = False
    wanted: Sequence[str] = ()

    def keep(self) -> None:
        pass

    def close(self, *_: object) -> None:
        pass


class Clock:
    """An observer that notes when trials are done."""

    def __init__(self) -> None:
        self.done: list[float] = []

    def changed(self, progress: Progress) -> None:
        pass

    def happened(self, event: Event, progress: Progress) -> None:
        if event.change == "done":
            self.done.append(time.perf_counter())

    def milliseconds(self, units: int) -> float:
        """A trial's wall time once the workers are warm, by its units."""
        return 1000 * (self.done[-1] - self.done[WARM]) / (len(self.done) - 1 - WARM) / units


def measure() -> Iterator[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="study-bench-"))
    store = Store.open(folder)
    try:
        with connected(None, store):
            cloudpickle.register_pickle_by_value(noop)
            peer = plain_tune(folder)
            bare, stored = _ours(store, Idle, lambda _: NoSession()), _ours(store, Instant, _sessions(store))
    finally:
        shutil.rmtree(folder)
    for what, ours in (("a warm unit that does nothing", bare), ("the same, leased, committed and recorded", stored)):
        yield Figure(
            what=what, ours=ours, unit="ms", peer=peer, peer_name="plain Ray Tune function trainable", bound=BOUND
        )


def _ours(store: Store, trainable: type[noop.NoOp], open_session: object) -> float:
    of = plan(*(trial(f"{i:03x}") for i in range(1, TRIALS + 1)))
    clock = Clock()
    queue = Queue(of, (), {}, {})
    run = Run(of, queue, clock, Estimate({"train": 1, "test": 1}), lambda *_: None)
    run.on_workers(lambda: one_node(WORKERS), None, "here")
    cloudpickle.register_pickle_by_value(__import__(__name__, fromlist=["_"]))
    execute(run, open_session, {clean().condition_id: clean()}, WORKERS, trainable)
    return clock.milliseconds(units=2)


def _sessions(store: Store) -> OpenSessions:
    return OpenSessions(store, {clean().condition_id: clean()}, "benchmark")


def plain_tune(folder: Path, trials: int = TRIALS) -> float:
    """Milliseconds a trial of a function that reports once, workers reused, as many trials as ours."""
    ended: list[float] = []

    class Ends(tune.Callback):
        def on_trial_complete(self, *_: object, **__: object) -> None:
            ended.append(time.perf_counter())

    def function(config: dict[str, int]) -> dict[str, int]:
        return {"done_with": config["i"]}

    tune.Tuner(
        tune.with_resources(function, {"cpu": 1}),
        param_space={"i": tune.grid_search(list(range(trials)))},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(name="plain", storage_path=str(folder), verbose=0, callbacks=[Ends()]),
    ).fit()
    return 1000 * (ended[-1] - ended[WARM]) / (len(ended) - 1 - WARM)
