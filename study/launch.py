"""`study launch`: from a spec to a trained and evaluated study in the store, and from any interruption onwards."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import FrameType
from typing import Literal

from study.cost.packing import Packing, beside, leaves_open, on_gpu_here, settled
from study.executor.cluster import (
    OPEN_TO_ALL,
    ClusterError,
    connected,
    gpu_name,
    is_authenticated,
    offered,
    own_job,
    run_once,
)
from study.executor.driver import execute
from study.executor.estimate import Estimate
from study.executor.failures import RETRIED_ON_RELAUNCH
from study.executor.nodes import Nodes
from study.executor.queue import Failure, Queue
from study.executor.run import Run
from study.executor.session import OpenSessions, record_lost
from study.executor.source import LeftForLater, NoSource, Source
from study.fitting import id_of, slots, told, unfit
from study.plan import Plan, Resources
from study.planning import check_test_images, check_weights, data_set, make_plan
from study.progress import Observer, Progress
from study.provenance import provenance
from study.pruning import brackets_of, keep_promotions, record_given_up
from study.recording import Recorded, recorded
from study.spec import Spec
from study.stages import lacking
from study.standing import newest_failures
from study.store import Committed, Heartbeat, Launch, Owner, Store, StoreError
from study.store.logbook import Logbook
from study.store.submissions import begun
from trainables.datasets import split_of
from trainables.evaluation.shown import frames_of
from trainables.recipe import Recipe, Split
from trainables.tune import StudyTrainable

Retry = Literal["failed", "oom", "all"]

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
LEASE_SECONDS = 30.0
"""A launch on another machine that gave no sign of life for so long is dead; waiting for the sign takes as long."""
PACK_SECONDS = 120.0
"""Between looks whether enough results have come to be joined: a few listings each."""
INSIST_SECONDS = 1.0
"""How long after a first signal a second one is meant as such: `timeout` sends the same one twice at once."""
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
    install: bool = False
    """Whether the cluster's nodes install the libraries that this machine has."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a launch ended."""

    status: Literal["complete", "incomplete", "stopped"]
    plan: Plan
    progress: Progress
    failures: Mapping[str, Failure]
    blocked: Mapping[str, str]
    stopped_by: str = ""
    """A signal, or who asked for it."""


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
    return () if nodes.grows else tuple(unfit(plan, nodes.resources, nodes.local))


def _left(plan: Plan, store: Store, options: LaunchOptions) -> bool:
    """Whether a launch would run anything."""
    plan = store.with_points(plan)
    queue = queue_of(plan, store, options.retry, options.retrain)
    if not options.train:
        queue.leave_training()
    return not queue.finished or (options.train and any(undrawn(plan).values()))


def _unsaid(_line: str) -> None:
    """Nobody listens."""


def settle(prepared: Prepared, store: Store, options: LaunchOptions, say: Callable[[str], None] = _unsaid) -> Prepared:
    """With a share of a GPU for every trial that leaves it open: as many on each as pay, measured if it was not yet.

    Where nothing is left to run, nothing is measured. Raises ClusterError and PackingError.
    """
    plan = prepared.plan
    if not leaves_open(plan) or not _left(plan, store, options):
        return prepared
    nodes = _with_gpus(plan, store, options, say)

    def measure(recipe: Recipe, need: Resources, node: Resources) -> Packing:
        say(f"gpus: auto: measuring how many trials of {recipe.method.name} a GPU is best shared by …")
        most = beside(node, need)
        if options.address is None:
            return on_gpu_here(recipe, most)
        memory = None if need.memory is None else most * need.memory
        all_of_them = replace(need, cpus=most * need.cpus, memory=memory)
        return run_once(
            options.address, store, all_of_them, on_gpu_here, recipe, most, node=id_of(node), install=options.install
        )

    return replace(prepared, plan=settled(plan, store, partial(_gpus, nodes), measure, say))


