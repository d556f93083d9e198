"""Laws of the searches of one launch: what is drawn, what is told, and that no point is computed twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from study.executor.source import Addition
from study.plan import Drawn, Plan, PlannedTrial, Search
from study.search.searches import Searches
from study.store import Store
from tests.study.search import peaked

FEW = ("trials:     16", "trials:     6")


class Bench:
    """A launch without workers: it draws, and decides what becomes of each trial."""

    def __init__(self, plan: Plan, store: Store | None = None) -> None:
        self.plan = plan
        self.store = store or Store.open(f"memory://{uuid4().hex}")
        self.trained = {trial.trial_id for trial in plan.trials}
        self.journal = b""
        self.recorded: list[tuple[Drawn, Sequence[PlannedTrial]]] = []
        self.searches = Searches(
            plan,
            record=lambda drawn, trials: self.recorded.append((drawn, trials)),
            look=lambda trial: Addition(trial=trial),
            keep=self._keep,
        )
        self.searches.resume({}, ())

    def _keep(self, journal: bytes) -> None:
        self.journal = journal

    def draw(self) -> list[PlannedTrial]:
        shape = self.searches.shapes(self.trained)[0]
        return [one.trial for one in self.searches.draw(shape, self.trained)]

    def finish(self, trial: PlannedTrial) -> None:
        self.searches.learn(trial.trial_id, peaked.accuracies(trial.recipe, self.plan))

    @property
    def verdicts(self) -> list[dict[int, str]]:
        return [dict(course.verdicts) for course in self.searches.courses]


def test_nothing_is_drawn_before_the_trial_that_all_start_from_is_trained(tmp_path: Path) -> None:
    bench = Bench(peaked.plan(tmp_path))
    assert bench.searches.shapes(set()) == ()
    assert len(bench.searches.shapes(bench.trained)) == 1


def test_the_searches_take_turns_and_end_at_their_number_of_points(tmp_path: Path) -> None:
    bench = Bench(peaked.plan(tmp_path, FEW))
    labels = []
    while bench.searches.shapes(bench.trained):
        (trial,) = bench.draw()
        labels.append(trial.label)
        bench.finish(trial)
    assert labels == ["ST", "DA"] * 6
    assert bench.verdicts == [dict.fromkeys(range(6), "complete")] * 2
    assert bench.searches.undrawn() == {"ST": 0, "DA": 0}
    assert [drawn.number for drawn, _ in bench.recorded] == [number for number in range(6) for _ in range(2)]


def test_a_point_is_told_of_once_all_its_replicates_are_evaluated(tmp_path: Path) -> None:
    bench = Bench(peaked.plan(tmp_path, FEW, ("divergence: kl", "replicates: 2, divergence: kl")))
    first, second = bench.draw()
    assert first.recipe.replicate != second.recipe.replicate
    bench.finish(first)
    assert bench.verdicts[0] == {}
    bench.finish(second)
    assert bench.verdicts[0] == {0: "complete"}


def test_a_search_looks_at_validation_images_alone(tmp_path: Path) -> None:
    plan = peaked.plan(tmp_path, FEW)
    bench = Bench(plan)
    (trial,) = bench.draw()
    tested = {one.condition_id for one in plan.conditions if one.split == "test"}
    every = peaked.accuracies(trial.recipe, plan)
    bench.searches.learn(trial.trial_id, {one: every[one] for one in tested})
    assert bench.verdicts[0] == {}
    bench.searches.learn(trial.trial_id, {one: every[one] for one in every if one not in tested})
    assert bench.verdicts[0] == {0: "complete"}


def test_equal_points_are_one_trial_and_both_are_told(tmp_path: Path) -> None:
    """A space of two points holds no more than two trials, however many are drawn."""
    bench = Bench(
        peaked.plan(
            tmp_path, FEW, ("sampler:    tpe", "sampler:    random"),
            ("sigma: {uniform: [0.05, 0.5]}", "sigma: {choice: [0.1, 0.3]}"),
            ("alpha: {loguniform: [0.01, 10]}", "alpha: 1"),
        )
    )  # fmt: skip
    drawn: list[PlannedTrial] = []
    while bench.searches.undrawn()["ST"]:
        drawn += [trial for trial in bench.draw() if trial.label == "ST"]
    ids = [trial.trial_id for trial in drawn]
    assert len(set(ids)) == 2 < len(ids) == 6
    assert bench.verdicts[0] == {}
    for trial in {trial.trial_id: trial for trial in drawn}.values():
        bench.finish(trial)
    assert bench.verdicts[0] == dict.fromkeys(range(6), "complete")


def test_a_failed_point_is_told_as_failed_and_so_is_its_like(tmp_path: Path) -> None:
    bench = Bench(peaked.plan(tmp_path, FEW))
    (trial,) = bench.draw()
    bench.searches.give_up(trial.trial_id)
    bench.finish(trial)
    assert bench.verdicts[0] == {0: "failed"}


def test_a_stopped_label_draws_no_more_and_the_others_do(tmp_path: Path) -> None:
    bench = Bench(peaked.plan(tmp_path, FEW))
    bench.draw()
    bench.searches.stop("ST")
    labels = Counter()
    while bench.searches.shapes(bench.trained):
        labels.update(trial.label for trial in bench.draw())
    assert labels == {"DA": 6}
    assert bench.searches.undrawn() == {"ST": 5, "DA": 0}


@pytest.mark.parametrize("limit", [0, 1, 5, 100])
def test_a_limit_is_of_this_launch(tmp_path: Path, limit: int) -> None:
    bench = Bench(peaked.plan(tmp_path, FEW))
    bench.searches.limit(limit)
    assert len(bench.searches.left()) == min(limit, 12)
    count = 0
    while bench.searches.shapes(bench.trained):
        count += len(bench.draw())
    assert count == min(limit, 12)
    assert sum(bench.searches.undrawn().values()) == 12 - count


def test_the_journal_opens_in_optuna_and_leaves_no_point_running(tmp_path: Path) -> None:
    bench = Bench(peaked.plan(tmp_path, FEW))
    for number in range(8):
        (trial,) = bench.draw()
        if number == 2:
            bench.searches.give_up(trial.trial_id)
        elif number < 6:
            bench.finish(trial)
    bench.searches.close()
    file = tmp_path / "journal"
    file.write_bytes(bench.journal)
    storage = JournalStorage(JournalFileBackend(str(file)))
    names = [one.study_name for one in optuna.get_all_study_summaries(storage)]
    assert names == ["search_mnist · ST · gaussian_noise", "search_mnist · DA · gaussian_noise"]
    kept = optuna.load_study(study_name=names[0], storage=storage)
    assert [trial.state.name for trial in kept.trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert [one.name for one in kept.directions] == ["MAXIMIZE", "MAXIMIZE"]
    search = bench.plan.searches[0]
    for trial, point in zip(kept.trials, points_of(bench, search), strict=False):
        assert trial.params == dict(point.parameters)
        assert trial.user_attrs == {"trial_ids": list(point.trial_ids)}
        if trial.values:
            assert tuple(trial.values) == pytest.approx(peaked.objectives(search, trial.params, bench.plan))


def points_of(bench: Bench, search: Search) -> list[Drawn]:
    return [drawn for drawn, _ in bench.recorded if drawn.search_id == search.search_id]


def test_a_course_that_another_version_would_not_have_taken_is_told(tmp_path: Path) -> None:
    plan = peaked.plan(tmp_path, FEW)
    bench = Bench(plan)
    assert bench.searches.notices() == ()
    bench.finish(bench.draw()[0])
    (drawn, trials), *_ = bench.recorded
    other = replace(drawn, parameters=(("method.alpha", 1.5), ("distortion.sigma", 0.25)))
    again = Bench(replace(plan, drawn=(other,), trials=(*plan.trials, *trials)))
    (notice,) = again.searches.notices()
    assert notice.startswith("the search of ST goes on from its 1 points")
    assert again.draw()[0].label == "DA"
