"""What a cluster's nodes hold at once: units of one size, and units of several beside each other."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from study.fitting import counted, slots
from study.plan import Resources

Kind = tuple[int, ...]
"""How many units of each of some sizes a node holds, of one size alone."""


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """What the cluster offers, node by node."""

    resources: tuple[Resources, ...]
    local: bool
    grows: bool = False
    """Whether an autoscaler adds nodes where units wait for them. How many, and of which kinds, Ray does not tell."""
    _kinds: dict[tuple[Resources, ...], Counter[Kind]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def cpus(self) -> float:
        return sum(node.cpus for node in self.resources)

    @property
    def gpus(self) -> float:
        return sum(node.gpus for node in self.resources)

    def slots(self, need: Resources) -> int:
        """Units of this size that fit at once, each on one node."""
        return sum(held * number for (held,), number in self._of_kind((need,)).items())

    def beyond(self, units: Mapping[Resources, int]) -> int:
        """How many of so many units of each size find no room beside the others.

        The sizes that fit in the fewest places are given room first, where the other sizes lose the least by it.
        """
        sizes = tuple(sorted(units, key=self.slots))
        free = {kind: float(number) for kind, number in self._of_kind(sizes).items()}
        left_over = 0
        for i, size in enumerate(sizes):
            left = units[size]
            for kind in sorted((kind for kind in free if kind[i]), key=lambda kind: sum(kind[i + 1 :]) / kind[i]):
                given = min(left, int(free[kind] * kind[i] + 1e-9))
                free[kind] -= given / kind[i]
                left -= given
            left_over += left
        return left_over

    def _of_kind(self, sizes: tuple[Resources, ...]) -> Counter[Kind]:
        """How many nodes there are of each kind, for units of these sizes. Asked for at each unit: worked out once."""
        if sizes not in self._kinds:
            self._kinds[sizes] = Counter(tuple(slots(node, size) for size in sizes) for node in self.resources)
        return self._kinds[sizes]

    def describe(self, workers: int) -> str:
        """`2 workers here (2 CPUs, no GPU)`."""
        place = "here" if self.local else f"on {counted(len(self.resources), 'node')}"
        return f"{counted(workers, 'worker')} {place} ({self._sizes()})"

    def offered(self) -> str:
        """`3 nodes (48 CPUs, 12 GPUs)`"""
        return f"{counted(len(self.resources), 'node')} ({self._sizes()})"

    def _sizes(self) -> str:
        return f"{counted(self.cpus, 'CPU')}, {counted(self.gpus, 'GPU') if self.gpus else 'no GPU'}"
