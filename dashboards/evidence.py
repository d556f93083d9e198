"""What claims are decided on: accuracies on redrawn images, and which trials can be compared with which."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from dashboards.redrawn import DRAWS, Bounded, Values, ordered, redrawn
from dashboards.results import Results, Trial, practical_condition
from dashboards.wording import count, spoken
from study.plan import PlannedTrial, Sweep

NOISE, TRANSFORMATIVE = ("noise", "attack"), ("transformative",)
"""Laermann et al. 2019, §1, count adversarial examples among the noise."""
STABILITY, AUGMENTATION, ADVERSARIAL = "stability_training", "data_augmentation", "adversarial_training"
ORIGINAL, SYMMETRIC = "kl", "symmetric_kl"
UNEVALUATED, WITHOUT_OUTCOMES = "not evaluated yet", "evaluated, but without image-by-image outcomes"


@dataclass(frozen=True, kw_only=True)
class Case:
    """Some trials of one training distortion under one test distortion: a figure of the study."""

    name: str
    train_distortion: str
    sweep: Sweep
    trials: tuple[Trial, ...]

    def of(self, method: str) -> list[Trial]:
        return [trial for trial in self.trials if trial.method == method]


@dataclass(frozen=True, eq=False)
class Evidence:
    """A study's accuracies under some conditions, and its trials by what they are."""

    results: Results

    @cached_property
    def planned(self) -> Mapping[str, PlannedTrial]:
        """By trial id."""
        return {trial.trial_id: trial for trial in self.results.plan.trials}

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """Each once, under its first label."""
        return tuple({trial.trial_id: trial for trial in reversed(self.results.trials)}.values())[::-1]

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The study's figures; where it has none, every distortion that is trained on and tested."""
        return tuple(self._of_figures() if self.results.plan.figures else self._of_distortions())

    def _of_figures(self) -> Iterator[Case]:
        tested = {sweep.test_distortion for sweep in self.results.sweeps}
        for figure in (one for one in self.results.plan.figures if one.test_distortion in tested):
            shown = [trial for trial in self.results.trials
                     if trial.train_distortion == figure.trained.train_distortion
                     and trial.label in figure.trained.labels]  # fmt: skip
            yield Case(
                name=figure.name, train_distortion=figure.trained.train_distortion,
                sweep=self.results.sweep(figure.test_distortion), trials=tuple(shown),
            )  # fmt: skip

    def _of_distortions(self) -> Iterator[Case]:
        for sweep in self.results.sweeps:
            if trained := self.trained_on(sweep.test_distortion):
                yield Case(
                    name=spoken(sweep.test_distortion), train_distortion=sweep.test_distortion, sweep=sweep,
                    trials=tuple(trained),
                )  # fmt: skip

    def trained_on(self, train_distortion: str) -> list[Trial]:
        return [trial for trial in self.trials if trial.train_distortion == train_distortion]

    def sweeps_of(self, kinds: Sequence[str]) -> list[Sweep]:
        """Test distortions of these kinds; of a sequence, every step is."""
        found = {one.condition_id: [step.name for step in one.steps] for one in self.results.plan.conditions}
        return [sweep for sweep in self.results.sweeps if self._all(found[practical_condition(sweep)], kinds)]

    def trained_with(self, kinds: Sequence[str]) -> list[Trial]:
        """Trials on distortions of these kinds alone."""
        return [trial for trial in self.trials if self._all(self._names(trial), kinds)]

    def _names(self, trial: Trial) -> Iterator[str]:
        return (step.name for step in self.planned[trial.trial_id].recipe.distortions)

    def _all(self, names: Iterable[str], kinds: Sequence[str]) -> bool:
        found = {dict(self.results.plan.kinds).get(name) for name in names}
        return bool(found) and found <= set(kinds)

    def divergence(self, trial: Trial) -> object:
        """Of stability training: `kl`, `symmetric_kl`; None of other methods."""
        return self.planned[trial.trial_id].recipe.method.parameters.get("divergence")

    def but_for_the_method(self, trial: Trial) -> Hashable:
        """Equal for trials that differ in the method and its parameters alone."""
        return _but_for(self.planned[trial.trial_id], "method")

    def but_for_the_divergence(self, trial: Trial) -> Hashable:
        """Equal for trials of a method that differ in the divergence alone."""
        method = self.planned[trial.trial_id].recipe.method
        others = tuple(item for item in method.items if item[0] != "divergence")
        return self.but_for_the_method(trial), method.name, others

    def schedule(self, trial: Trial) -> Hashable:
        """Equal for trials that are trained alike: the same network on the same data, as long, as fast, …"""
        planned = self.planned[trial.trial_id]
        return _but_for(planned, "method", "distortions", "start", "replicate"), type(planned.recipe.start)

    @cached_property
    def n(self) -> int:
        """Test images."""
        return self.results.n

    @cached_property
    def _columns(self) -> Mapping[tuple[str, str], tuple[Values, Values, Values]]:
        """On all images, and on each half of them."""
        bits = {key: one for key, one in self.results.bits.items() if len(one) == self.n and self._tested(key[1])}
        if not bits:
            return {}
        found = redrawn(list(bits.values()), self.results.plan.study)
        first, second = found.halves
        return {
            key: (found.whole[:, place], first[:, place], second[:, place]) for place, key in enumerate(bits)
        }  # fmt: skip

    def _tested(self, condition_id: str) -> bool:
        return any(condition_id in sweep.condition_ids for sweep in self.results.sweeps)

    def why_not(self, trial: Trial, condition_id: str) -> str:
        """Why its accuracy cannot be compared; empty where it can."""
        key = trial.trial_id, condition_id
        cell = self.results.cells.get(key)
        if cell is None:
            return UNEVALUATED
        return "" if cell.at_chance or key in self._columns else WITHOUT_OUTCOMES

    def accuracy(self, trial: Trial, condition_id: str) -> Values:
        """One that counts at chance has no outcomes: it gets chance on every image, and so on every draw."""
        return self._drawn(trial, condition_id)[0]

    def _drawn(self, trial: Trial, condition_id: str) -> tuple[Values, Values, Values]:
        cell = self.results.cells[trial.trial_id, condition_id]
        if cell.at_chance:
            return (np.full(1 + DRAWS, cell.accuracy),) * 3
        return self._columns[trial.trial_id, condition_id]

    def ordered(self, trials: Sequence[Trial], condition_id: str, weights: Sequence[float]) -> Bounded:
        """Their accuracies from low to high, each times its weight: a range, or a best."""
        drawn = [self._drawn(trial, condition_id) for trial in trials]
        return ordered([one[0] for one in drawn], [one[1:] for one in drawn], weights)

    @cached_property
    def controls(self) -> tuple[Trial, ...]:
        """Trials on undistorted copies: every number of their training distortion is 0, as rotation's by 0°."""
        return tuple(trial for trial in self.trials if self._distorts_nothing(trial))

    def _distorts_nothing(self, trial: Trial) -> bool:
        numbers = [
            value
            for step in self.planned[trial.trial_id].recipe.distortions
            for value in step.parameters.values()
            if isinstance(value, (int, float)) and not isinstance(value, bool)
        ]
        return bool(numbers) and not any(numbers)

    def baseline(self, condition_id: str) -> Values | None:
        """The mean of its replicates; None where one of them is missing, or there is none."""
        trials = self.results.baselines
        if not trials or any(self.why_not(trial, condition_id) for trial in trials):
            return None
        return mean([self.accuracy(trial, condition_id) for trial in trials])

    def sound(self, trials: Iterable[Trial], condition_id: str) -> list[Trial]:
        return [trial for trial in trials if not self.why_not(trial, condition_id)]

    def missing(self, trials: Iterable[Trial], condition_id: str) -> list[str]:
        """`2 ST trials not evaluated yet`"""
        reasons = Counter((trial.label, why) for trial in trials if (why := self.why_not(trial, condition_id)))
        return [f"{count(number, f'{label} trial')} {why}" for (label, why), number in reasons.items()]


def _but_for(planned: PlannedTrial, *left_out: str) -> Hashable:
    recipe = planned.recipe
    return tuple(getattr(recipe, one.name) for one in fields(recipe) if one.name not in left_out)


def mean(several: Sequence[Values]) -> Values:
    """On each draw."""
    total: Values = np.mean(np.stack(several), axis=0)
    return total
