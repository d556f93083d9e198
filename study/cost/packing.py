"""How many trials go on one GPU at once, for `gpus: auto`: measured, never guessed.

So many trials of one kind train as processes of their own, as they will in the study, first one, then two, and so on,
until one more adds too little or the memory is full. Where they compute is a name: the same code packs trials on the
cores of a CPU.
"""

import hashlib
import itertools
import json
import math
import multiprocessing
import queue
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from threading import BrokenBarrierError
from typing import Any

import torch

from study.plan import Plan, PlannedTrial, Resources
from study.store import Store
from study.store.recipes import write_components
from trainables.fit import Training
from trainables.recipe import Recipe, Scratch
from trainables.supply import Supply
from trainables.tune import classify

GAIN = 0.05
"""What one more trial must add to the images a second of all, as a part of them."""
FULL = 0.75
"""The part of the memory that trainings may take: test sets are kept in a part of the rest."""
MOST = 16
"""Trials on one GPU."""
WARM_SECONDS = 2.0
MEASURED_SECONDS = 4.0
PATIENCE = 300.0
"""Seconds in which all processes must have begun."""
SHARES = 10_000
"""Ray counts a GPU in so many parts."""


class PackingError(ValueError):
    """A trial that cannot be measured; says why."""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """So many trials at once."""

    trials: int
    images_per_second: float
    """Of all together."""
    bytes: int
    """Of the device's memory, taken by all together."""


@dataclass(frozen=True, kw_only=True)
class Packing:
    """What was measured, one trial, two, and so on."""

    device: str
    memory: int
    """Bytes of the device, in all."""
    most: int
    """Trials that the CPUs and the memory beside it are enough for."""
    tried: tuple[Packed, ...]
    full: bool
    """Whether another was tried and found no memory."""

    @property
    def trials(self) -> int:
        """How many pay."""
        return worth(self.tried)

    @property
    def gpus(self) -> float:
        """Of one trial, rounded down, so that all fit."""
        return math.floor(SHARES / self.trials) / SHARES

    @property
    def said(self) -> str:
        """`4 trials on one H100: 3.1 times the images/s of one; a 5th would add 2 %`"""
        first, best = self.tried[0], self.tried[self.trials - 1]
        ratio = best.images_per_second / first.images_per_second
        many = f"{self.trials} trials on one {self.device}: {ratio:.1f} times the images/s of one"
        return f"{many if self.trials > 1 else f'one trial on one {self.device}'}; {self._limit(best)}"

    def _limit(self, best: Packed) -> str:
        """Why no more."""
        if len(self.tried) > self.trials:
            gain = self.tried[self.trials].images_per_second / best.images_per_second - 1
            return f"{self.trials + 1} would {'add' if gain >= 0 else 'take'} {abs(gain):.0%}"
        if self.full or not room_for_more(self.tried, self.memory):
            return f"{self.trials + 1} would not fit its memory"
        return (
            "there are no CPUs or memory beside it for more" if self.most < MOST else f"more than {MOST} are not tried"
        )


def worth(tried: Sequence[Packed]) -> int:
    """The number of trials up to which each added at least GAIN."""
    paid = 1
    for before, after in itertools.pairwise(tried):
        if after.images_per_second < (1 + GAIN) * before.images_per_second:
            break
        paid = after.trials
    return paid


def room_for_more(tried: Sequence[Packed], memory: int) -> bool:
    """Whether one more trial would find memory, if it takes what the last one added: of the first, all that it took,
    but images that all share are there once."""
    last, before = tried[-1], tried[-2].bytes if len(tried) > 1 else 0
    return last.bytes + max(0, last.bytes - before) <= FULL * memory


def goes_on(tried: Sequence[Packed], memory: int, most: int) -> bool:
    """Whether one more is to be tried."""
    return worth(tried) == len(tried) < min(most, MOST) and room_for_more(tried, memory)


Together = Callable[[Recipe, str, int], Packed | None]
"""Trains so many trials of a recipe at once on the device of that name; None where they find no memory."""


