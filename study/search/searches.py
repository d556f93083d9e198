"""The searches of one launch: which point comes next, which trials it is, and what its objectives came to."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from statistics import fmean
from types import MappingProxyType

from study.executor.source import Addition
from study.plan import Drawn, Plan, PlannedTrial, Resources, Search, Verdict
from study.planning import drawn_trials
from study.search.history import Halts, History, Values
from study.search.journal import Ended, journal
from study.stages import lacking
from study.store import Store
from study.store.patience import patiently
from study.store.store import COMPLETE
from trainables.recipe import Parent

Accuracies = Mapping[str, float]
"""By condition id."""
Record = Callable[[Drawn, Sequence[PlannedTrial]], None]
Look = Callable[[PlannedTrial], Addition]
"""What the store has of a trial already."""

JOURNAL_SECONDS = 10.0
"""Between two writings of the journal, at least."""


class Course:
    """One search in this launch."""

    def __init__(self, search: Search, drawn: Sequence[Drawn]) -> None:
        self.search = search
        self.drawn = list(drawn)
        self.history: History | None = None
        """None as long as nothing is to be drawn."""
        self.verdicts: dict[int, Verdict] = {}
        """Of the points whose end is known, in the order in which it was."""
        self.recorded: set[int] = {number for point in drawn for number, said in point.told if said != "pruned"}
        """Points whose end stands before some draw on record."""
        self.fresh: list[tuple[int, Verdict]] = []
        """What the sampler was told since the last draw."""
        self.halted: Counter[int] = Counter(
            number for point in drawn for number, said in point.told if said == "pruned"
        )
        """Rungs of each point that the sampler was told of."""
        self.most = search.points
        """Points in all, after `--limit`."""

    @property
    def undrawn(self) -> int:
        return max(0, self.most - len(self.drawn))

    def begins(self, trained: Collection[str]) -> bool:
        """Whether a point drawn now could be trained now."""
        starts = (template.start for template in self.search.templates)
        return self.undrawn > 0 and all(start.trial_id in trained for start in starts if isinstance(start, Parent))

    def resume(self, values: Values, halts: Halts) -> None:
        """Draw again what is on record, and be told again what was told."""
        self.history = History(self.search)
        self.history.replay(self.drawn, values, halts)
        recorded = dict(told for point in self.drawn for told in point.told)
        self.verdicts = {number: recorded[number] for number in self.history.told}

    def draw(self) -> tuple[Drawn, tuple[PlannedTrial, ...]]:
        """The next point and its trials."""
        told = tuple(self.fresh)
        self.fresh.clear()
        self.recorded.update(number for number, said in told if said != "pruned")
        assert self.history is not None
        values = self.history.draw()
        trials = drawn_trials(self.search, values)
        drawn = Drawn(
            search_id=self.search.search_id,
            number=len(self.drawn),
            parameters=tuple(values.items()),
            told=told,
            trial_ids=tuple(trial.trial_id for trial in trials),
        )
        self.drawn.append(drawn)
        return drawn, trials

    def end(self, number: int, values: Sequence[float] | None) -> None:
        """A point's objectives, or None if one of its trials failed for good; the first word counts."""
        if number not in self.verdicts:
            self.verdicts[number] = "failed" if values is None else "complete"
            if number not in self.recorded:
                self.fresh.append((number, self.verdicts[number]))
            if self.history is not None:
                self.history.tell(number, values)

    def halt(self, number: int, halts: Sequence[tuple[int, float]]) -> None:
        """The rungs that a point has come to; those that the sampler has not heard of, it is told.

        To a search of several objectives Optuna takes no such word, and none is said.
        """
        for epochs, accuracy in halts[self.halted[number] :]:
            if number in self.verdicts or len(self.search.objectives) > 1 or self.history is None:
                return
            self.halted[number] += 1
            self.fresh.append((number, "pruned"))
            self.history.tell_halt(number, epochs, accuracy)


