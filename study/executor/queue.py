"""The queue: which units can run, and what each unit's end means for the others. Knows nothing of Ray or the store."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from study.executor.brackets import Brackets
from study.executor.failures import ALIKE, RETRIES, wait_before
from study.executor.rungs import Score
from study.executor.units import StudyUnit
from study.plan import Plan, PlannedTrial, Resources
from study.progress import State
from study.stages import Lacking, tests_stages
from trainables.recipe import Parent
from trainables.tune import FailureClass

Turn = tuple[bool, int]
"""See `StudyUnit.turn`."""
SHOWN_STAGES = 3
"""How many a message lists."""
HELD_SECONDS = 2.0
"""How long a trial that another launch is training is left alone before it is asked for again."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a trial failed, in this launch or an earlier one."""

    failure: FailureClass
    error: str
    traceback_hash: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a unit's end came to."""

    state: State
    retrying: bool = False
    blocked: tuple[PlannedTrial, ...] = ()
    """Trials that can no longer run because of it."""


def _never_kept(trial: PlannedTrial, stages: tuple[int, ...]) -> str:
    """Why a trial's stages cannot be tested, and what helps."""
    told = ", ".join(map(str, stages[:SHOWN_STAGES])) + (", …" if len(stages) > SHOWN_STAGES else "")
    return f"its weights after {told} {trial.recipe.counts} were never kept; --retrain trains it again to keep them"