def packing(recipe: Recipe, device: str, memory: int, most: int, name: str, together: Together) -> Packing:
    """Tries one more trial at a time; raises PackingError where not even one can be measured."""
    first = together(recipe, device, 1)
    if first is None:
        raise PackingError(
            f"one trial of {recipe.method.name} does not fit the memory of {name}: train smaller batches"
        )
    tried, full = [first], False
    while not full and goes_on(tried, memory, most):
        more = together(recipe, device, len(tried) + 1)
        full = more is None
        tried += [more] if more else []
    return Packing(device=name, memory=memory, most=most, tried=tuple(tried), full=full)


def on_gpu_here(recipe: Recipe, most: int) -> Packing:
    """The packing on this process's GPU, of which it takes a context at most."""
    about = torch.cuda.get_device_properties(0)
    return packing(recipe, "cuda", int(about.total_memory), most, about.name, together)


# Processes


def together(
    recipe: Recipe, device: str, trials: int, warm: float = WARM_SECONDS, measured: float = MEASURED_SECONDS
) -> Packed | None:
    """Trains them for `warm`, then `measured` seconds, each a process of its own, side by side; keeps nothing."""
    context = multiprocessing.get_context("spawn")
    barrier, told = context.Barrier(trials), context.Queue()
    endless = replace(recipe, start=Scratch(), epochs=10**6, iterations=None, stages=())
    processes = [
        context.Process(target=_train, args=(endless, device, trials, (warm, measured), barrier, told))
        for _ in range(trials)
    ]
    for process in processes:
        process.start()
    try:
        answers = [_answer(told, processes) for _ in processes]
    finally:
        for process in processes:
            process.join(timeout=10)
            process.kill()
    if any(answer == "out_of_memory" for answer in answers):
        return None
    if wrong := [answer for answer in answers if isinstance(answer, str)]:
        raise PackingError(f"a trial of {recipe.method.name} cannot be measured on {device}: {wrong[0]}")
    taken = [size for _, size in answers]
    return Packed(
        trials=trials,
        images_per_second=sum(rate for rate, _ in answers),
        bytes=max(taken) if device == "cuda" else sum(taken),
    )


def _answer(told: Any, processes: Sequence[Any]) -> Any:
    """What the next process says: (images a second, bytes), or what went wrong."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return told.get(timeout=1.0)
        except queue.Empty:
            if killed := [process.exitcode for process in processes if process.exitcode]:
                return f"its process ended with exit code {killed[0]}"
            if time.monotonic() > deadline:
                return f"it was not ready within {PATIENCE:.0f} s"


def _train(recipe: Recipe, device: str, trials: int, seconds: tuple[float, float], barrier: Any, told: Any) -> None:
    """One process: warm up, wait for the others, train beside them, and say how it went."""
    try:
        where = torch.device(device)
        with Training(recipe, None, where, supply=Supply(where, 1 / trials)) as training:
            _for_seconds(training, seconds[0])
            barrier.wait(PATIENCE)
            rate = _for_seconds(training, seconds[1])
            barrier.wait(PATIENCE)
            size = _taken(where)
            barrier.wait(PATIENCE)  # the memory of all is told while all have it
        told.put((rate, size))
    except BrokenBarrierError:
        told.put("another of them ended")
    except Exception as error:  # noqa: BLE001  (it is told where it was asked for)
        told.put("out_of_memory" if classify(error) == "out_of_memory" else f"{type(error).__name__}: {error}")
        barrier.abort()


def _for_seconds(training: Training, seconds: float) -> float:
    """Trains for so long; images a second."""
    began, before = time.monotonic(), training.images_seen
    while time.monotonic() < began + seconds and not training.finished:
        training.advance(began + seconds)
    if training.device.type == "cuda":
        torch.cuda.synchronize()
    return (training.images_seen - before) / (time.monotonic() - began)


def _taken(device: torch.device) -> int:
    """Bytes: of the GPU by all who use it, contexts and shared images too; of a CPU's host by this process."""
    if device.type == "cuda":
        free, whole = torch.cuda.mem_get_info()
        return int(whole - free)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# What is kept, and what it means for a plan


