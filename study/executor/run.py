"""One run of a plan: takes what workers report, keeps the queue and the score, and tells the observer."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from study.executor.estimate import Estimate
from study.executor.failures import RETRIES, Death, traceback_hash
from study.executor.nodes import Nodes
from study.executor.queue import Failure, Queue
from study.executor.source import Addition, NoSource, Source
from study.executor.units import StudyUnit, WaitUnit
from study.plan import Plan, PlannedTrial, Resources
from study.progress import Change, Event, Observer, Progress, Running, Tally
from trainables.records import Cell, Epoch
from trainables.tune import FailureClass, Report

IDLE_DEATHS = 20
"""Units in a row that never began because their worker was gone, after which that counts as a failure."""
NO_WORKER_BEGINS = (
    f"{IDLE_DEATHS} workers in a row have died before they began, so that it is hardly their nodes' fault: from now on "
    f"each such death counts as its trial's, which is given up after {RETRIES['infrastructure']} tries more. Ctrl-C "
    "stops the launch at once; what was saved stays"
)
ONE_SLOT = Nodes(resources=(Resources(),), local=True)
AHEAD = 4
"""Units at least that wait for nodes to be added, where a cluster grows."""
CLOSING_SECONDS = 2.0
"""Between the last unit's end and the launch's: workers and Ray stop."""


Occupied = Counter[Resources]
"""How many units of each shape are out."""
NOTHING: Occupied = Counter()
Lost = Callable[[StudyUnit, Death, Report], None]
"""Takes note of a unit whose worker died at work, with its last report: a dead worker cannot."""


class Run:
    """Where a launch stands, told unit by unit. Lives in the driver; knows nothing of Ray."""

    def __init__(
        self,
        plan: Plan,
        queue: Queue,
        observer: Observer,
        estimate: Estimate,
        lost: Lost,
        source: Source | None = None,
    ) -> None:
        self.plan = plan
        self.source = source or NoSource()
        self.queue = queue
        self.observer = observer
        self.estimate = estimate
        self.lost = lost
        self.where = ""
        self._nodes: Callable[[], Nodes] = lambda: ONE_SLOT
        self._most: int | None = None
        self.stopping = False
        self.stopped_by = ""
        self.diverged: set[str] = set()
        self._practical = practical_names(plan)
        self._accuracies: defaultdict[str, dict[str, float]] = defaultdict(dict)
        """Trial id → name of a practical condition → accuracy."""
        self._spans: defaultdict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
        """Label → name of a practical condition → lowest and highest accuracy so far."""
        self._labels: defaultdict[str, list[str]] = defaultdict(list)
        for trial in plan.trials:
            self._labels[trial.trial_id].append(trial.label)
        self._cells = sum(len(plan.conditions) - missing for missing in queue.missing.values())
        self._reports: dict[str, Report] = {}
        self._told: dict[str, int] = {}
        self._epochs: dict[str, tuple[Epoch, ...]] = {}
        """By the unit that finished them."""
        self._rows: dict[str, Running] = {}
        """How units at work are shown, until more is known of them: with a thousand, each event would cost as many."""
        self._residencies: set[str] = set()
        """Where images are kept, as far as a person was told."""
        self._begun: set[str] = set()
        """Trials that a worker has taken up in this launch."""
        self._idle_deaths = 0
        self._crashes: set[tuple[str, str]] = set()
        """Units and where in the program their workers crashed."""
        self._began = time.monotonic()
        self._shapes = tuple(dict.fromkeys(trial.resources for trial in plan.expected().trials))
        self._shape: Resources | None = None
        self._diverged: Counter[str] = Counter()
        """By label."""
        self._estimated: float | None = None
        self._estimated_at = self._estimate_due = self._show_due = 0.0

    # What the launch tells

    def known(self, trial_id: str, cells: Mapping[str, float], diverged: bool) -> None:
        """What earlier launches found of a trial: condition id → accuracy."""
        for condition_id, accuracy in cells.items():
            self._note(trial_id, condition_id, accuracy)
        if diverged:
            self._diverge(trial_id)

    def _diverge(self, trial_id: str) -> None:
        self.diverged.add(trial_id)
        self._diverged.update(self._labels[trial_id])

    def on_workers(self, nodes: Callable[[], Nodes], most: int | None, where: str) -> None:
        """Units run on what `nodes()` offers at the moment, never more than `most` at once; `where` tells a person."""
        self._nodes = nodes
        self._most = most
        self.where = where

    @property
    def grows(self) -> bool:
        """Whether nodes are added where units wait for them, and taken away where none does."""
        return self._nodes().grows

    def workers(self, shape: Resources) -> int:
        """Units of `shape` that run at once; 1 while the nodes that could take them are away."""
        fit = max(1, self._nodes().slots(shape))
        return fit if self._most is None else min(fit, self._most)

    def tell_notice(self, message: str) -> None:
        """Something that a person should know, of no one trial."""
        self._tell("notice", None, message)

    # What Tune asks and tells

    def next_unit(
        self, at_work: Occupied, waiting: Occupied = NOTHING, up: Callable[[], Occupied] = Counter
    ) -> StudyUnit | WaitUnit | None:
        """A unit for a worker besides those `at_work` and `waiting`; None if the cluster has no room for it.

        Where nothing is ready, waiting for one of the workers that are `up()`: it is kept for what will be. No worker
        is started to wait, but for one where there is none, so that a cluster is asked for what can run alone.
        """
        out = at_work + waiting
        if not self.stopping and not self.queue.ready:
            self._draw(out)
        unit = None if self.stopping else self._take(out, up)
        return unit or (None if self.ready(at_work) else self._wait(out, up))

    def _take(self, out: Occupied, up: Callable[[], Occupied]) -> StudyUnit | None:
        """A unit that there is room for: if it can be, of a shape that a worker is free for, or else of the last one's,
        for every change of shape costs a worker's start."""
        shapes = [shape for shape in self.queue.shapes() if self._fits(out, shape)]
        if not shapes:
            return None
        free = up() - out if len(shapes) > 1 else NOTHING
        self._shape = min(shapes, key=lambda shape: (shape not in free, shape != self._shape))
        return self.queue.take(self._shape)

    def _wait(self, out: Occupied, up: Callable[[], Occupied]) -> WaitUnit | None:
        """Waiting for a worker that is up, or, where none is, for one that what is left will need."""
        room = [shape for shape in self._shapes if self._fits(out, shape)]
        if not room:
            return None
        free = up() - out
        wanted = room if out else sorted(room, key=lambda shape: shape not in self.queue.shapes_left())
        shape = next((shape for shape in wanted if shape in free or not out), None)
        return None if shape is None else WaitUnit(resources=shape)

    def _draw(self, out: Occupied) -> None:
        """Ask the source for more, until something is ready: what it gives may be in the store already."""
        while not self.queue.ready:
            shapes = (shape for shape in self.source.shapes(self.queue.trained) if self._fits(out, shape))
            shape = next(shapes, None)
            if shape is None:
                return
            drawn = self.source.draw(shape, self.queue.trained)
            for addition in drawn:
                self.queue.brackets.join(addition.trial)  # the replicates of a point are known before one of them ends
            for addition in drawn:
                self._add(addition)

    def _add(self, addition: Addition) -> None:
        trial = addition.trial
        if trial.label not in self._labels[trial.trial_id]:
            self._labels[trial.trial_id].append(trial.label)
        if not self.queue.add(trial, addition.trained, addition.accuracies, addition.lacking):
            return
        self._cells += len(self.plan.conditions) - self.queue.missing[trial.trial_id]
        self.known(trial.trial_id, addition.accuracies, addition.diverged)

    def ready(self, at_work: Occupied) -> bool:
        """Whether there is work now for another worker, if those that wait make room."""
        shapes = (*self.queue.shapes(), *self.source.shapes(self.queue.trained))
        return any(self._fits(at_work, shape) for shape in shapes)

    def _fits(self, out: Occupied, shape: Resources) -> bool:
        if self._most is not None and out.total() >= self._most:
            return False
        return not self.crowded(out + Counter([shape]))

    def crowded(self, out: Occupied) -> bool:
        """Whether units of these shapes are more than the cluster can hold at once, or should be asked to.

        One alone never is: its node may be away. A cluster that grows is asked for as many again as it holds: the more
        nodes come, the more are asked for.
        """
        nodes, units = self._nodes(), out.total()
        beyond = nodes.beyond(out)
        return beyond > (max(AHEAD, units - beyond) if nodes.grows else 0) and units > 1

    @property
    def finished(self) -> bool:
        return self.stopping or (self.queue.finished and not self.source.shapes(self.queue.trained))

    def stop(self, why: str = "") -> None:
        """Hand out nothing more; workers finish their slice, keep what they have and leave. The first `why` stands."""
        if not self.stopping:
            self.stopped_by = why
        self.stopping = True

    def began(self, unit: StudyUnit) -> None:
        """A worker has taken the unit up."""
        self._reports[unit.unit_id] = Report(status="running")
        self._epochs[unit.unit_id] = ()
        self._rows.pop(unit.unit_id, None)
        trial_id = unit.trial.trial_id
        if unit.phase == "train" and trial_id not in self.queue.held:  # which is asked for again every other second
            self._tell("started", unit.trial, "")
        elif trial_id not in self._begun:
            self._tell("started", unit.trial, f"evaluations: {len(unit.condition_ids):,}")
        self._begun.add(trial_id)

    def reported(self, unit: StudyUnit, report: Report) -> None:
        """A slice of the unit is done."""
        self._tell_residency(report)
        self._reports[unit.unit_id] = report
        self._rows.pop(unit.unit_id, None)
        self._epochs[unit.unit_id] = self._epochs.get(unit.unit_id, ()) + report.epochs
        self._count(unit, report.cells)
        self._changed()

    def _tell_residency(self, report: Report) -> None:
        """Once a kind of choice, not for each trial."""
        if report.residency and report.residency not in self._residencies:
            self._residencies.add(report.residency)
            self.tell_notice(report.residency)

    def _changed(self) -> None:
        """Tell the observer, at most ten times a second."""
        now = time.monotonic()
        if now >= self._show_due:
            self._show_due = now + 0.1
            self.observer.changed(self.progress())

    def ended(self, unit: StudyUnit, report: Report) -> None:
        """The unit's last report."""
        self._tell_residency(report)
        self._reports.pop(unit.unit_id, None)
        self._rows.pop(unit.unit_id, None)
        epochs = (*self._epochs.pop(unit.unit_id, ()), *report.epochs)
        self._count(unit, report.cells)
        self._told.pop(unit.unit_id, None)
        if report.status == "halted":
            self._halted(unit, report, epochs)
        elif report.status in ("done", "diverged"):
            self._succeeded(unit, report)
        elif report.status == "held":
            self._held(unit, report.error)
        elif report.status == "failed":
            assert report.failure is not None
            self.failed(unit, Failure(
                failure=report.failure, error=report.error, traceback_hash=traceback_hash(report.traceback)
            ))  # fmt: skip
        self.close_rungs()
        self._changed()

    def died(self, unit: StudyUnit, death: Death) -> None:
        """The unit's worker is gone."""
        worked = self._reports.pop(unit.unit_id, None)
        self._rows.pop(unit.unit_id, None)
        self._epochs.pop(unit.unit_id, None)
        self._uncount(unit)
        if worked is None and self._idle_deaths < IDLE_DEATHS:
            self._idle_deaths += 1
            self.queue.again(unit)
            self._tell("retrying", unit.trial, f"its worker had died before it began ({death.error})")
            if self._idle_deaths == IDLE_DEATHS:
                self.tell_notice(NO_WORKER_BEGINS)
            return
        blamed = self._blamed(unit, death)
        if worked is not None:
            self.lost(unit, replace(death, failure=blamed), worked)
        self.failed(unit, Failure(failure=blamed, error=death.error, traceback_hash=death.crash_hash))

    def _blamed(self, unit: StudyUnit, death: Death) -> FailureClass:
        """Its class, but that a crash of one unit in a place where it has crashed before is the program's."""
        crash = (unit.unit_id, death.crash_hash)
        if death.failure == "infrastructure" and crash in self._crashes:
            return "user"
        self._crashes.update([crash] if death.crash_hash else [])
        return death.failure

    def close_rungs(self) -> None:
        """Once no search draws another point, nobody else comes to a rung."""
        if self.queue.finished and not self.source.shapes(self.queue.trained):
            self.queue.drawn()

    # Consequences

    def _halted(self, unit: StudyUnit, report: Report, epochs: tuple[Epoch, ...]) -> None:
        """The unit has trained as far as it was to."""
        self._learn(unit, report)
        (last,) = (one for one in epochs if one.epoch == unit.until)
        accuracy = last.validation_correct / last.validation_n
        verdict = self.queue.halt(unit, (accuracy, -last.validation_loss))
        self.source.halted(unit.trial.trial_id, last.epoch, accuracy)
        if verdict.state == "pruned":
            message = f"after {last.epoch} of {unit.recipe.epochs} epochs, validation={accuracy:.4f}"
            self._tell("pruned", unit.trial, message)

    def _succeeded(self, unit: StudyUnit, report: Report) -> None:
        if report.status == "diverged":
            self._diverge(unit.trial.trial_id)
        self._learn(unit, report)
        verdict = self.queue.done(unit)
        if verdict.state == "done":
            self._tell("diverged" if unit.trial.trial_id in self.diverged else "done", unit.trial, self._score(unit))

    def _learn(self, unit: StudyUnit, report: Report) -> None:
        """The worker is well, and this is how fast it was."""
        if report.seconds and report.images:
            self.estimate.learn(unit, report.seconds)
        self._idle_deaths = 0

    def _held(self, unit: StudyUnit, who: str) -> None:
        news = unit.trial.trial_id not in self.queue.held
        self.queue.hold(unit, who)
        if news:
            self._tell("held", unit.trial, who)

    def failed(self, unit: StudyUnit, failure: Failure) -> None:
        """The unit failed for a known reason."""
        verdict = self.queue.fail(unit, failure)
        self._tell("retrying" if verdict.retrying else "failed", unit.trial, f"{failure.failure}: {failure.error}")
        if not verdict.retrying:
            self.source.give_up(unit.trial.trial_id)
        for label in self.queue.stopped:
            self.source.stop(label)
        for trial in verdict.blocked:
            self._tell("blocked", trial, self.queue.blocked[trial.trial_id])

    def _count(self, unit: StudyUnit, cells: tuple[Cell, ...]) -> None:
        self._cells += len(cells)
        self._told[unit.unit_id] = self._told.get(unit.unit_id, 0) + len(cells)
        accuracies = {cell.condition_id: cell.correct / cell.n for cell in cells}
        for condition_id, accuracy in accuracies.items():
            self._note(unit.trial.trial_id, condition_id, accuracy)
        self.source.learn(unit.trial.trial_id, accuracies)

    def _note(self, trial_id: str, condition_id: str, accuracy: float) -> None:
        name = self._practical.get(condition_id)
        if name is None:
            return
        self._accuracies[trial_id][name] = accuracy
        for label in self._labels[trial_id]:
            low, high = self._spans[label].get(name, (accuracy, accuracy))
            self._spans[label][name] = (min(low, accuracy), max(high, accuracy))

    def _uncount(self, unit: StudyUnit) -> None:
        """Cells that a dead worker had told of are computed again."""
        self._cells -= self._told.pop(unit.unit_id, 0)

    def _score(self, unit: StudyUnit) -> str:
        known = self._accuracies[unit.trial.trial_id]
        names = (name for name in self._practical.values() if name in known)
        return " ".join(f"{name.replace(' ', ':')}={known[name]:.4f}" for name in names)

    def _tell(self, change: Change, trial: PlannedTrial | None, message: str) -> None:
        self.observer.happened(Event(change=change, trial=trial, message=message), self.progress())

    # The score

    def progress(self) -> Progress:
        """A snapshot for the observer."""
        undrawn = Counter(self.source.undrawn())
        return Progress(
            study=self.plan.study,
            elapsed=time.monotonic() - self._began,
            remaining=self._remaining(),
            trials_done=self.queue.total["done"],
            trials=len(self.queue.trials) + sum(undrawn.values()),
            evaluations_done=self._cells,
            evaluations=self._cells_wanted(sum(undrawn.values())),
            tallies={label: self._tally(label, undrawn[label]) for label in self.queue.counts},
            running=tuple(self._running()),
            workers=max(self.workers(shape) for shape in self._shapes),
            where=self.where,
        )

    def _cells_wanted(self, undrawn: int) -> int:
        """Pruned trials are not evaluated."""
        return (len(self.queue.trials) - self.queue.total["pruned"] + undrawn) * len(self.plan.conditions)

    def _remaining(self) -> float | None:
        """The estimate, made anew only so often that making it costs little."""
        now = time.monotonic()
        if now >= self._estimate_due:
            rest = self.estimate.remaining((*self.queue.left(), *self._undrawn()), self._shares(), self.workers)
            self._estimated = None if rest is None else rest + CLOSING_SECONDS
            self._estimated_at = time.monotonic()
            self._estimate_due = self._estimated_at + max(0.5, 50 * (self._estimated_at - now))
        return None if self._estimated is None else max(0.0, self._estimated - (now - self._estimated_at))

    def _undrawn(self) -> Iterator[StudyUnit]:
        """The units of trials that are still to be drawn."""
        every = tuple(condition.condition_id for condition in self.plan.conditions)
        for trial in self.source.left():
            yield StudyUnit(phase="train", trial=trial)
            yield StudyUnit(phase="evaluate", trial=trial, condition_ids=every)

    def _shares(self) -> list[tuple[StudyUnit, float]]:
        return [(unit, self._share(unit)) for unit in self.queue.running.values()]

    def _share(self, unit: StudyUnit) -> float:
        report = self._reports.get(unit.unit_id)
        if report is None:
            return 0.0
        if unit.phase == "train":
            return report.share
        return self._told.get(unit.unit_id, 0) / len(unit.condition_ids)

    def _running(self) -> Iterator[Running]:
        for unit_id, unit in self.queue.running.items():
            row = self._rows.get(unit_id)
            if row is None and (report := self._reports.get(unit_id)) is not None:
                row = self._rows[unit_id] = self._at_work(unit, report)
            if row is not None:
                yield row

    def _at_work(self, unit: StudyUnit, report: Report) -> Running:
        planned = unit.recipe.length(self.estimate.images["train"]).epochs
        return Running(
            trial=unit.trial,
            phase=unit.phase,
            epoch=min(report.epoch + 1, planned),
            planned_epochs=planned,
            cells_done=self._told.get(unit.unit_id, 0),
            cells=len(unit.condition_ids),
            epochs=self._epochs.get(unit.unit_id, ()),
            validation_accuracy=report.validation_accuracy,
            images_per_second=report.images / report.seconds if report.seconds else None,
        )

    def _tally(self, label: str, undrawn: int) -> Tally:
        counts = self.queue.counts[label]
        return Tally(
            done=counts["done"],
            now=counts["now"],
            left=counts["left"] + counts["held"] + undrawn,
            failed=counts["failed"],
            blocked=counts["blocked"],
            diverged=self._diverged[label],
            pruned=counts["pruned"],
            accuracies={
                name: self._spans[label][name] for name in self._practical.values() if name in self._spans[label]
            },
        )


def practical_names(plan: Plan) -> dict[str, str]:
    """Condition id → `clean`, `gaussian_noise 0.3`: the conditions that stand for a sweep in a line of progress."""
    names = {condition.condition_id: "clean" for condition in plan.conditions
             if (condition.family, condition.split) == ("clean", "test")}  # fmt: skip
    for sweep in plan.sweeps:
        at = sweep.levels.index(sweep.practical)
        names[sweep.condition_ids[at]] = f"{sweep.test_distortion} {sweep.practical:g}"
    return names
