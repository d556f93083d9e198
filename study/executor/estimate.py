"""How long the rest will take: measured speeds times the work that is left, shared among the workers."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from statistics import median

from study.executor.units import StudyUnit
from study.plan import Resources
from trainables.attacks import attacks
from trainables.methods import methods
from trainables.recipe import Parent

TRAINING_PASS = 3.0
"""Work of one image's forward and backward pass, in forward passes."""
ATTACK_PASS = 2.0
"""Work of crafting one attacked image: forward, and backward to the image alone."""
NEWEST = 20
"""Units of a kind whose median speed counts."""


Kind = tuple[str | None, ...]


def _kinds(unit: StudyUnit) -> tuple[Kind, ...]:
    """What a unit is one of, from the narrowest kind to the widest."""
    exact = (unit.phase, unit.trial.label, unit.trial.train_distortion)
    return (exact, exact[:2], exact[:1], ())


class Estimate:
    """Seconds that units take, learnt from those that ended."""

    def __init__(self, images: Mapping[str, int]) -> None:
        self.images = images
        """Images of each split: `train`, `test`."""
        self._speeds: defaultdict[Kind, list[float]] = defaultdict(list)

    def work(self, unit: StudyUnit) -> float:
        """The unit's size in forward passes of one image."""
        if unit.phase == "evaluate":
            return len(unit.condition_ids) * float(self.images["test"])
        attacked = any(step.name in attacks.names() for step in unit.recipe.distortions)
        passes = methods.get(unit.recipe.method.name).passes * TRAINING_PASS + ATTACK_PASS * attacked
        return unit.recipe.epochs * self.images["train"] * passes

    def learn(self, unit: StudyUnit, seconds: float) -> None:
        """`unit` took `seconds` on a worker, from its beginning to its end."""
        for kind in _kinds(unit):
            self._speeds[kind].append(seconds / self.work(unit))

    def seconds(self, unit: StudyUnit) -> float | None:
        """Expected seconds of a whole unit on one worker, from those most like it that ended."""
        for kind in _kinds(unit):
            if kind in self._speeds:
                return self.work(unit) * median(self._speeds[kind][-NEWEST:])
        return None

    def remaining(
        self, left: Iterable[StudyUnit], running: Mapping[StudyUnit, float], workers: Callable[[Resources], int]
    ) -> float | None:
        """Seconds until all is done.

        `running` maps each unit at work to the share of it that is done; `workers` tells how many units of a shape
        run at once.
        """
        expected = {unit: self.seconds(unit) for unit in left}
        expected |= {unit: _rest(self.seconds(unit), share) for unit, share in running.items()}
        known = {unit: seconds for unit, seconds in expected.items() if seconds is not None}
        if len(known) < len(expected):
            return None
        return max(sum(seconds / workers(unit.resources) for unit, seconds in known.items()), _longest_chain(known))


def _rest(seconds: float | None, share: float) -> float | None:
    return None if seconds is None else seconds * (1 - share)


def _longest_chain(expected: Mapping[StudyUnit, float]) -> float:
    """The longest run of units of which each waits for the one before: parent, child, evaluation."""
    training: dict[str, float] = {}
    longest = 0.0
    for unit, seconds in sorted(expected.items(), key=lambda item: (item[0].trial.stage, item[0].phase != "train")):
        start = unit.recipe.start
        if unit.phase == "train":
            before = training.get(start.trial_id, 0.0) if isinstance(start, Parent) else 0.0
            training[unit.trial.trial_id] = before + seconds
            longest = max(longest, before + seconds)
        else:
            longest = max(longest, training.get(unit.trial.trial_id, 0.0) + seconds)
    return longest
