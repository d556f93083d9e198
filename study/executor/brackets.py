"""Brackets: the trials of a study that are compared with one another, and how far each trains next.

A bracket holds the trials of one stage, label, training distortion and number of epochs: what a band is over. Another
method, or a harder distortion, would lose to the first by more than its hyperparameters. The replicates of one point
have one score, the mean of theirs, and go on together. Never in a bracket are trials that others start from, and points
that stand alone.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from study.executor.rungs import WORST, Rung, Score
from study.plan import Plan, PlannedTrial, parents
from study.pruners import rung_epochs
from trainables.recipe import Component

Key = tuple[int, str, str | None, int]
"""(stage, label, training distortion, epochs)"""
Point = tuple[Component, tuple[Component, ...]]
"""The method and its training distortions: what replicates share."""
Scores = Mapping[int, Score]
"""By the epoch after which it was measured."""
Look = Callable[[str], Scores]
"""The scores of a trained trial."""
Note = Callable[[str, int], None]
"""Takes down that a trial goes on from the rung after so many epochs."""


@dataclass(frozen=True)
class Stretch:
    """The part of a training that is next."""

    since: int
    """Epochs that are done."""
    until: int | None
    """The epochs after which it halts; None for its end."""


@dataclass
class Bracket:
    """One of them."""

    epochs: tuple[int, ...]
    """Of its rungs, ascending."""
    rungs: tuple[Rung, ...]
    drawing: bool
    """Whether further points may be drawn."""
    points: list[list[str]] = field(default_factory=list)
    """By number, the replicates of each."""
    numbers: dict[str, int] = field(default_factory=dict)
    """Trial id → the number of its point."""
    known: dict[Point, int] = field(default_factory=dict)
    scores: defaultdict[str, dict[int, Score]] = field(default_factory=lambda: defaultdict(dict))
    """Trial id → epochs → its score."""
    open: set[str] = field(default_factory=set)
    """Trials whose training has neither ended nor halted: something may still come of them."""
    ended: set[str] = field(default_factory=set)
    """Trials of which nothing more comes: trained to their end, failed or blocked."""
    closed: bool = False
    """Whether an earlier launch gave up all that halts here."""

    def stretch(self, trial_id: str) -> Stretch:
        """From the furthest rung of the trial to the next."""
        reached = len(self.scores[trial_id])
        since = self.epochs[reached - 1] if reached else 0
        return Stretch(since, self.epochs[reached] if reached < len(self.epochs) else None)

    def enter(self, trial_id: str, epochs: int, score: Score) -> None:
        """The trial is at a rung; its point is, once all its replicates are."""
        self.scores[trial_id].setdefault(epochs, score)
        number = self.numbers[trial_id]
        scores = [self.scores[one][epochs] for one in self.points[number] if epochs in self.scores[one]]
        if len(scores) == len(self.points[number]):
            self.rungs[self.epochs.index(epochs)].enter(number, _mean(scores))

    def halts(self, trial_id: str) -> bool:
        """Whether the trial waits at a rung."""
        return bool(self.scores.get(trial_id)) and trial_id not in self.open and trial_id not in self.ended

    def promote(self) -> list[str]:
        """Trials that go on, of the highest rung first; where nobody else will come, at least one."""
        if self.closed:
            return []
        found = [number for rung in reversed(self.rungs) for number in rung.promote()]
        if not found and not self.open and not self.drawing:
            found = [number for rung in reversed(self.rungs) for number in rung.promote_last()]
        going = [trial_id for number in found for trial_id in self.points[number] if self.halts(trial_id)]
        self.open.update(going)
        return going


def _mean(scores: list[Score]) -> Score:
    """Of replicates; WORST where one has diverged."""
    if WORST in scores:
        return WORST
    return fmean(accuracy for accuracy, _ in scores), fmean(loss for _, loss in scores)


class Brackets:
    """All brackets of a plan. Knows nothing of Ray; the store it knows through `look`."""

    def __init__(self, plan: Plan, look: Look = lambda _: {}) -> None:
        self._rules = {one.label: one for one in plan.prunings}
        self._look = look
        self._brackets: dict[Key, Bracket] = {}
        self._of: dict[str, Bracket] = {}
        self._unnoted: list[tuple[str, int]] = []
        """Who went on, and from where, before anybody took note of it."""
        self._note: Note | None = None
        self._drawing = {(one.label, one.train_distortion) for one in plan.searches if plan.undrawn(one)}
        self._never = parents(plan) | {one.trial_id for one in plan.trials if one.label not in self._rules}
        for trial in plan.trials:
            self.join(trial)
        self._leave_alone()

    def join(self, trial: PlannedTrial) -> None:
        """A trial of the plan, or one that a search has drawn, enters its bracket if it has one."""
        rule = self._rules.get(trial.label)
        if rule is None or trial.trial_id in self._never or trial.trial_id in self._of:
            return
        epochs = trial.recipe.epochs
        assert epochs is not None, "a label that is trained by iterations has no rule"
        key = (trial.stage, trial.label, trial.train_distortion, epochs)
        if key not in self._brackets:
            rungs = rung_epochs(rule.min_epochs, rule.reduction_factor, epochs)
            drawing = (trial.label, trial.train_distortion) in self._drawing
            self._brackets[key] = Bracket(rungs, tuple(Rung(rule.reduction_factor) for _ in rungs), drawing)
        bracket = self._brackets[key]
        point = (trial.recipe.method, trial.recipe.distortions)
        number = bracket.known.setdefault(point, len(bracket.points))
        if number == len(bracket.points):
            bracket.points.append([])
        bracket.points[number].append(trial.trial_id)
        bracket.numbers[trial.trial_id] = number
        bracket.open.add(trial.trial_id)
        self._of[trial.trial_id] = bracket

    def _leave_alone(self) -> None:
        """What has nothing to be compared with is trained to its end."""
        for key, bracket in list(self._brackets.items()):
            if len(bracket.points) == 1 and not bracket.drawing:
                del self._brackets[key]
                for trial_id in bracket.numbers:
                    del self._of[trial_id]

    def __contains__(self, trial_id: object) -> bool:
        return trial_id in self._of

    def note(self, note: Note) -> None:
        """From now on every promotion, and first those that there were, is taken down before the trial goes on."""
        self._note = note
        for trial_id, epochs in self._unnoted:
            note(trial_id, epochs)
        self._unnoted.clear()

    def _promote(self, bracket: Bracket) -> list[str]:
        going = bracket.promote()
        for trial_id in going:
            epochs = bracket.stretch(trial_id).since
            if self._note is None:
                self._unnoted.append((trial_id, epochs))
            else:
                self._note(trial_id, epochs)
        return going

    def recall(
        self, halted: Mapping[str, Scores], trained: Mapping[str, Scores], failed: Collection[str],
        pruned: Collection[str], promoted: Collection[tuple[str, int]] = (),
    ) -> None:  # fmt: skip
        """What earlier launches found: how trials stood where they halted, and how those stood that are trained now.

        `promoted` is who went on, and after how many epochs: they do so again, whoever has come to the rung since.

        `pruned` is who was given up when all was known. They stay so while nothing else in their bracket is left to
        train; else they halt at a rung, like any other.
        """
        for bracket in self._brackets.values():
            given_up = bracket.numbers.keys() & set(pruned)
            left = bracket.numbers.keys() - given_up - set(trained) - set(failed)
            bracket.closed = bool(given_up) and not bracket.drawing and not left
            for trial_id in bracket.numbers:
                if trial_id in trained and not (bracket.closed and trial_id in given_up):
                    self._end(bracket, trial_id, {**trained[trial_id], **halted.get(trial_id, {})})
                else:
                    self._replay(bracket, trial_id, halted.get(trial_id, {}), promoted)

    @property
    def given_up(self) -> frozenset[str]:
        """Trials that stay pruned, whatever another study makes of them."""
        closed = (bracket for bracket in self._brackets.values() if bracket.closed)
        return frozenset(one for bracket in closed for one in bracket.numbers if bracket.halts(one))

    def _replay(self, bracket: Bracket, trial_id: str, scores: Scores, promoted: Collection[tuple[str, int]]) -> None:
        """Every rung that the trial has been at, without a gap; what came before the last has gone on."""
        entered = 0
        for epochs in bracket.epochs:
            if epochs not in scores:
                break
            bracket.enter(trial_id, epochs, scores[epochs])
            entered += 1
        goes_on = entered > 0 and (trial_id, bracket.epochs[entered - 1]) in promoted
        for rung in bracket.rungs[: entered if goes_on else max(0, entered - 1)]:
            rung.already_promoted(bracket.numbers[trial_id])
        if entered and not goes_on:
            bracket.open.discard(trial_id)

    def begin(self) -> list[str]:
        """Once all is recalled: who goes on from where it halted."""
        return [trial_id for bracket in self._brackets.values() for trial_id in self._promote(bracket)]

    def halts(self, trial_id: str) -> bool:
        """Whether the trial waits at a rung."""
        bracket = self._of.get(trial_id)
        return bracket is not None and bracket.halts(trial_id)

    def stretch(self, trial_id: str) -> Stretch:
        """How far the trial trains next."""
        bracket = self._of.get(trial_id)
        return Stretch(0, None) if bracket is None else bracket.stretch(trial_id)

    def halted(self, trial_id: str, epochs: int, score: Score) -> list[str]:
        """The trial is at a rung; who goes on because of it, perhaps the trial itself."""
        bracket = self._of[trial_id]
        bracket.enter(trial_id, epochs, score)
        bracket.open.discard(trial_id)
        return self._promote(bracket)

    def trained(self, trial_id: str) -> list[str]:
        """The trial is trained to its end, here or by another study; who goes on because of it."""
        bracket = self._of.get(trial_id)
        if bracket is None:
            return []
        known = {**self._look(trial_id), **bracket.scores[trial_id]}
        self._end(bracket, trial_id, known)
        return self._promote(bracket)

    def _end(self, bracket: Bracket, trial_id: str, scores: Scores) -> None:
        """The trial is in every rung that it came to; where it ended before the next, it diverged."""
        number = bracket.numbers[trial_id]
        for epochs, rung in zip(bracket.epochs, bracket.rungs, strict=True):
            bracket.enter(trial_id, epochs, scores.get(epochs, WORST))
            if epochs not in scores:
                break
            rung.already_promoted(number)
        bracket.open.discard(trial_id)
        bracket.ended.add(trial_id)

    def gone(self, trial_id: str) -> list[str]:
        """Nothing will come of the trial: it failed or is blocked; who goes on because nobody else will come."""
        bracket = self._of.get(trial_id)
        if bracket is None:
            return []
        bracket.open.discard(trial_id)
        bracket.ended.add(trial_id)
        return self._promote(bracket)

    def drawn(self) -> list[str]:
        """No search draws another point; who goes on because of it."""
        closing = [bracket for bracket in self._brackets.values() if bracket.drawing]
        self._drawing.clear()
        for bracket in closing:
            bracket.drawing = False
        return [trial_id for bracket in closing for trial_id in self._promote(bracket)]

    def pruned(self) -> dict[str, int]:
        """Trial id → the epochs that it has; of brackets in which nothing is left to train."""
        done = [one for one in self._brackets.values() if not one.open and not one.drawing]
        return {
            trial_id: bracket.stretch(trial_id).since
            for bracket in done
            for trial_id in bracket.numbers
            if bracket.halts(trial_id)
        }