class Queue:
    """The units of one launch and their states. Fed with ends, asked for what to run next.

    A trial's training comes before its evaluation, a parent's training before its children's; of what is ready,
    evaluations go first, then the plan's order, one resource shape as long as it has work.
    """

    def __init__(
        self,
        plan: Plan,
        trained: Collection[str],
        evaluated: Mapping[str, Collection[str]],
        failed: Mapping[str, Failure],
        clock: Callable[[], float] = time.monotonic,
        lacking: Lacking = MappingProxyType({}),
        retrain: bool = False,
        brackets: Brackets | None = None,
    ) -> None:
        """`brackets`: with all that earlier launches found."""
        self.plan = plan
        self.brackets = brackets or Brackets(replace(plan, prunings=()))
        self.trials = {trial.trial_id: trial for trial in plan.unique_trials()}
        self.trained = {trial_id for trial_id in self.trials if trial_id in trained} - self.brackets.given_up
        self.failures: dict[str, Failure] = {}
        self.blocked: dict[str, str] = {}
        """Trial id → the reason."""
        self.held: dict[str, str] = {}
        self.running: dict[str, StudyUnit] = {}
        self._clock = clock
        self.stopped: dict[str, None] = {}
        """Labels under which nothing works."""
        self._tries: Counter[tuple[str, FailureClass]] = Counter()
        self._alike: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._not_before: dict[str, float] = {}
        self._children: defaultdict[str, list[str]] = defaultdict(list)
        for trial in self.trials.values():
            self._children[self._parent(trial.trial_id)].append(trial.trial_id)
        self._ready: defaultdict[tuple[Resources, Turn], dict[str, StudyUnit]] = defaultdict(dict)
        self._waiting: defaultdict[str, dict[str, StudyUnit]] = defaultdict(dict)
        """By the trial that they wait for."""
        self.missing: dict[str, int] = {}
        """Trial id → cells that were missing when the launch began."""
        self._retrain = retrain
        for trial_id in self.trials:
            self._file_units(trial_id, evaluated.get(trial_id, ()), lacking.get(trial_id, ()))
        self._labels: defaultdict[str, list[str]] = defaultdict(list)
        for trial in plan.trials:
            self._labels[trial.trial_id].append(trial.label)
        self.counts: dict[str, Counter[State]] = {trial.label: Counter() for trial in plan.expected().trials}
        """By label: how many of its trials are in each state."""
        self.total: Counter[State] = Counter()
        self._states: dict[str, State] = {}
        for trial_id in self.trials:
            self._settle(trial_id)
        self._go_on(self.brackets.begin())
        for trial_id, failure in failed.items():
            if trial_id in self.trials:
                self._fail(self.trials[trial_id], failure)

    def add(
        self, trial: PlannedTrial, trained: bool, evaluated: Collection[str], lacking: tuple[int, ...] = ()
    ) -> bool:
        """A trial that joins the plan; whether it is new here, and not one of the plan's under another label."""
        new = trial.trial_id not in self.trials
        if new:
            self.trials[trial.trial_id] = trial
            self.trained.update([trial.trial_id] if trained else [])
            self._children[self._parent(trial.trial_id)].append(trial.trial_id)
            self.brackets.join(trial)
            going = self.brackets.trained(trial.trial_id) if trained else []
            self._file_units(trial.trial_id, evaluated, lacking)
        if trial.label not in self._labels[trial.trial_id]:
            self._labels[trial.trial_id].append(trial.label)
            if not new:
                self.counts[trial.label][self._states[trial.trial_id]] += 1
        if new:
            self._settle(trial.trial_id)
            self._go_on(going)
        return new

    def _file_units(self, trial_id: str, evaluated: Collection[str], lacking: tuple[int, ...]) -> None:
        """File what is missing of a trial. What a search waits for comes first: the cells on validation images.

        A trained trial that is `lacking` stages is trained again before its evaluation, or not tested at them.
        """
        trial, again = self.trials[trial_id], bool(lacking) and self._retrain
        if again:
            self._file(StudyUnit(phase="train", trial=trial, again=True))
        elif trial_id not in self.trained and not self.brackets.halts(trial_id):
            self._file(self._training(trial))
        missing = [one for one in self.plan.conditions if one.condition_id not in evaluated]
        self.missing[trial_id] = len(missing)
        if lacking and not again:
            self.blocked[trial_id] = _never_kept(trial, lacking)
            missing = [one for one in missing if not tests_stages(one)]
        if missing:
            missing.sort(key=lambda condition: condition.split != "validation")
            ids = tuple(condition.condition_id for condition in missing)
            unit = StudyUnit(phase="evaluate", trial=trial, condition_ids=ids)
            if again:
                self._waiting[trial_id][unit.unit_id] = unit
            else:
                self._file(unit)

    def _training(self, trial: PlannedTrial) -> StudyUnit:
        """What comes next of its training."""
        stretch = self.brackets.stretch(trial.trial_id)
        return StudyUnit(phase="train", trial=trial, since=stretch.since, until=stretch.until)

    def _go_on(self, trial_ids: Iterable[str]) -> None:
        """Trials that halted are to be trained further."""
        for trial_id in trial_ids:
            self._file(self._training(self.trials[trial_id]))
            self._settle(trial_id)

    def _file(self, unit: StudyUnit, first: bool = False) -> None:
        if unit.needs is None or unit.needs in self.trained:
            self._ready[unit.resources, unit.turn][unit.unit_id] = unit
            if first:
                self._first(unit.unit_id)
        else:
            self._waiting[unit.needs][unit.unit_id] = unit

    @property
    def finished(self) -> bool:
        """Nothing is ready, waiting for another launch or running."""
        return not any(self._ready.values()) and not self.running

    def _settle(self, trial_id: str) -> State:
        """Bring the counts up to date after a change to one trial."""
        state, before = self._derive(trial_id), self._states.get(trial_id)
        if state != before:
            self._states[trial_id] = state
            for counts in (self.total, *(self.counts[label] for label in self._labels[trial_id])):
                counts[state] += 1
                if before is not None:
                    counts[before] -= 1
        return state

    @property
    def ready(self) -> bool:
        """Whether `take` would give a unit now."""
        return any(self._due(unit_id) for units in self._ready.values() for unit_id in units)

    def shapes(self) -> list[Resources]:
        """Of the units that `take` would give now, the shape of the first one first."""
        due = ((turn, shape) for (shape, turn), units in self._ready.items() if any(map(self._due, units)))
        return list(dict.fromkeys(shape for _, shape in sorted(due, key=lambda place: place[0])))

    def shapes_left(self) -> list[Resources]:
        """Of the units that are not running."""
        return list(dict.fromkeys(unit.resources for unit in self.left()))

    def _due(self, unit_id: str) -> bool:
        return self._not_before.get(unit_id, 0.0) <= self._clock()

    def take(self, shape: Resources | None = None) -> StudyUnit | None:
        """The next unit to run, of `shape` if one is given; None if nothing is ready now."""
        places = [place for place in self._ready if shape in (None, place[0])]
        for place in sorted(places, key=lambda place: place[1]):
            for unit_id, unit in self._ready[place].items():
                if self._due(unit_id):
                    self.running[unit_id] = self._ready[place].pop(unit_id)
                    self._settle(unit.trial.trial_id)
                    return unit
        return None

    def done(self, unit: StudyUnit) -> Verdict:
        """`unit` is committed: what waited for it is ready."""
        self.running.pop(unit.unit_id)
        self.held.pop(unit.trial.trial_id, None)
        if unit.phase == "train":
            self.trained.add(unit.trial.trial_id)
            for waiting in self._waiting.pop(unit.trial.trial_id, {}).values():
                self._file(waiting)
            self._go_on([] if unit.again else self.brackets.trained(unit.trial.trial_id))
        return Verdict(state=self._settle(unit.trial.trial_id))

    def halt(self, unit: StudyUnit, score: Score) -> Verdict:
        """`unit` halts where it was to: it goes on if it is among the best there, and so may others that halted."""
        assert unit.until is not None
        self.running.pop(unit.unit_id)
        self.held.pop(unit.trial.trial_id, None)
        self._go_on(self.brackets.halted(unit.trial.trial_id, unit.until, score))
        return Verdict(state=self._settle(unit.trial.trial_id))

    def drawn(self) -> None:
        """No search draws another point: those that waited for more to compare with go on, or never will."""
        self._go_on(self.brackets.drawn())

    def hold(self, unit: StudyUnit, who: str) -> Verdict:
        """Another launch has the trial: ask again in a while."""
        self._file(self.running.pop(unit.unit_id))
        self._not_before[unit.unit_id] = self._clock() + HELD_SECONDS
        self.held[unit.trial.trial_id] = who
        self._settle(unit.trial.trial_id)
        return Verdict(state="held")

    def again(self, unit: StudyUnit) -> None:
        """`unit` never began (its worker was gone): issue it again, before the others, at no cost."""
        self._file(self.running.pop(unit.unit_id), first=True)
        self._settle(unit.trial.trial_id)

    def fail(self, unit: StudyUnit, failure: Failure) -> Verdict:
        """`unit` failed: issue it again, in a while, if its class has tries left; else give it and what needs it up."""
        self._tries[unit.unit_id, failure.failure] += 1
        tries = self._tries[unit.unit_id, failure.failure]
        if tries <= RETRIES[failure.failure]:
            self._not_before[unit.unit_id] = self._clock() + wait_before(failure.failure, tries)
            self.again(unit)
            return Verdict(state="left", retrying=True)
        self.running.pop(unit.unit_id)
        return Verdict(state="failed", blocked=self._fail(unit.trial, failure))

    def _fail(self, trial: PlannedTrial, failure: Failure) -> tuple[PlannedTrial, ...]:
        self.failures[trial.trial_id] = failure
        self._drop(trial.trial_id)
        self._settle(trial.trial_id)
        self._go_on(self.brackets.gone(trial.trial_id))
        reason = f"its parent {trial.trial_id[:8]} failed"
        blocked = self._block(self._children[trial.trial_id], reason) if trial.trial_id not in self.trained else []
        if failure.failure == "user":
            self._alike[self._arm(trial)][failure.traceback_hash].add(trial.trial_id)
            blocked += self._stop_arm(trial)
        return tuple(blocked)

    def _drop(self, trial_id: str) -> None:
        for unit_id in (f"{trial_id}.train", f"{trial_id}.evaluate"):
            for units in (*self._ready.values(), self._waiting[trial_id], self._waiting[self._parent(trial_id)]):
                units.pop(unit_id, None)

    def _parent(self, trial_id: str) -> str:
        start = self.trials[trial_id].recipe.start
        return start.trial_id if isinstance(start, Parent) else ""

    def _block(self, trial_ids: Iterable[str], reason: str) -> list[PlannedTrial]:
        """Give up these trials and all that start from them; those that are trained, running or failed are left."""
        blocked = []
        for trial_id in trial_ids:
            if trial_id in self.trained or trial_id in self.failures or trial_id in self.blocked:
                continue
            if f"{trial_id}.train" in self.running:
                continue
            self.blocked[trial_id] = reason
            self._drop(trial_id)
            self._settle(trial_id)
            self._go_on(self.brackets.gone(trial_id))
            blocked.append(self.trials[trial_id])
            blocked += self._block(self._children[trial_id], f"its parent {trial_id[:8]} is blocked")
        return blocked

    @staticmethod
    def _arm(trial: PlannedTrial) -> str:
        return trial.label

    def _stop_arm(self, trial: PlannedTrial) -> list[PlannedTrial]:
        """Stop an arm in which nothing works: ALIKE trials failed alike, then its last one too."""
        arm = self._arm(trial)
        members = [one.trial_id for one in self.trials.values() if self._arm(one) == arm]
        alike = max(self._alike[arm].values(), key=len)
        if len(alike) < ALIKE or any(trial_id in self.trained for trial_id in members):
            return []
        last = members[-1]
        if last in alike:
            self.stopped[arm] = None
            return self._block(members, f"{len(alike)} trials of {arm} failed alike, its first and its last among them")
        self._first(f"{last}.train")
        return []

    def _first(self, unit_id: str) -> None:
        for place, units in self._ready.items():
            if unit_id in units:
                self._ready[place] = {unit_id: units[unit_id], **units}

    def _waits(self, unit_id: str) -> bool:
        trial_id = unit_id.partition(".")[0]
        return any(unit_id in units for units in self._ready.values()) or unit_id in self._waiting.get(trial_id, ())

    def state(self, trial_id: str) -> State:
        """The state of one trial in this launch."""
        return self._states[trial_id]

    def _derive(self, trial_id: str) -> State:
        if trial_id in self.failures:
            return "failed"
        if trial_id in self.blocked:
            return "blocked"
        if any(f"{trial_id}.{phase}" in self.running for phase in ("train", "evaluate")):
            return "now"
        if trial_id in self.held:
            return "held"
        if self.brackets.halts(trial_id):
            return "pruned"
        return "done" if trial_id in self.trained and not self._waits(f"{trial_id}.evaluate") else "left"

    def left(self) -> tuple[StudyUnit, ...]:
        """Units that are neither running nor given up, in the order in which they would run."""
        units = (unit for units in (*self._ready.values(), *self._waiting.values()) for unit in units.values())
        return tuple(unit for unit in units if not self.brackets.halts(unit.trial.trial_id))

    def limit(self, count: int) -> int:
        """Keep only the first `count` trials that are not done, and the parents they need; how many there were."""
        undone = [trial for trial in self.trials.values() if self.state(trial.trial_id) == "left"]
        kept = {trial.trial_id for trial in undone[:count]}
        for trial in undone:
            if trial.trial_id not in kept:
                self._drop(trial.trial_id)
        return len(kept)

    def leave_training(self) -> int:
        """Keep only what needs no step of training; how many trials are left for a launch that trains."""
        steps = [one for one in self.trials.values() if one.trial_id not in self.trained and one.recipe.epochs != 0]
        for trial in steps:
            self._drop(trial.trial_id)
        return len(steps)