class Searches:
    """A `study.executor.source.Source` over every search of a plan; the one with the fewest points draws next."""

    def __init__(self, plan: Plan, record: Record, look: Look, keep: Callable[[bytes], None]) -> None:
        self._study = plan.study
        self._record = record
        self._look = look
        self._keep = keep
        self._journal_due = 0.0
        self._accuracies: defaultdict[str, dict[str, float]] = defaultdict(dict)
        """Trial id → the accuracies that objectives need."""
        self._halts: defaultdict[str, dict[int, float]] = defaultdict(dict)
        """Trial id → epochs → its validation accuracy where it halted."""
        self._failed: set[str] = set()
        self._waiting: defaultdict[str, list[tuple[Course, int]]] = defaultdict(list)
        """Trial id → the points that are done when it is."""
        self.courses = [
            Course(search, [one for one in plan.drawn if one.search_id == search.search_id]) for search in plan.searches
        ]
        self._needed = {one for search in plan.searches for wanted in search.objectives for one in wanted.validation}
        self._stand_ins = {search.search_id: list(plan.stand_ins(search)) for search in plan.searches}
        for course in self.courses:
            for point in course.drawn:
                self._wait(course, point)

    # Of a `Source`

    def shapes(self, trained: Collection[str]) -> Sequence[Resources]:
        begun = [course for course in self.courses if course.begins(trained)]
        return tuple(dict.fromkeys(course.search.resources for course in sorted(begun, key=_drawn)))

    def draw(self, shape: Resources, trained: Collection[str]) -> Sequence[Addition]:
        able = (one for one in self.courses if one.begins(trained) and one.search.resources == shape)
        course = min(able, key=_drawn)
        drawn, trials = course.draw()
        self._record(drawn, trials)
        found = [self._look(trial) for trial in trials]
        self._wait(course, drawn)
        for one in found:
            self.learn(one.trial.trial_id, one.accuracies)
        self._settle(drawn.trial_ids)
        if time.monotonic() >= self._journal_due:
            self._keep_journal()
        return found

    def learn(self, trial_id: str, accuracies: Accuracies) -> None:
        needed = {one: accuracy for one, accuracy in accuracies.items() if one in self._needed}
        self._accuracies[trial_id].update(needed)
        if needed:
            self._settle([trial_id])

    def halted(self, trial_id: str, epochs: int, accuracy: float) -> None:
        self._halts[trial_id][epochs] = accuracy
        self._settle_halts([trial_id])

    def give_up(self, trial_id: str) -> None:
        self._failed.add(trial_id)
        self._settle([trial_id])

    def stop(self, label: str) -> None:
        for course in self.courses:
            if course.search.label == label:
                course.most = len(course.drawn)

    def limit(self, trials: int) -> None:
        for course in self.courses:
            allowed = trials // len(course.search.templates)
            course.most = min(course.most, len(course.drawn) + allowed)
            trials -= course.undrawn * len(course.search.templates)

    def left(self) -> Sequence[PlannedTrial]:
        return [
            trial
            for course in self.courses
            for trial in islice(self._stand_ins[course.search.search_id], course.undrawn * len(course.search.templates))
        ]

    def undrawn(self) -> Mapping[str, int]:
        counts: Counter[str] = Counter()
        for course in self.courses:
            counts[course.search.label] += (course.search.points - len(course.drawn)) * len(course.search.templates)
        return counts

    # What has become of points

    def _wait(self, course: Course, point: Drawn) -> None:
        for trial_id in dict.fromkeys(point.trial_ids):
            self._waiting[trial_id].append((course, point.number))

    def _settle(self, trial_ids: Sequence[str]) -> None:
        """Tell the courses of every point that is done now."""
        for trial_id in trial_ids:
            for course, number in self._waiting[trial_id]:
                ids = course.drawn[number].trial_ids
                values = self.values(course, number)
                if values is not None or not self._failed.isdisjoint(ids):
                    course.end(number, values)

    def _settle_halts(self, trial_ids: Iterable[str]) -> None:
        """Tell the courses how far the points of these trials have come."""
        for trial_id in trial_ids:
            for course, number in self._waiting[trial_id]:
                course.halt(number, self.halts(course, number))

    def halts(self, course: Course, number: int) -> tuple[tuple[int, float], ...]:
        """(epochs, mean accuracy) at each rung that all replicates of a point have come to."""
        each = [self._halts.get(one, {}) for one in course.drawn[number].trial_ids]
        common = sorted(epochs for epochs in each[0] if all(epochs in one for one in each))
        return tuple((epochs, fmean(one[epochs] for one in each)) for epochs in common)

    def values(self, course: Course, number: int) -> tuple[float, ...] | None:
        """A point's objectives, each the mean over its conditions and replicates; None while one is missing."""
        ids = course.drawn[number].trial_ids
        if not all(wanted in self._accuracies[one] for one in ids for wanted in _validation(course.search)):
            return None
        return tuple(
            fmean(self._accuracies[one][condition] for one in ids for condition in objective.validation)
            for objective in course.search.objectives
        )

    def resume(
        self,
        known: Mapping[str, Accuracies],
        failed: Collection[str],
        halts: Mapping[str, Mapping[int, float]] = MappingProxyType({}),
    ) -> None:
        """Bring every sampler to where the launch before was, then tell it what has ended since."""
        for trial_id, accuracies in known.items():
            self._accuracies[trial_id].update(accuracies)
        for trial_id, come_to in halts.items():
            self._halts[trial_id].update(come_to)
        for course in self.courses:
            if course.undrawn:
                course.resume(partial(self.values, course), partial(self.halts, course))
        for trial_id in list(self._waiting):
            self._settle([trial_id])
            self._settle_halts([trial_id])
        for trial_id in failed:
            self.give_up(trial_id)

    def notices(self) -> Sequence[str]:
        return tuple(
            f"the search of {course.search.label} goes on from its {len(course.drawn)} points, but the sampler would "
            "have drawn others (another version of Optuna?): what follows is not what an undisturbed run would draw"
            for course in self.courses
            if course.history is not None and course.history.departed
        )

    def close(self) -> None:
        self._keep_journal()

    def _keep_journal(self) -> None:
        """Write the searches down for Optuna's own tools: a view, which the next time makes up for."""
        with suppress(OSError):
            self._keep(journal(self._study, [(course.search, tuple(self._ended(course))) for course in self.courses]))
        self._journal_due = time.monotonic() + JOURNAL_SECONDS

    def _ended(self, course: Course) -> Iterator[Ended]:
        for point in course.drawn:
            if point.number in course.verdicts:
                yield Ended(drawn=point, values=self.values(course, point.number))
            elif halts := self.halts(course, point.number):
                yield Ended(drawn=point, values=None, halts=halts)