def _with_gpus(plan: Plan, store: Store, options: LaunchOptions, say: Callable[[str], None]) -> Nodes:
    """The nodes, once there is a GPU for each trial that leaves its share open; raises ClusterError if none comes."""
    nodes = offered(options.address)
    for need in dict.fromkeys(trial.resources for trial in plan.expected().trials if trial.resources.auto):
        if nodes.grows and options.address is not None and not _gpus(nodes, need):
            say("gpus: auto is measured on a GPU: waiting until the cluster has added a node with one …")
            run_once(options.address, store, need, os.getpid, install=options.install)
            nodes = offered(options.address)
        if not _gpus(nodes, need):
            raise ClusterError("; ".join(unfit(plan, nodes.resources, nodes.local)))
    return nodes


def _gpus(nodes: Nodes, need: Resources) -> dict[str, Resources]:
    """By kind of GPU, of the nodes that a trial of this size fits on, the one with the most beside each GPU."""
    able = sorted((node for node in nodes.resources if slots(node, need)), key=lambda node: beside(node, need))
    return {gpu_name(node): node for node in able}


def launch(study: Spec | Prepared, store: Store, options: LaunchOptions, observer: Observer) -> Result:
    """Train and evaluate what the store does not have yet.

    Raises HeldError if another launch of this study is running, SpecError, MissingDataError, StoreError, DeviceError
    and ClusterError before anything is trained; SupersededError if another launch took the study over in the meantime.
    """
    prepared = settle(study if isinstance(study, Prepared) else prepare(study), store, options)
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
    with held(store, plan.study) as heartbeat, packed(store), contextlib.ExitStack() as unrecorded:
        unrecorded.enter_context(joining(store, plan.study))
        store.sweep_temporary(older_than=LEFTOVER_SECONDS)
        planned, plan = plan, store.with_points(plan)
        log = Logbook(store.objects, plan.study, Owner.here(f"study launch {plan.study}"), heartbeat.lease.generation)
        run = _run(plan, store, options, Recorded(observer, log, plan), images)
        heartbeat.when_lost = run.stop
        heartbeat.at_beat = partial(obey, log, run)
        for notice in run.source.notices():
            run.tell_notice(notice)
        recall(run, store)
        run.close_rungs()

        def record() -> Launch:
            made = store.record_launch(planned, spec_text, known)
            unrecorded.close()
            return made

        if run.finished:
            record_given_up(store, record(), run.queue.brackets)
            run.source.close()
            return _result(run)
        check_device_type(plan, store)
        keep_promotions(plan, store, run.queue.brackets)
        with recorded(log) as ending:
            begun(store.objects, log.sitting, own_job())
            obey(log, run)  # whoever asked before it began: then nothing is trained
            made = _work(run, store, options, log, record, trainable)
            heartbeat.check()
            record_given_up(store, made, run.queue.brackets)
            result = _result(run)
            ending.status, ending.message = result.status, _told(result)
        return result


def _run(plan: Plan, store: Store, options: LaunchOptions, observer: Observer, images: Mapping[str, int]) -> Run:
    """What there is to do, as the store and the options have it."""
    queue = queue_of(plan, store, options.retry, options.retrain)
    source = source_of(plan, store, queue) if options.train else LeftForLater(undrawn(plan))
    if not options.train:
        queue.leave_training()
    if options.limit is not None:
        source.limit(max(0, options.limit - queue.limit(options.limit)))
    frames = {one.condition_id: frames_of(one) for one in plan.conditions if one.family == "perturbation"}
    return Run(plan, queue, observer, Estimate(images, frames), partial(record_lost, store), source)


def _work(
    run: Run,
    store: Store,
    options: LaunchOptions,
    log: Logbook,
    record: Callable[[], Launch],
    trainable: type[StudyTrainable],
) -> Launch:
    """Do it on the cluster, which is joined first: a launch that finds none is not recorded."""
    plan = run.plan
    # Ray sets handlers of its own
    with stoppable(run), connected(options.address, store, options.install) as nodes, stoppable(run):
        workers = _workers(plan, nodes.now(), options.max_concurrent)
        made = record()
        run.on_workers(nodes.now, options.max_concurrent, nodes.now().describe(workers))
        for notice in _awaited(plan, nodes.now()):
            run.tell_notice(notice)
        log.found(cluster=nodes.cluster, job=own_job(), where=run.where)
        conditions = {condition.condition_id: condition for condition in plan.conditions}
        sessions = OpenSessions(store, conditions, f"study {plan.study}", plan.baseline_id, plan.study, keep=plan.keep)
        try:
            execute(run, sessions, conditions, workers, trainable)
        finally:
            run.source.close()
    return made


