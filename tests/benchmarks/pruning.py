"""What a decision of successive halving costs once 10,000 trials have come to a rung, beside Ray Tune's own."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace

from ray.tune.schedulers.async_hyperband import _Bracket

from study.executor.brackets import Brackets
from study.plan import PlannedTrial, Pruning
from tests.benchmarks.figures import Figure
from tests.study.executor.plans import plan, trial
from trainables.recipe import Component

TRIALS = 10_000
LAST = 100
"""Decisions that are timed: those of the trials that come last."""
MILLISECONDS = 1.0


def measure() -> Iterator[Figure]:
    draw = random.Random(0)
    accuracies = [draw.random() for _ in range(TRIALS)]
    yield Figure(
        what=f"a decision of successive halving, {TRIALS:,} trials at the rung", ours=_ours(accuracies), unit="ms",
        peer=_tunes(accuracies), peer_name="Ray Tune's AsyncHyperBandScheduler", bound=MILLISECONDS,
    )  # fmt: skip


def _ours(accuracies: list[float]) -> float:
    trials = [_point(i) for i in range(TRIALS)]
    made = replace(plan(*trials), prunings=(Pruning(label=trials[0].label, min_epochs=1, reduction_factor=3),))
    brackets = Brackets(made)
    return _timed(lambda i: brackets.halted(trials[i].trial_id, 1, (accuracies[i], 0.0)))


def _tunes(accuracies: list[float]) -> float:
    bracket = _Bracket(min_t=1, max_t=27, reduction_factor=3, s=0)  # type: ignore[no-untyped-call]
    return _timed(lambda i: bracket.on_result(SimpleNamespace(trial_id=str(i)), 1, accuracies[i]))


def _point(number: int) -> PlannedTrial:
    made = trial(f"{number:05x}")
    method = Component.of("stability_training", {"alpha": float(number)})
    return replace(made, recipe=replace(made.recipe, method=method, epochs=27))


def _timed(decide: Callable[[int], object]) -> float:
    """Milliseconds of one of the last decisions."""
    for i in range(TRIALS - LAST):
        decide(i)
    began = time.perf_counter()
    for i in range(TRIALS - LAST, TRIALS):
        decide(i)
    return 1000 * (time.perf_counter() - began) / LAST
