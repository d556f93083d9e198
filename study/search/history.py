"""The course of one search, in Optuna: what it drew, and what it was told. The one place that draws with Optuna.

Nothing of it is kept but the points: a relaunch draws them again, from a fresh sampler with the same seed, and is where
the launch before was.
"""

import warnings
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
from optuna.trial import TrialState

from study.plan import Drawn, Open, Search
from trainables.parameters import Value

Values = Callable[[int], Sequence[float] | None]
"""A point's number → what its objectives came to; None if that is not known (any more)."""


class History:
    """One search as far as it has come."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.departed = False
        """Whether today's sampler would have drawn other points than those on record (another version of Optuna)."""
        self.told: list[int] = []
        """Numbers of the points whose end is known to the sampler, in the order in which it was told."""
        self._begin()

    def _begin(self) -> None:
        self.told.clear()
        optuna.logging.set_verbosity(optuna.logging.ERROR)  # what becomes of a point, the launch tells
        self.study = optuna.create_study(
            directions=["maximize"] * len(self.search.objectives), sampler=_sampler(self.search)
        )
        self.space = {one.key: distribution(one) for one in self.search.space}

    def replay(self, points: Sequence[Drawn], values: Values) -> None:
        """Go through what was drawn and told before, so that the next draw is the one that would have been next."""
        if not all(self._repeats(point, values) for point in points):
            self._follow(points, values)

    def _repeats(self, point: Drawn, values: Values) -> bool:
        return self._tell_recorded(point, values) and self.draw() == dict(point.parameters)

    def _follow(self, points: Sequence[Drawn], values: Values) -> None:
        """Take the recorded points as they are."""
        self.departed = True
        self._begin()
        for point in points:
            self._tell_recorded(point, values)
            self.study.enqueue_trial(dict(point.parameters))
            self.draw()

    def _tell_recorded(self, point: Drawn, values: Values) -> bool:
        """Tell what was told before the point was drawn; False if some of it is not known any more."""
        known = {number: values(number) for number, verdict in point.told if verdict == "complete"}
        for number, verdict in point.told:
            if verdict == "failed" or known[number] is not None:
                self.tell(number, known.get(number))
        return None not in known.values()

    def draw(self) -> dict[str, Value]:
        """The next point, a value for each key of the space; its number is how many there were."""
        return dict(self.study.ask(self.space).params)

    def tell(self, number: int, values: Sequence[float] | None) -> None:
        """What a point's objectives came to; None if it failed for good. Of two words on it, the first counts."""
        if number in self.told:
            return
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
