"""Starts: `from:` is the whole dependency language; every trial starts from nothing, a file, or one other trial."""

from collections.abc import Collection, Mapping

from study.spec.faults import Faults, Place
from study.spec.form import FromLabel, MethodSpec
from study.spec.grid import count, searched


def check_circles(starts: Mapping[str, str], places: Mapping[str, Place], faults: Faults) -> None:
    """No label starts, over any number of others, from itself. `starts`: label → the label it starts from."""
    for circle in circles(starts):
        chain = " → ".join([*circle, circle[0]])
        place = places[circle[0]].at("from")
        faults.add(place, f"the starts {chain} go in a circle; begin one of them with from: scratch")


def circles(starts: Mapping[str, str]) -> list[list[str]]:
    """Every circle once, from its first label on, each label followed by the one it starts from."""
    found: list[list[str]] = []
    for label in starts:
        chain = [label]
        while (start := starts.get(chain[-1])) is not None and start not in chain:
            chain.append(start)
        if start == label and not any(label in circle for circle in found):
            found.append(chain)
    return found


def check_parents(methods: Collection[MethodSpec], places: Mapping[str, Place], faults: Faults) -> None:
    """Every replicate has one trial to start from."""
    by_label = {method.label: method for method in methods}
    for method in methods:
        start = method.train.start
        if isinstance(start, FromLabel) and start.label in by_label:
            _check_parent(method, by_label[start.label], places[method.label].at("from"), faults)


def _check_parent(method: MethodSpec, parent: MethodSpec, place: Place, faults: Faults) -> None:
    points, replicates, needed = count(parent), parent.train.replicates, method.train.replicates
    if searched(parent):
        faults.add(place, f"a start is one trial known beforehand, and {parent.label} is searched; start from another")
    elif points > 1:
        faults.add(
            place,
            f"a start is one trial, and {parent.label} has {points} a replicate; "
            f"add a method with one value of each hyperparameter, and start from that",
        )
    if 1 < replicates < needed:
        message = f"{needed} replicates start from {needed}, or all from one, and {parent.label} has {replicates}"
        faults.add(place, f"{message}; give it 1 or {needed}")
    if method.model != parent.model:
        faults.add(place, f"{method.label} starts from {parent.label}, so both have one model:; give neither its own")
