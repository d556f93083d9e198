"""Picks: the worst and the best trial of a group, by test images as papers do it, or by validation images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dashboards.results import Group, Results, Trial
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
        basis = f"validation images under {sweep.test_distortion.replace('_', ' ')}"
        return _ranked(evaluated, lambda trial: drawn[trial.trial_id], basis)
    return _ranked(evaluated, lambda trial: trial.validation_accuracy, "undistorted validation images")


Score = Callable[[Trial], float | None]


def _ranked(trials: Sequence[Trial], score: Score, basis: str) -> Pick | None:
    """A trial that never had a finite epoch has no validation accuracy: it ranks last."""
    if not trials:
        return None
    scores = {trial.trial_id: -1.0 if (one := score(trial)) is None else one for trial in trials}
    return Pick(
        worst=min(trials, key=lambda trial: scores[trial.trial_id]),
        best=max(trials, key=lambda trial: scores[trial.trial_id]),
        basis=basis,
    )


def validation_scores(results: Results, test_distortion: str) -> Mapping[str, float]:
    """Trial id → mean accuracy over the study's validation conditions of that distortion; empty where it has none."""
    conditions = [
        one.condition_id
        for one in results.plan.conditions
        if one.split == "validation" and one.test_distortion == test_distortion
    ]
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