def _validation(search: Search) -> frozenset[str]:
    return frozenset(one for objective in search.objectives for one in objective.validation)


def _drawn(course: Course) -> int:
    return len(course.drawn)


def resumed(plan: Plan, store: Store, failed: Collection[str]) -> Searches:
    """The searches of a plan where earlier launches left them; `failed` trials are given up."""
    searches = Searches(
        plan,
        record=lambda drawn, trials: patiently(lambda: store.record_point(plan.study, drawn, trials)),
        look=lambda trial: patiently(lambda: _found(store, plan, trial)),
        keep=partial(store.keep_journal, plan.study),
    )
    searches.resume(_known(store, plan), failed, _halts(store, plan))
    return searches


def _halts(store: Store, plan: Plan) -> Mapping[str, Mapping[int, float]]:
    """Trial id → epochs → its validation accuracy where it halted."""
    halts: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for row in store.rungs(plan.study).to_pylist() if plan.prunings else ():
        halts[row["trial_id"]][row["epochs"]] = row["validation_correct"] / row["validation_n"]
    return halts


def _known(store: Store, plan: Plan) -> Mapping[str, Accuracies]:
    """Trial id → its accuracies, of every trial that was drawn."""
    known: defaultdict[str, dict[str, float]] = defaultdict(dict)
    ids = {one for point in plan.drawn for one in point.trial_ids}
    for row in store.read("evaluations", ids).to_pylist():
        if row["role"] == "best":
            known[row["trial_id"]][row["condition_id"]] = row["correct"] / row["n"]
    return known


def _found(store: Store, plan: Plan, trial: PlannedTrial) -> Addition:
    """What the store has of a trial that was just drawn: the point may be another study's, or one of before."""
    if not store.is_trained(trial.trial_id):
        return Addition(trial=trial)
    rows = store.read("evaluations", {trial.trial_id}).to_pylist()
    accuracies = {row["condition_id"]: row["correct"] / row["n"] for row in rows if row["role"] in COMPLETE}
    alone, ids = replace(plan, trials=(trial,)), {trial.trial_id}
    return Addition(
        trial=trial,
        trained=True,
        diverged=store.trial(trial.trial_id)["diverged"],
        accuracies=accuracies,
        lacking=lacking(alone, store, ids, {trial.trial_id: accuracies}).get(trial.trial_id, ()),
    )
