"""The course of one search, in Optuna: what it drew, and what it was told. The one place that draws with Optuna.

Nothing of it is kept but the points: a relaunch draws them again, from a fresh sampler with the same seed, and is where
the launch before was.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, NSGAIISampler, QMCSampler, RandomSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState, create_trial

from study.plan import Drawn, Open, Search, Verdict
from trainables.parameters import Value

Values = Callable[[int], Sequence[float] | None]
"""A point's number → what its objectives came to; None if that is not known (any more)."""
Halts = Callable[[int], Sequence[tuple[int, float]]]
"""A point's number → (epochs, validation accuracy) at each rung that it has come to, the first one first."""


def no_halts(_: int) -> Sequence[tuple[int, float]]:
    """Of a study that does not prune."""
    return ()


class Words(InMemoryStorage):
    """Optuna's storage in memory, of one study, in which what is known of a point gives way to what is known better.

    To Optuna, a word on a point is final; a study made anew for each would cost 31 ms with 1,000 points.
    """

    def revise(self, number: int, **known: Any) -> None:
        """Say of a point what is `known` now, as `optuna.trial.create_trial` takes it, and nothing else."""
        (study,) = self.get_all_studies()
        trial_id = self.get_trial_id_from_study_id_trial_number(study._study_id, number)
        before = self.get_trial(trial_id)
        after = create_trial(
            params=before.params, distributions=before.distributions, user_attrs=before.user_attrs,
            system_attrs=before.system_attrs, **known,
        )  # fmt: skip
        after.number, after._trial_id = number, trial_id
        with self._lock:
            self._set_trial(trial_id, after)


class History:
    """One search as far as it has come."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.departed = False
        """Whether today's sampler would have drawn other points than those on record (another version of Optuna)."""
        self.told: list[int] = []
        """Numbers of the points whose end is known to the sampler, in the order in which it was told."""
        self.halted: Counter[int] = Counter()
        """Rungs of each point that the sampler was told of."""
        self._begin()

    def _begin(self) -> None:
        self.told.clear()
        self.halted.clear()
        optuna.logging.set_verbosity(optuna.logging.ERROR)  # what becomes of a point, the launch tells
        self.words = Words()
        self.study = optuna.create_study(
            storage=self.words, directions=["maximize"] * len(self.search.objectives), sampler=_sampler(self.search)
        )
        self.space = {one.key: distribution(one) for one in self.search.space}

    def replay(self, points: Sequence[Drawn], values: Values, halts: Halts = no_halts) -> None:
        """Go through what was drawn and told before, so that the next draw is the one that would have been next."""
        if not all(self._repeats(point, values, halts) for point in points):
            self._follow(points, values, halts)

    def _repeats(self, point: Drawn, values: Values, halts: Halts) -> bool:
        return self._tell_recorded(point, values, halts) and self.draw() == dict(point.parameters)

    def _follow(self, points: Sequence[Drawn], values: Values, halts: Halts) -> None:
        """Take the recorded points as they are."""
        self.departed = True
        self._begin()
        for point in points:
            self._tell_recorded(point, values, halts)
            self.study.enqueue_trial(dict(point.parameters))
            self.draw()

    def _tell_recorded(self, point: Drawn, values: Values, halts: Halts) -> bool:
        """Tell what was told before the point was drawn; False if some of it is not known any more."""
        known = [self._tell_word(number, verdict, values, halts) for number, verdict in point.told]
        return all(known)

    def _tell_word(self, number: int, verdict: Verdict, values: Values, halts: Halts) -> bool:
        """False if it is not known any more, and so is not told."""
        if verdict == "pruned":
            come_to = halts(number)[self.halted[number] : self.halted[number] + 1]
            for epochs, accuracy in come_to:
                self.tell_halt(number, epochs, accuracy)
            return bool(come_to)
        known = values(number) if verdict == "complete" else None
        if verdict == "failed" or known is not None:
            self.tell(number, known)
        return verdict == "failed" or known is not None

    def draw(self) -> dict[str, Value]:
        """The next point, a value for each key of the space; its number is how many there were."""
        return dict(self.study.ask(self.space).params)

    def tell_halt(self, number: int, epochs: int, accuracy: float) -> None:
        """How a point stood at its next rung: all that is known of it until its objectives are."""
        self.halted[number] += 1
        if number not in self.told:
            state = TrialState.PRUNED
            self.words.revise(number, state=state, intermediate_values={epochs: accuracy}, value=accuracy)

    def tell(self, number: int, values: Sequence[float] | None) -> None:
        """What a point's objectives came to; None if it failed for good. Of two such words, the first counts."""
        if number in self.told:
            return
        if self.study.get_trials(deepcopy=False)[number].state == TrialState.PRUNED:
            self.words.revise(number, state=TrialState.RUNNING)
        if values is None:
            self.study.tell(number, state=TrialState.FAIL)
        else:
            self.study.tell(number, list(values))
        self.told.append(number)


def distribution(one: Open) -> BaseDistribution:
    """What an open axis is to Optuna."""
    if one.draw == "choice":
        return CategoricalDistribution(cast("Sequence[CategoricalChoiceType]", one.values))
    low, high = one.values
    assert isinstance(low, (int, float))
    assert isinstance(high, (int, float))
    if one.draw == "int":
        return IntDistribution(int(low), int(high))
    return FloatDistribution(low, high, log=one.draw == "loguniform")


def _sampler(search: Search) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # Optuna says so of QMC, since its version 3
        return SAMPLERS[search.sampler.name](search.seed, search.sampler.parameters)


SAMPLERS: Mapping[str, Callable[[int, Mapping[str, Any]], BaseSampler]] = {
    "tpe": lambda seed, given: TPESampler(seed=seed, **given),
    "random": lambda seed, _: RandomSampler(seed=seed),
    "nsga2": lambda seed, given: NSGAIISampler(seed=seed, **given),
    "qmc": lambda seed, given: QMCSampler(
        seed=seed, warn_asynchronous_seeding=False, warn_independent_sampling=False, **given
    ),
}
"""By the names of `study.samplers`."""
