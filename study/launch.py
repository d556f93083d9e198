"""`study launch`: from a spec to a trained and evaluated study in the store, and from any interruption onwards."""

import contextlib
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Literal

from study.executor.cluster import ClusterError, Nodes, connected, offered
from study.executor.driver import execute
from study.executor.estimate import Estimate
from study.executor.failures import RETRIED_ON_RELAUNCH
from study.executor.queue import Failure, Queue
from study.executor.run import Run
from study.executor.session import OpenSessions, record_lost
from study.executor.source import LeftForLater, NoSource, Source
from study.fitting import unfit
from study.plan import Plan
from study.planning import check_test_images, check_weights, data_set, make_plan
from study.progress import Observer, Progress
from study.provenance import provenance
from study.pruning import brackets_of, record_given_up
from study.spec import Spec
from study.stages import lacking
from study.store import Heartbeat, Owner, Store
from trainables.datasets import split_of
from trainables.evaluation.shown import frames_of
from trainables.recipe import Split
from trainables.tune import StudyTrainable

Retry = Literal["failed", "oom", "all"]

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
LEASE_SECONDS = 30.0
"""A launch on another machine that gave no sign of life for so long is dead; waiting for the sign takes as long."""
LEFTOVER_SECONDS = 24 * 3600.0
"""How old a half-written file must be to be nobody's any more."""


class DeviceError(ValueError):
    """A study that would mix device types."""


