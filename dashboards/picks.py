"""Picks: the worst and the best trial of a group, by test images as papers do it, or by validation images."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dashboards.results import Group, Results, Trial
from dashboards.wording import at_level, listed, spoken, symbol, with_unit
from study.plan import Sweep

By = Literal["test", "validation"]
BY: tuple[By, ...] = ("test", "validation")


@dataclass(frozen=True, kw_only=True)
class Pick:
    """Two trials of a group that has been evaluated at the level in question."""

    worst: Trial
    best: Trial
    basis: str
    """What they were ranked by, in words."""

    def role(self, trial: Trial) -> str:
        """`best`, `worst` or nothing: a lone trial is both, and called neither."""
        if self.worst.trial_id == self.best.trial_id:
            return ""
        return {self.best.trial_id: "best", self.worst.trial_id: "worst"}.get(trial.trial_id, "")


def pick(results: Results, group: Group, sweep: Sweep, condition_id: str, by: By) -> Pick | None:
    """Of the trials evaluated under the condition; None if there are none, or none that can be ranked.

    Of equals, the first in the plan, as the view `practical` has it.
    """
    evaluated = [trial for trial in group.trials if results.accuracy(trial, condition_id) is not None]
    if by == "test":
        return _ranked(evaluated, lambda trial: results.accuracy(trial, condition_id), "test images")
    drawn = validation_scores(results, sweep.test_distortion)
    if evaluated and all(trial.trial_id in drawn for trial in evaluated):
        basis = f"validation images under {spoken(sweep.test_distortion)} {_over(results, sweep)}"
        return _ranked(evaluated, lambda trial: drawn[trial.trial_id], basis)
    return _ranked(evaluated, lambda trial: trial.validation_accuracy, "undistorted validation images")


def bases(results: Results, groups: Sequence[Group], sweep: Sweep, condition_id: str) -> Mapping[By, str]:
    """What best and worst of the groups were ranked by, for each way; empty where no group has a best and a worst."""
    return {by: _basis(results, groups, sweep, condition_id, by) for by in BY}


def _basis(results: Results, groups: Sequence[Group], sweep: Sweep, condition_id: str, by: By) -> str:
    chosen = (pick(results, group, sweep, condition_id, by) for group in groups)
    ranked = (one for one in chosen if one is not None and one.best.trial_id != one.worst.trial_id)
    return listed(list(dict.fromkeys(one.basis for one in ranked)))


def _over(results: Results, sweep: Sweep) -> str:
    """`(mean over the levels of σ: 0.1, 0.3 and 0.6)`, `at σ = 0.3`"""
    levels = list(dict.fromkeys(_validation_levels(results, sweep.test_distortion).values()))
    if len(levels) == 1:
        return f"at {at_level(sweep, levels[0])}"
    return f"(mean over the levels of {symbol(sweep)}: {listed([with_unit(sweep, level) for level in levels])})"


Score = Callable[[Trial], float | None]


def _ranked(trials: Sequence[Trial], score: Score, basis: str) -> Pick | None:
    found = ranked(trials, score)
    return None if found is None else Pick(best=found[0], worst=found[1], basis=basis)


def ranked(trials: Sequence[Trial], score: Score) -> tuple[Trial, Trial] | None:
    """(best, worst), the first of equals; None without a trial.

    A trial without a score, as one that never had a finite epoch has no validation accuracy, ranks last.
    """
    if not trials:
        return None
    scores = {trial.trial_id: -math.inf if (one := score(trial)) is None else one for trial in trials}
    best, worst = (chosen(trials, key=lambda trial: scores[trial.trial_id]) for chosen in (max, min))
    return best, worst


def validation_scores(results: Results, test_distortion: str) -> Mapping[str, float]:
    """Trial id → mean accuracy over the study's validation conditions of that distortion; empty where it has none."""
    conditions = _validation_levels(results, test_distortion)
    if not conditions:
        return {}
    scores = {
        trial.trial_id: [one for condition in conditions if (one := results.accuracy(trial, condition)) is not None]
        for trial in results.trials
    }
    return {
        trial_id: sum(found) / len(found)
        for trial_id, found in scores.items()
        if found and len(found) == len(conditions)
    }


def _validation_levels(results: Results, test_distortion: str) -> dict[str, float]:
    """Condition id → level."""
    return {
        one.condition_id: one.level
        for one in results.plan.conditions
        if (one.split, one.test_distortion) == ("validation", test_distortion) and one.level is not None
    }
