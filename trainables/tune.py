"""The one place where training meets Ray: a unit of work as a `ray.tune.Trainable` whose worker outlives it.

A unit is the training or the evaluation of one trial. A worker takes unit after unit (`reset_config`), keeps its
imports, data and distorted test sets warm, and hands control back after every epoch or slice of seconds. It catches
what a unit raises and returns it as a `failed` report, so that one bad trial does not cost a warm worker.
"""

import contextlib
import errno
import gc
import math
import platform
import resource
import time
import traceback
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import ray
import torch
from ray.tune import Trainable
from torch import Tensor

from trainables.checkpoint import CorruptCheckpointError
from trainables.evaluation import evaluate
from trainables.evaluation.passes import images_shown
from trainables.evaluation.sets import DistortedSets, room
from trainables.fit import Training, begin, commit
from trainables.host_memory import beyond, limit
from trainables.pictures import png
from trainables.recipe import Condition, Recipe
from trainables.records import Cell, Epoch, Sink
from trainables.supply import Supply

Phase = Literal["train", "evaluate", "wait"]
Status = Literal["running", "done", "diverged", "halted", "failed", "held", "stopped"]
"""`halted`: trained as far as the unit goes, which is not to the end."""
FailureClass = Literal["preempted", "infrastructure", "damaged", "out_of_memory", "user"]
"""`damaged`: a file that the unit needs, which a person has to restore."""

SAVE_SECONDS = 60.0
"""Work lost at most to a kill, in seconds, where epochs are longer."""
SAVE_CELLS_SECONDS = 10.0
"""The same of evaluations, which cost less to keep."""
WAITS = 5
"""Reports a slice from a worker that waits for work."""

NOTICE_SECONDS = 2.0
"""How late a worker may learn that its node is about to be taken away."""


NOT_TOLD: Mapping[str, Any] = {
    "correct_bits": None, "confidences": (), "near_duplicates": (), "flips": (), "attacks": (), "noise_stability": (),
}  # fmt: skip
"""What a report leaves out of a cell."""


class HeldError(Exception):
    """Another launch is at work on this trial; the message says who."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a worker says after each slice."""

    status: Status
    epoch: int = 0
    """Epochs finished."""
    share: float = 0.0
    """Part of the training that is done."""
    epochs: tuple[Epoch, ...] = ()
    """Epochs finished since the last report; with the first, those of earlier attempts too."""
    cells: tuple[Cell, ...] = ()
    """Cells finished in this slice: their counts and sums alone."""
    validation_accuracy: float | None = None
    images: int = 0
    """Images worked on since the unit began in this worker."""
    seconds: float = 0.0
    """Since the unit began in this worker."""
    host: str = ""
    """The worker's machine."""
    residency: str = ""
    """Where a training's images are kept, and why, in a sentence; empty on a CPU, where there is no choice."""
    failure: FailureClass | None = None
    error: str = ""
    traceback: str = ""


class Notice:
    """Whether this worker's node is about to be taken away: Ray is told so by who takes it, or by its SIGTERM."""

    def __init__(self) -> None:
        self._asked = -NOTICE_SECONDS

    def __call__(self) -> bool:
        """By Ray's word, asked for every NOTICE_SECONDS; False outside of Ray and in between."""
        if time.monotonic() - self._asked < NOTICE_SECONDS or not ray.is_initialized():
            return False
        self._asked = time.monotonic()
        return ray.get_runtime_context().get_node_id() in ray._private.state.state.get_draining_nodes()


class Resources(Protocol):
    """A worker's part of its node."""

    @property
    def cpus(self) -> float: ...

    @property
    def gpus(self) -> float: ...

    @property
    def memory(self) -> int | None:
        """Bytes of the host's that it may take; None where nothing is said."""
        ...


class Unit(Protocol):
    """What the driver hands a worker."""

    @property
    def resources(self) -> Resources: ...

    @property
    def phase(self) -> Phase: ...

    @property
    def recipe(self) -> Recipe: ...

    @property
    def until(self) -> int | None:
        """The epochs after which a training halts; None for its end."""
        ...