Gpus = Callable[[Resources], Mapping[str, Resources]]
"""By name, the kinds of GPU that a trial of this size may run on, each with a node that has one."""
Measure = Callable[[Recipe, Resources, Resources], Packing]
"""Packs trials of a recipe, of a size, on a GPU of a node."""


def beside(node: Resources, need: Resources) -> int:
    """Trials, 1 to MOST, that the CPUs and the memory for each GPU of the node are enough for."""
    cpus = node.cpus / node.gpus / need.cpus if need.cpus else MOST
    memory = (node.memory or 0) / node.gpus / need.memory if need.memory else MOST
    return max(1, int(min(cpus, memory, MOST) + 1e-9))


def kind_of(recipe: Recipe, need: Resources, device: str = "", most: int = 0) -> str:
    """Trials of one kind are packed alike: a hash of model, method, batch, images, arithmetic, GPU and what is beside
    it."""
    told = [
        write_components(recipe.data, recipe.model), recipe.method.name, recipe.batch_size, recipe.precision,
        recipe.compile, recipe.threads, need.cpus, device, most, torch.__version__,
    ]  # fmt: skip
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=12).hexdigest()


def settled(plan: Plan, store: Store, gpus: Gpus, measure: Measure, say: Callable[[str], None]) -> Plan:
    """The plan with a share of a GPU for each trial that leaves it open, as measured now or earlier in this store.

    Where `gpus` has several kinds for a trial, each is measured, and the share is the largest of them: a trial asks
    for one share, and Ray puts it on any.
    """
    found: dict[str, Packing] = {}
    shares: dict[tuple[str, Resources], float] = {}
    """By what is alike of trials, and where they may run."""

    def on(trial: PlannedTrial, device: str, node: Resources) -> Packing:
        recipe, need = trial.recipe, trial.resources
        kind = kind_of(recipe, need, device, beside(node, need))
        if kind not in found:
            found[kind] = _kept(store, kind) or _measured(store, kind, measure(recipe, need, node))
            say(f"gpus: auto: {trial.label} on {recipe.model.name}, batch {recipe.batch_size}: {found[kind].said}")
        return found[kind]

    for trial in plan.expected().trials:
        alike = (kind_of(trial.recipe, trial.resources), trial.resources)
        if trial.resources.auto and alike not in shares:
            packings = {device: on(trial, device, node) for device, node in gpus(trial.resources).items()}
            shares[alike] = max(one.gpus for one in packings.values())
            if len(packings) > 1:
                kinds = " and ".join(packings)
                say(f"gpus: auto: {trial.label}: {shares[alike]:g} of a GPU a trial, the most that {kinds} ask for")

    def share(recipe: Recipe, need: Resources) -> Resources:
        return replace(need, gpus=shares[kind_of(recipe, need), need], auto=False) if need.auto else need

    return replace(
        plan,
        trials=tuple(replace(one, resources=share(one.recipe, one.resources)) for one in plan.trials),
        searches=tuple(replace(one, resources=share(one.templates[0], one.resources)) for one in plan.searches),
    )


def leaves_open(plan: Plan) -> bool:
    """Whether any of its trials does."""
    return any(trial.resources.auto for trial in plan.expected().trials)


def _name(kind: str) -> str:
    return f"packing/{kind}.json"


def _kept(store: Store, kind: str) -> Packing | None:
    written = store.objects.get_if_present(_name(kind))
    if written is None:
        return None
    read: Mapping[str, Any] = json.loads(written)
    return Packing(**{**read, "tried": tuple(Packed(**one) for one in read["tried"])})


def _measured(store: Store, kind: str, found: Packing) -> Packing:
    """`found`, kept for later launches."""
    store.objects.put(_name(kind), json.dumps(asdict(found)).encode())
    return found
