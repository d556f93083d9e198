"""The line `keep:`, which says what of a finished trial's checkpoints stays. Part of no identity."""

from typing import get_args

from study.plan import Keep
from study.spec.axes import kind_of
from study.spec.faults import Faults
from study.spec.reading import Node, Scalar

KEPT = "checkpoints of a finished trial: best, which its results are of, or last+best (default: best)"


def read_keep(node: Node | None, faults: Faults) -> Keep:
    if node is None:
        return "best"
    for keep in get_args(Keep):
        if isinstance(node, Scalar) and node.value == keep:
            return keep  # type: ignore[no-any-return]
    got = repr(node.value) if isinstance(node, Scalar) else kind_of(node)
    faults.add(node.place, f"keep is {' or '.join(get_args(Keep))}; got {got}")
    return "best"