@dataclass(frozen=True, kw_only=True)
class LaunchOptions:
    """How to run, as against what."""

    address: str | None = None
    """A running cluster: `auto` or `host:port`; None starts Ray on this machine."""
    max_concurrent: int | None = None
    limit: int | None = None
    """Run only the first so many trials that are not done."""
    retry: Retry | None = None
    """Failures of earlier launches to try again, besides preempted and infrastructure ones."""
    retrain: bool = False
    """Whether to train trials again of which a test needs stages that were never kept."""
    train: bool = True
    """False: only evaluate what is trained."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a launch ended."""

    status: Literal["complete", "incomplete", "stopped"]
    plan: Plan
    progress: Progress
    failures: Mapping[str, Failure]
    blocked: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A study that can be launched: its data and files of weights are here, and have been read."""

    spec: Spec
    plan: Plan
    images: Mapping[str, int]
    """Of each split."""
    classes: int


def prepare(spec: Spec) -> Prepared:
    """Raises SpecError and MissingDataError."""
    check_weights(spec)
    check_test_images(spec)
    data = data_set(spec)
    plan = make_plan(spec, data.fingerprint())
    images: Mapping[str, int] = {split: len(split_of(data, split)) for split in SPLITS}
    return Prepared(spec=spec, plan=plan, images=images, classes=len(data.class_names))


def refusals(plan: Plan, store: Store | None, options: LaunchOptions) -> tuple[str, ...]:
    """Why the nodes that it would run on cannot, each with its ways out; none where nothing is left to run.

    Starts nothing and writes nothing; `store`: None where there is none yet.
    """
    if store is not None and not _left(plan, store, options):
        return ()
    try:
        nodes = offered(options.address)
    except ClusterError as error:
        return (str(error),)
    return tuple(unfit(plan, nodes.resources, nodes.local))


def _left(plan: Plan, store: Store, options: LaunchOptions) -> bool:
    """Whether a launch would run anything."""
    plan = store.with_points(plan)
    queue = queue_of(plan, store, options.retry, options.retrain)
    if not options.train:
        queue.leave_training()
    return not queue.finished or (options.train and any(undrawn(plan).values()))


def launch(study: Spec | Prepared, store: Store, options: LaunchOptions, observer: Observer) -> Result:
    """Train and evaluate what the store does not have yet.

    Raises HeldError if another launch of this study is running, SpecError, MissingDataError, StoreError, DeviceError
    and ClusterError before anything is trained; SupersededError if another launch took the study over in the meantime.
    """
    prepared = study if isinstance(study, Prepared) else prepare(study)
    text, images, classes = prepared.spec.text, prepared.images, prepared.classes
    return launch_plan(prepared.plan, text, images, store, options, observer, classes=classes)


def launch_plan(
    plan: Plan,
    spec_text: str,
    images: Mapping[str, int],
    store: Store,
    options: LaunchOptions,
    observer: Observer,
    trainable: type[StudyTrainable] = StudyTrainable,
    classes: int | None = None,
) -> Result:
    """`launch`, from the plan on; `images` counts those of each split, `classes` theirs, if known."""
    known = {**provenance(), "data": {"images": dict(images), "classes": classes}}
    with held(store, plan.study) as heartbeat, contextlib.ExitStack() as unrecorded:
        unrecorded.enter_context(joining(store, plan.study))
        store.sweep_temporary(older_than=LEFTOVER_SECONDS)
        recorded, plan = plan, store.with_points(plan)
        queue = queue_of(plan, store, options.retry, options.retrain)
        source = source_of(plan, store, queue) if options.train else LeftForLater(undrawn(plan))
        if not options.train:
            queue.leave_training()
        if options.limit is not None:
            source.limit(max(0, options.limit - queue.limit(options.limit)))
        frames = {one.condition_id: frames_of(one) for one in plan.conditions if one.family == "perturbation"}
        run = Run(plan, queue, observer, Estimate(images, frames), partial(record_lost, store), source)
        heartbeat.when_lost = run.stop
        for notice in source.notices():
            run.tell_notice(notice)
        recall(run, store)
        run.close_rungs()
        if run.finished:
            record_given_up(store, store.record_launch(recorded, spec_text, known), queue.brackets)
            source.close()
            return _result(run)
        check_device_type(plan, store)
        with stoppable(run), connected(options.address, store) as nodes, stoppable(run):  # Ray sets handlers of its own
            workers = _workers(plan, nodes.now(), options.max_concurrent)
            record = store.record_launch(recorded, spec_text, known)
            unrecorded.close()
            run.on_workers(nodes.slots, options.max_concurrent, nodes.now().describe(workers))
            conditions = {condition.condition_id: condition for condition in plan.conditions}
            sessions = OpenSessions(store, conditions, f"study {plan.study}", plan.baseline_id, plan.study)
            try:
                execute(run, sessions, conditions, workers, trainable)
            finally:
                source.close()
        heartbeat.check()
        record_given_up(store, record, queue.brackets)
        return _result(run)


def check_device_type(plan: Plan, store: Store) -> None:
    """Raises DeviceError if the study would be evaluated partly on CPUs and partly on GPUs: their draws differ."""
    types = {"GPUs" if trial.resources.gpus else "CPUs": trial.label for trial in plan.expected().trials}
    if len(types) > 1:
        raise DeviceError(
            f"resources: {types['CPUs']} asks for no GPU and {types['GPUs']} for one; test images are distorted on the "
            "device, and CPUs and GPUs draw different noise: give every method a GPU, or none"
        )
    ids = {trial.trial_id for trial in plan.trials}
    evaluated = (row for row in store.read("attempts", ids).to_pylist() if row["unit"] == "evaluate")
    before = {"CPUs" if row["device"] == "cpu" else "GPUs" for row in evaluated if row["status"] == "done"}
    asked = next(iter(types))
    if other := before - {asked}:
        raise DeviceError(
            f"resources: trials of this study were evaluated on {other.pop()}, and this launch asks for {asked}, which "
            "draw different noise; ask for the same as before, or give --store another place"
        )


def _workers(plan: Plan, nodes: Nodes, most: int | None) -> int:
    """How many units run at once, at most; raises ClusterError if one fits nowhere."""
    refused = tuple(unfit(plan, nodes.resources, nodes.local))
    if refused:
        raise ClusterError("; ".join(refused))
    slots = max(nodes.slots(need) for need in {trial.resources for trial in plan.expected().trials})
    return min(slots, most or slots)


def _result(run: Run) -> Result:
    progress = run.progress()
    complete = progress.trials_done + run.queue.total["pruned"] == progress.trials
    return Result(
        status="stopped" if run.stopping else "complete" if complete else "incomplete",
        plan=run.plan,
        progress=progress,
        failures=dict(run.queue.failures),
        blocked=dict(run.queue.blocked),
    )


@contextlib.contextmanager
def held(store: Store, study: str) -> Iterator[Heartbeat]:
    """The study's lease, renewed for as long as the launch lives; raises HeldError."""
    owner = Owner.here(f"study launch {study}")
    heartbeat = Heartbeat(store.acquire(f"study/{study}", owner, ttl=LEASE_SECONDS, patience=LEASE_SECONDS + 1))
    try:
        yield heartbeat
    finally:
        heartbeat.stop()


