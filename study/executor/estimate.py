"""How long the rest will take: measured speeds times the work that is left, shared among the workers."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import count
from statistics import median
from types import MappingProxyType

from study.executor.units import StudyUnit
from study.plan import Resources
from study.progress import Phase
from trainables.attacks import attacks
from trainables.methods import described

TRAINING_PASS = 3.0
"""Work of one image's forward and backward pass, in forward passes."""
ATTACK_PASS = 2.0
"""Work of crafting one attacked image: forward, and backward to the image alone."""
NEWEST = 20
"""Units of a kind whose median speed counts."""
ROUNDING = 1e-9
"""Slack in adding up shares of a cluster."""

Kind = tuple[str | None, ...]


def _kinds(unit: StudyUnit) -> tuple[Kind, ...]:
    """What a unit is one of, from the narrowest kind to the widest."""
    exact = (unit.phase, unit.trial.label, unit.trial.train_distortion)
    return (exact, exact[:2], exact[:1], ())


class Estimate:
    """Seconds that units take, learnt from those that ended."""

    def __init__(self, images: Mapping[str, int], frames: Mapping[str, int] = MappingProxyType({})) -> None:
        self.images = images
        """Images of each split: `train`, `test`."""
        self.frames = frames
        """Of the conditions, by id, that show an image more than once: how often."""
        self._speeds: defaultdict[Kind, list[float]] = defaultdict(list)

    def work(self, unit: StudyUnit) -> float:
        """The unit's size in forward passes of one image."""
        if unit.phase == "evaluate":
            return sum(self.frames.get(one, 1) for one in unit.condition_ids) * float(self.images["test"])
        attacked = any(step.name in attacks.names() for step in unit.recipe.distortions)
        passes = described(unit.recipe.method).forward_passes() * TRAINING_PASS + ATTACK_PASS * attacked
        return unit.part * unit.recipe.all_shown(self.images["train"]) * passes

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
        self,
        left: Sequence[StudyUnit],
        running: Sequence[tuple[StudyUnit, float]],
        workers: Callable[[Resources], int],
    ) -> float | None:
        """Seconds until all is done; None while some unit is of a kind of which none has ended.

        `running` are the units at work, each with the share of it that is done; `workers` tells how many units of a
        shape run at once.
        """
        whole = {unit.unit_id: self.seconds(unit) for unit in (*left, *(unit for unit, _ in running))}
        seconds = {unit_id: expected for unit_id, expected in whole.items() if expected is not None}
        if len(seconds) < len(whole):
            return None
        return _rehearse(
            [(unit, seconds[unit.unit_id]) for unit in left],
            [(unit, seconds[unit.unit_id] * (1 - share)) for unit, share in running],
            {unit.resources: 1 / workers(unit.resources) for unit in (*left, *(unit for unit, _ in running))},
        )


def _rehearse(
    left: Sequence[tuple[StudyUnit, float]],
    running: Sequence[tuple[StudyUnit, float]],
    share: Mapping[Resources, float],
) -> float:
    """When the last of these units ends, each with its seconds, if they run in the queue's order.

    `share` is the part of the cluster that a unit of each shape takes.
    """
    untrained = {unit.trial.trial_id for unit, _ in (*left, *running) if unit.phase == "train"}
    ready: dict[Phase, deque[tuple[StudyUnit, float]]] = {"evaluate": deque(), "train": deque()}
    waiting: defaultdict[str, list[tuple[StudyUnit, float]]] = defaultdict(list)
    for unit, seconds in left:
        blocked = unit.needs if unit.needs in untrained else None
        (ready[unit.phase] if blocked is None else waiting[blocked]).append((unit, seconds))
    number = count()
    going = [(seconds, next(number), unit) for unit, seconds in running]
    heapify(going)
    load, now = sum(share[unit.resources] for unit, _ in running), 0.0
    while True:
        while queue := ready["evaluate"] or ready["train"]:
            unit, seconds = queue[0]
            if going and load + share[unit.resources] > 1 + ROUNDING:
                break
            queue.popleft()
            load += share[unit.resources]
            heappush(going, (now + seconds, next(number), unit))
        if not going:
            return now
        now, _, ended = heappop(going)
        load -= share[ended.resources]
        if ended.phase == "train":
            for freed in waiting.pop(ended.trial.trial_id, ()):
                ready[freed[0].phase].append(freed)
