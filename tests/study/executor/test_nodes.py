"""What fits beside what, worked out by hand and against every way to place it."""

import itertools
import random
from collections import Counter

from study.executor.nodes import Nodes
from study.fitting import slots
from study.plan import Resources

ANY = Resources()
FAR = Resources(labels=(("zone", ("far",)),))
WHOLE, HALF = Resources(gpus=1.0), Resources(gpus=0.5)


def test_units_of_a_few_labelled_nodes_leave_the_others_to_the_rest() -> None:
    special = Resources(cpus=2, labels=(("zone", ("far",)),))
    nodes = Nodes(resources=(*(Resources(cpus=2) for _ in range(9)), special), local=False)
    assert [nodes.slots(ANY), nodes.slots(FAR)] == [20, 2]
    assert nodes.beyond(Counter([FAR] * 2 + [ANY] * 18)) == 0
    assert nodes.beyond(Counter([ANY] * 18 + [FAR] * 3)) == 1
    assert nodes.beyond(Counter([ANY] * 19 + [FAR] * 2)) == 1
    assert nodes.beyond(Counter([WHOLE, ANY])) == 1


def test_halves_and_wholes_share_a_node() -> None:
    nodes = Nodes(resources=(Resources(cpus=64, gpus=4),), local=False)
    assert nodes.beyond(Counter([HALF] * 4 + [WHOLE] * 2)) == 0
    assert nodes.beyond(Counter([HALF] * 5 + [WHOLE] * 2)) == 1


def _placed(nodes: tuple[Resources, ...], units: list[Resources]) -> bool:
    """Whether some way to place the units, which take CPUs alone, fits."""
    for places in itertools.product(range(len(nodes)), repeat=len(units)):
        taken = [sum(unit.cpus for unit, at in zip(units, places, strict=True) if at == i) for i in range(len(nodes))]
        well = all(slots(nodes[at], unit) for unit, at in zip(units, places, strict=True))
        if well and all(cpus <= node.cpus for cpus, node in zip(taken, nodes, strict=True)):
            return True
    return False


def test_units_that_fit_no_way_are_beyond_and_those_of_one_size_each_way() -> None:
    draw = random.Random(7)
    kinds = [Resources(cpus=2), Resources(cpus=3), Resources(cpus=2, labels=(("zone", ("far",)),))]
    for _ in range(200):
        nodes = tuple(draw.choices(kinds, k=3))
        units = draw.choices([ANY, FAR], k=draw.randint(1, 6))
        assert (Nodes(resources=nodes, local=False).beyond(Counter(units)) == 0) == _placed(nodes, units), (
            nodes,
            units,
        )