@contextlib.contextmanager
def joining(store: Store, study: str) -> Iterator[None]:
    """While a plan is not recorded yet: `study gc` sees that trials of no study may be of one; see study/garbage.py.

    Raises HeldError if `study gc` is deleting in this moment.
    """
    owner = Owner.here(f"study launch {study}")
    heartbeat = Heartbeat(store.acquire(f"joining/{study}", owner, ttl=LEASE_SECONDS, patience=LEASE_SECONDS + 1))
    try:
        if store.leases("gc"):  # perhaps of a process elsewhere that has died: then its lease is taken over
            store.acquire("gc", owner, ttl=LEASE_SECONDS, patience=LEASE_SECONDS + 1).release()
        yield
    finally:
        heartbeat.stop()


@contextlib.contextmanager
def stoppable(run: Run) -> Iterator[None]:
    """SIGINT and SIGTERM ask the run to stop: workers finish their slice, checkpoint and leave. A second insists."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        if run.stopping:
            raise KeyboardInterrupt
        run.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def queue_of(plan: Plan, store: Store, retry: Retry | None, retrain: bool = False) -> Queue:
    """The units still to run, given what the store has and which failures are to be tried again."""
    committed = store.committed()
    failed = standing_failures(plan, store, retry)
    return Queue(
        plan,
        committed.trained,
        committed.evaluated,
        failed,
        lacking=lacking(plan, store, committed.trained, committed.evaluated),
        retrain=retrain,
        brackets=brackets_of(plan, store, committed.trained, failed),
    )


def undrawn(plan: Plan) -> dict[str, int]:
    """By label: points that its searches have still to draw."""
    points: Counter[str] = Counter()
    for search in plan.searches:
        points[search.label] += plan.undrawn(search)
    return dict(points)


def source_of(plan: Plan, store: Store, queue: Queue) -> Source:
    """What draws further trials: the plan's searches, if it has any."""
    if not plan.searches:
        return NoSource()
    from study.search import resumed  # only searches wait for Optuna

    return resumed(plan, store, queue.failures)


def standing_failures(plan: Plan, store: Store, retry: Retry | None) -> dict[str, Failure]:
    """Trials whose last attempt failed in a way that this launch does not try again."""
    ids = {trial.trial_id for trial in plan.trials}
    newest = {}
    for row in store.read("attempts", ids).sort_by("started").to_pylist():
        newest[row["trial_id"], row["unit"]] = row
    return {
        row["trial_id"]: Failure(
            failure=row["failure_class"], error=row["error"], traceback_hash=row["traceback_hash"] or ""
        )
        for row in newest.values()
        if row["status"] == "failed" and not _retried(row["failure_class"], retry)
    }


def _retried(failure: str, retry: Retry | None) -> bool:
    asked = {"failed": {"user"}, "oom": {"out_of_memory"}, "all": {"user", "out_of_memory"}, None: set()}
    return failure in RETRIED_ON_RELAUNCH or failure in asked[retry]


def recall(run: Run, store: Store) -> None:
    """Tell the run what earlier launches found: accuracies for the live table, and which trials diverged."""
    ids = set(run.queue.trained)
    accuracies: dict[str, dict[str, float]] = {trial_id: {} for trial_id in ids}
    for row in store.read("evaluations", ids).select(["trial_id", "condition_id", "correct", "n"]).to_pylist():
        accuracies[row["trial_id"]][row["condition_id"]] = row["correct"] / row["n"]
    for row in store.read("trials", ids).select(["trial_id", "diverged"]).to_pylist():
        run.known(row["trial_id"], accuracies[row["trial_id"]], row["diverged"])
