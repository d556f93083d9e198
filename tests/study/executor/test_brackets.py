"""Laws of brackets: who is compared with whom, and what a relaunch finds."""

import random
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from study.executor.brackets import Brackets
from study.executor.queue import Failure, Queue
from study.executor.rungs import Score
from study.plan import Plan, PlannedTrial, Pruning
from tests.study.executor.plans import plan, trial
from trainables.recipe import Component

RULE = Pruning(label="A", min_epochs=1, reduction_factor=3)
EPOCHS = 9
"""Rungs after 1 and 3 epochs."""


def point(number: int, label: str = "A", replicate: int = 0, epochs: int = EPOCHS) -> PlannedTrial:
    made = trial(f"{number:02x}{replicate}", label, epochs=epochs)
    method = Component.of("stability_training", {"alpha": number / 10})
    return replace(made, recipe=replace(made.recipe, method=method, replicate=replicate))


def pruned_plan(*trials: PlannedTrial, rules: tuple[Pruning, ...] = (RULE,)) -> Plan:
    return replace(plan(*trials), prunings=rules)


def accuracy(trial_id: str, epochs: int) -> Score:
    """What a trial comes to: the same whenever it is asked."""
    return random.Random(f"{trial_id} {epochs}").random(), -1.0


class World:
    """A store in memory, and launches that may be killed at any event."""

    def __init__(self, of: Plan) -> None:
        self.plan = of
        self.halted: dict[str, dict[int, Score]] = {}
        self.trained: dict[str, Mapping[int, Score]] = {}
        self.evaluated: dict[str, set[str]] = {}
        self.pruned: dict[str, int] = {}
        self.promoted: set[tuple[str, int]] = set()
        self.done: dict[str, int] = {}
        """Trial id → epochs in its last checkpoint."""
        self.epochs = 0
        """Trained in all."""

    def launch(self, chance: random.Random, workers: int = 3, events: int = 10_000) -> Queue:
        brackets = Brackets(self.plan, lambda trial_id: self.trained[trial_id])
        brackets.recall(self.halted, self.trained, (), self.pruned, self.promoted)
        queue = Queue(self.plan, set(self.trained), self.evaluated, {}, brackets=brackets)
        brackets.note(lambda trial_id, epochs: self.promoted.add((trial_id, epochs)))
        for _ in range(events):
            while len(queue.running) < workers and queue.take() is not None:
                pass
            if not queue.running:
                self.pruned = brackets.pruned()
                break
            unit = chance.choice(list(queue.running.values()))
            trial_id = unit.trial.trial_id
            if unit.phase == "evaluate":
                self.evaluated[trial_id] = set(unit.condition_ids)
                queue.done(unit)
                continue
            until = unit.until or EPOCHS
            self.epochs += max(0, until - self.done.get(trial_id, 0))
            self.done[trial_id] = max(until, self.done.get(trial_id, 0))
            if chance.random() < 0.1:
                continue  # the checkpoint is safe, the entry is not written yet: the kill may come here
            if unit.until is None:
                self.trained[trial_id] = {one: accuracy(trial_id, one) for one in range(1, EPOCHS + 1)}
                queue.done(unit)
            else:
                self.halted.setdefault(trial_id, {})[until] = accuracy(trial_id, until)
                queue.halt(unit, accuracy(trial_id, until))
        return queue


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32), st.integers(1, 12))
def test_however_often_it_is_killed_a_study_ends_with_the_best_trained_and_nobody_counted_twice(
    points: int, seed: int, kills: int
) -> None:
    chance, world = random.Random(seed), World(pruned_plan(*map(point, range(points))))
    for _ in range(kills):
        world.launch(chance, events=chance.randint(0, 40))
    queue = world.launch(chance)
    assert not [one for one in queue.trials if queue.state(one) not in ("done", "pruned")]
    assert world.trained
    assert set(world.evaluated) == set(world.trained)
    assert world.pruned.keys() == queue.trials.keys() - world.trained.keys()
    if points > 1:
        first = {one: accuracy(one, 1) for one in queue.trials}
        best = sorted(first, key=lambda one: first[one], reverse=True)[: points // 3]
        assert set(best) <= {one for one, epochs in world.done.items() if epochs > 1}
    assert world.epochs == sum(world.done.values())
    assert all(world.done[one] > epochs for one, epochs in world.promoted), "who went on came to the next rung"
    again = world.launch(chance)
    assert again.finished
    assert world.epochs == sum(world.done.values())


def test_a_relaunch_lets_go_on_who_went_on_whoever_has_come_since() -> None:
    of = pruned_plan(*map(point, range(5)))
    ids = [one.trial_id for one in of.trials]
    brackets, promoted = Brackets(of), set[tuple[str, int]]()
    brackets.note(lambda trial_id, epochs: promoted.add((trial_id, epochs)))
    scores = dict(zip(ids, ((0.4, 0.0), (0.5, 0.0), (0.3, 0.0), (0.9, 0.0), (0.2, 0.0)), strict=True))
    going = [one for trial_id in ids[:4] for one in brackets.halted(trial_id, 1, scores[trial_id])]
    assert going == [ids[1], ids[3]], "the second of three, then the fourth, which is better"
    assert promoted == {(ids[1], 1), (ids[3], 1)}
    later = Brackets(of)
    later.recall({one: {1: scores[one]} for one in ids[:4]}, {}, (), {}, promoted)
    assert later.begin() == []
    assert [one for one in ids if not later.halts(one)] == [ids[1], ids[3], ids[4]]
    assert {one: later.stretch(one).since for one in (ids[1], ids[3])} == {ids[1]: 1, ids[3]: 1}


def test_what_another_study_finishes_stays_pruned_until_there_is_something_new_to_compare() -> None:
    world = World(pruned_plan(*map(point, range(9))))
    world.launch(random.Random(1))
    stranger = min(world.pruned)
    world.trained[stranger] = {one: accuracy(stranger, one) for one in range(1, EPOCHS + 1)}
    queue = world.launch(random.Random(2))
    assert queue.state(stranger) == "pruned"
    assert stranger not in world.evaluated
    world.plan = pruned_plan(*map(point, range(10)))
    queue = world.launch(random.Random(3))
    assert queue.state(stranger) == "done"
    assert stranger in world.evaluated


def stretches(of: Plan) -> dict[str, int | None]:
    brackets = Brackets(of)
    return {one.trial_id: brackets.stretch(one.trial_id).until for one in of.trials}


def test_parents_points_alone_and_trials_under_a_label_that_does_not_prune_are_trained_to_their_end() -> None:
    parent, other = point(1), point(2)
    child = trial("99", "B", parent=parent.trial_id, epochs=EPOCHS)
    shared = point(3)
    alone = point(4, "C")
    rules = (RULE, replace(RULE, label="C"))
    of = pruned_plan(parent, other, point(5), shared, replace(shared, label="D"), child, alone, rules=rules)
    assert {one for one, until in stretches(of).items() if until is None} == {
        parent.trial_id, shared.trial_id, child.trial_id, alone.trial_id,
    }  # fmt: skip


def test_only_trials_of_one_label_distortion_and_number_of_epochs_are_compared() -> None:
    noise, turns = (Component.of("gaussian_noise", {"sigma": 0.1}),), (Component.of("rotation", {"degrees": 5}),)

    def on(number: int, steps: tuple[Component, ...]) -> PlannedTrial:
        made = point(number)
        return replace(made, recipe=replace(made.recipe, distortions=steps))

    groups = [[on(one, noise) for one in range(3)], [on(one + 10, turns) for one in range(3)]]
    brackets = Brackets(pruned_plan(*groups[0], *groups[1]))
    going: list[str] = []
    for number, group in enumerate(groups):
        for place, one in enumerate(group):
            going += brackets.halted(one.trial_id, 1, (0.9 - 0.5 * number - 0.1 * place, -1.0))
    assert going == [groups[0][0].trial_id, groups[1][0].trial_id]


def test_replicates_of_a_point_go_on_together_by_their_mean() -> None:
    trials = [point(number, replicate=replicate) for number in range(3) for replicate in range(2)]
    brackets = Brackets(pruned_plan(*trials))
    values = {"000": 0.9, "001": 0.1, "010": 0.6, "011": 0.6, "020": 0.2, "021": 0.2}
    going = [one for trial_id, value in values.items() for one in brackets.halted(trial_id, 1, (value, -1.0))]
    assert going == ["010", "011"]


def test_a_failed_trial_is_waited_for_no_longer_and_is_not_pruned() -> None:
    queue = Queue(pruned_plan(*map(point, range(2))), (), {}, {})
    queue = Queue(queue.plan, (), {}, {}, brackets=Brackets(queue.plan))
    first, second = queue.take(), queue.take()
    assert first is not None
    assert second is not None
    queue.halt(first, (0.5, -1.0))
    assert queue.state(first.trial.trial_id) == "pruned"
    queue.fail(second, Failure(failure="user", error="no", traceback_hash=""))
    assert queue.state(first.trial.trial_id) == "left"
    assert queue.brackets.pruned() == {}