def obey(log: Logbook, run: Run) -> None:
    """Stop the run if somebody has asked for it in the store."""
    by = log.asked_to_stop()
    if by is not None:
        run.stop(by)


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
    """How many units run at once, at most; raises ClusterError if one fits nowhere and no node will be added."""
    refused = tuple(unfit(plan, nodes.resources, nodes.local))
    if refused and not nodes.grows:
        raise ClusterError("; ".join(refused))
    slots = max(1, *(nodes.slots(need) for need in {trial.resources for trial in plan.expected().trials}))
    return min(slots, most or slots)


def _awaited(plan: Plan, nodes: Nodes) -> Iterator[str]:
    """What is to be known of the cluster, and of nodes that are not there yet."""
    if not is_authenticated():
        yield OPEN_TO_ALL
    for need in dict.fromkeys(trial.resources for trial in plan.expected().trials):
        if nodes.grows and not nodes.slots(need):
            yield f"no node has {told(need)} for a trial yet: those trials wait until the cluster's autoscaler adds one"


def _result(run: Run) -> Result:
    progress = run.progress()
    complete = progress.trials_done + run.queue.total["pruned"] == progress.trials
    return Result(
        status="stopped" if run.stopping else "complete" if complete else "incomplete",
        plan=run.plan,
        progress=progress,
        failures=dict(run.queue.failures),
        blocked=dict(run.queue.blocked),
        stopped_by=run.stopped_by,
    )


def _told(result: Result) -> str:
    """`16 of 37 trials, 430 of 962 evaluations, 1 failed; asked by ana on laptop`"""
    score = result.progress
    said = f"{score.trials_done:,} of {score.trials:,} trials, "
    said += f"{score.evaluations_done:,} of {score.evaluations:,} evaluations"
    said += "".join(f", {len(some):,} {name}" for name, some in (("failed", result.failures),
                    ("blocked", result.blocked)) if some)  # fmt: skip
    return f"{said}; by {result.stopped_by}" if result.stopped_by else said


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
def packed(store: Store) -> Iterator[None]:
    """The tables' files are joined every PACK_SECONDS and at the end, so that the next launch finds few to read."""
    ended = threading.Event()

    def pack() -> None:
        while not ended.wait(PACK_SECONDS):
            _pack(store)

    thread = threading.Thread(target=pack, name="packs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _pack(store)


def _pack(store: Store) -> None:
    with contextlib.suppress(StoreError, OSError):  # a copy: what is wrong, readers of the tables are told
        store.pack()


@contextlib.contextmanager
def stoppable(run: Run) -> Iterator[None]:
    """SIGINT, SIGTERM and a terminal that is closed ask the run to stop: workers finish their slice, checkpoint and
    leave. A second signal insists, but for a second SIGHUP: shells send one besides the kernel's."""
    asked: list[float] = []
    terminals = [one.fileno() for one in (sys.__stdout__, sys.__stderr__) if one is not None and one.isatty()]

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(time.monotonic())
        if number == signal.SIGHUP:
            _let_go(terminals)
        elif run.stopping and asked[-1] - asked[0] >= INSIST_SECONDS:
            raise KeyboardInterrupt
        run.stop("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name)

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heeded = [number for number in signals if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _let_go(terminals: Sequence[int]) -> None:
    """What is printed there goes nowhere from here on: printing on a terminal that is gone is an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in terminals:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def queue_of(plan: Plan, store: Store, retry: Retry | None, retrain: bool = False) -> Queue:
    """The units still to run, given what the store has and which failures are to be tried again."""
    committed = store.committed()
    failed = standing_failures(plan, store, committed, retry)
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


def standing_failures(plan: Plan, store: Store, committed: Committed, retry: Retry | None) -> dict[str, Failure]:
    """Trials whose last attempt at what they lack failed in a way that this launch does not try again."""
    return {
        row["trial_id"]: Failure(
            failure=row["failure_class"], error=row["error"], traceback_hash=row["traceback_hash"] or ""
        )
        for row in newest_failures(store, plan, committed)
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