class Session(Sink, Protocol):
    """A sink that holds the right to write one trial."""

    @property
    def already_committed(self) -> bool:
        """Whether another launch finished this unit in the meantime."""
        ...

    @property
    def wanted(self) -> Sequence[str]:
        """The ids of the conditions that the unit is to be evaluated under and that nobody has committed yet."""
        ...

    @property
    def wanted_examples(self) -> Collection[str]:
        """The ids of the conditions of which nobody has kept an example and this trial may give one."""
        ...

    def keep_example(self, condition_id: str, png: bytes) -> None:
        """Keep the first test image as the condition shows it."""
        ...

    def halt(self, epoch: Epoch) -> None:
        """Note how the training stood after the epoch with which the unit ends; its checkpoint is saved."""
        ...

    def keep(self) -> None:
        """Say that the unit is alive; raises if the right to write has gone to another."""
        ...

    def close(self, report: Report, peak_memory: int, device: str) -> None:
        """Record how the attempt ended and give the right back."""
        ...


Slices = Generator[Report, None, None]
OpenSession = Callable[[Any], Session]
"""Takes a unit; raises HeldError."""


class StudyTrainable(Trainable):
    """Runs units one after another. `config` is `{"unit": Unit}`."""

    def setup(  # type: ignore[override]
        self,
        config: Mapping[str, Any],
        *,
        open_session: OpenSession,
        conditions: Mapping[str, Condition],
        slice_seconds: float,
    ) -> None:
        self.open_session = open_session
        self.conditions = conditions
        self.slice_seconds = slice_seconds
        self.device = torch.device("cuda" if config["unit"].resources.gpus else "cpu")
        self.memory = config["unit"].resources.memory
        if self.memory is not None:
            limit(self.memory)
        space = room(self.device, config["unit"].resources.cpus, config["unit"].resources.gpus, self.memory)
        self.sets = DistortedSets(space.memory, space.disk)
        self.supply = Supply(self.device, config["unit"].resources.gpus)
        self.poisoned = False
        """Whether the next unit needs another worker."""
        self.notice = Notice()
        self._take(config["unit"])

    def reset_config(self, new_config: Mapping[str, Any]) -> bool:
        if self.poisoned:
            ray.actor.exit_actor()  # type: ignore[no-untyped-call]
        self._take(new_config["unit"])
        return True

    def _take(self, unit: Unit) -> None:
        self.unit = unit
        self.session: Session | None = None
        self.slices: Slices | None = None
        self.began = time.monotonic()
        self.images = 0

    def step(self) -> dict[str, Any]:
        if self.unit.phase == "wait":
            time.sleep(self.slice_seconds / WAITS)
            self.poisoned = self.notice()
            return {"report": self.report("running"), "done": self.poisoned}
        report = self._advance()
        if report.status == "running" and self.notice():
            report = self._leave(report)
        if report.status != "running":
            self._close(report)
        return {"report": report, "done": report.status != "running"}

    def _advance(self) -> Report:
        try:
            if self.slices is None:
                self.session = self.open_session(self.unit)
                self.slices = self._slices(self.session)
            report = next(self.slices)
            if report.status == "running" and self.session is not None:
                self.session.keep()
            return report
        except HeldError as held:
            return self.report("held", error=str(held))
        except Exception as error:  # noqa: BLE001  (a unit's error is its result; the worker stays warm)
            return self._failed(error)

    def _slices(self, session: Session) -> Slices:
        if session.already_committed:
            yield self.report("done")
        else:
            yield from self.work(self.unit, session)

    def work(self, unit: Unit, session: Session) -> Slices:
        """The unit's slices, the last one `done` or `diverged`. Closing it early keeps what was done."""
        if unit.phase == "train":
            return self._train(unit.recipe, unit.until, session)
        return self._evaluate(unit.recipe, session)

    def _train(self, recipe: Recipe, until: int | None, session: Session) -> Slices:
        with begin(recipe, session, self.device, self.supply) as training:
            yield from self._trained(training, until or math.inf, session)

    def _trained(self, training: Training, until: float, session: Session) -> Slices:
        told, saved = 0, time.monotonic()
        try:
            while not training.finished and len(training.epochs) < until:
                ended = training.advance(time.monotonic() + self.slice_seconds)
                if ended or time.monotonic() - saved > SAVE_SECONDS:
                    session.save_last(training.state())
                    saved = time.monotonic()
                if not training.finished and len(training.epochs) < until:
                    yield self._training_report("running", training, told)
                    told = len(training.epochs)
        except GeneratorExit:
            session.save_last(training.state())
            raise
        if not training.finished:
            session.halt(training.epochs[int(until) - 1])
            yield self._training_report("halted", training, told)
            return
        outcome = commit(training, session)
        yield self._training_report("diverged" if outcome.diverged_epoch is not None else "done", training, told)

    def _training_report(self, status: Status, training: Training, told: int) -> Report:
        self.images = training.images_seen
        last = training.epochs[-1] if training.epochs else None
        return self.report(
            status,
            epoch=len(training.epochs),
            share=training.share,
            epochs=training.epochs[told:],
            validation_accuracy=last.validation_correct / last.validation_n if last else None,
            residency=training.residency.said if self.device.type == "cuda" else "",
        )

    def _evaluate(self, recipe: Recipe, session: Session) -> Slices:
        wanted = [self.conditions[condition_id] for condition_id in session.wanted]
        unsaved: list[Cell] = []
        untold: list[Cell] = []
        lacking = session.wanted_examples

        def look(condition: Condition, image: Tensor) -> None:
            if condition.condition_id in lacking:
                session.keep_example(condition.condition_id, png(image))

        saved = told = time.monotonic()
        try:
            weights, load = session.load_trained(), session.load_stages
            for cell in evaluate(recipe, weights, wanted, self.sets, self.device, look, load):
                unsaved.append(cell)
                untold.append(replace(cell, **NOT_TOLD))
                self.images += images_shown(self.conditions[cell.condition_id])
                if time.monotonic() - saved > SAVE_CELLS_SECONDS:
                    session.commit_cells(unsaved)
                    unsaved, saved = [], time.monotonic()
                if time.monotonic() - told > self.slice_seconds:
                    yield self.report("running", cells=tuple(untold))
                    untold, told = [], time.monotonic()
        finally:
            if unsaved:
                session.commit_cells(unsaved)
        yield self.report("done", cells=tuple(untold))

    def report(self, status: Status, **fields: Any) -> Report:
        seconds = time.monotonic() - self.began
        return Report(status=status, images=self.images, seconds=seconds, host=platform.node(), **fields)

    def _failed(self, error: Exception) -> Report:
        failure = classify(error)
        if failure == "out_of_memory":
            self.sets = DistortedSets(0)  # another try, of this unit or the next, has all of the memory
        self.poisoned = "CUDA error" in str(error)
        shown = f"{type(error).__name__}: {error}"
        if failure == "out_of_memory" and self.memory is not None and not isinstance(error, torch.OutOfMemoryError):
            shown = f"{beyond(self.memory)} ({shown})"
        return self.report("failed", failure=failure, error=shown, traceback=_traceback(error))

    def _leave(self, last: Report) -> Report:
        """The unit ends here, for another node to go on with: closing it keeps what was done."""
        self.poisoned = True
        told = "its node is about to be taken away; what was done is kept"
        return replace(last, status="failed", failure="preempted", error=told)

    def _close(self, report: Report) -> None:
        slices, session = self.slices, self.session
        self.slices = self.session = None
        try:
            if slices is not None:
                with contextlib.suppress(HeldError, OSError):  # nothing may be kept any more, or can be
                    slices.close()
        finally:
            if session is not None:
                session.close(report, _peak_memory(self.device), _device_name(self.device))
        if self.device.type == "cuda" and not self.poisoned:
            gc.collect()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing: a unit's checkpoints go to its session, not to Tune."""

    def cleanup(self) -> None:
        """Tune stops the unit: keep what it has and give the trial back."""
        self._close(self.report("stopped"))


def classify(error: BaseException) -> FailureClass:
    """Whose fault an error raised in a unit is, which decides whether trying again can help."""
    text = str(error).lower()
    no_room = isinstance(error, OSError) and error.errno == errno.ENOMEM
    if no_room or isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in text:
        return "out_of_memory"
    if isinstance(error, CorruptCheckpointError):
        return "damaged"
    if "cuda error" in text:
        return "infrastructure"
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
        return "infrastructure"
    return "user"


def _traceback(error: Exception) -> str:
    return "".join(traceback.format_exception(error))


def _peak_memory(device: torch.device) -> int:
    """Bytes: of the unit on the device, or of the process on the host."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
